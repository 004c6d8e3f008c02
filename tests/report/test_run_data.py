import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from report.factories import PALETTE, write_mask
from seamline.errors import SeamlineError
from seamline.report.run_data import read_mask, read_picture


def test_a_large_picture_is_read_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow would refuse what has more than 200
    mask = np.arange(400, dtype=np.uint8).reshape(20, 20) % 5
    mask[0] = 255
    write_mask(tmp_path / "mask.png", mask, PALETTE)
    Image.fromarray(mask).save(tmp_path / "gray.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (read_mask(tmp_path / "mask.png") == mask).all()
        assert read_picture(tmp_path / "gray.png").mode == "L"
        assert read_picture(tmp_path / "gray.png", color=True).mode == "RGB"
        assert read_picture(tmp_path / "mask.png").mode == "RGB"
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_mask_in_colors_is_refused_in_one_line(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "mask.png")
    with pytest.raises(SeamlineError, match=r"mask.png: cannot be read as an image; evaluate the run again$"):
        read_mask(tmp_path / "mask.png")
