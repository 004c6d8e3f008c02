"""What is decoded while a photo is used: the next one, unless the photo is large."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from run_factories import save_photo
from seamline.data.image_io import read_photo
from seamline.errors import SeamlineError
from seamline.inference import decode as module
from seamline.inference.decode import decode_ahead
from seamline.inference.find_images import find_photos


@pytest.mark.parametrize(("limit", "ahead"), [(1_000_000, 1), (1, 0)])
def test_one_photo_is_decoded_ahead_of_a_small_one(
    limit: int, ahead: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[str] = []

    class Reader(ThreadPoolExecutor):
        def submit(self, *args: Any, **options: Any) -> Any:
            submitted.append(Path(options["name"]).stem)
            return super().submit(*args, **options)

    monkeypatch.setattr(module, "ThreadPoolExecutor", Reader)
    monkeypatch.setattr(module, "LARGE_IMAGE", limit)
    files = [save_photo(tmp_path / f"{name}.png") for name in "abc"]
    for number, decoded in enumerate(decode_ahead(find_photos(files).photos, 0), 1):
        assert submitted == [*"abc"][: number + ahead]
        assert (decoded.result().pixels == read_photo(files[number - 1]).pixels).all()
    assert number == 3


def test_a_damaged_photo_fails_alone(tmp_path: Path) -> None:
    files = [save_photo(tmp_path / f"{name}.png") for name in "ab"]
    files[0].write_bytes(b"no photo")
    bad, good = decode_ahead(find_photos(files).photos, 0)
    with pytest.raises(SeamlineError, match=r"a\.png"):
        bad.result()
    assert good.result().pixels.ndim == 3


def test_no_photo_is_no_work() -> None:
    assert [*decode_ahead((), 0)] == []
