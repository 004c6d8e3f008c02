"""The way through of the example: audit, train, a second recipe, compare, predict; for both kinds of labels."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_way_through_with_own_images(tmp_path: Path) -> None:
    settings = os.environ | {
        "SEAMLINE_CACHE": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, str(EXAMPLES / "own_images.py"), "--epochs", "1"]
    done = subprocess.run(words, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for name, kind in (("shapes", "class folders"), ("walls", "images and masks in two folders")):
        runs = tmp_path / "own-images" / name
        assert f"what it is{' ' * 13}{kind}" in done.stdout
        assert f"It can be trained on: seamline train own-images/sets/{name}" in done.stdout
        assert "learning rate" in (runs / "compared.html").read_text()
        assert (runs / "first" / "report.html").is_file()
        predicted = json.loads((runs / "predictions" / "predictions.json").read_text())
        assert len(predicted["photos"]) == 24
        assert not predicted["failed"]
        assert f"$ seamline serve own-images/{name}/first --port 0\nhttp://127.0.0.1:" in done.stdout
        elsewhere = json.loads((runs / "elsewhere" / "predictions.json").read_text())
        for one, other in zip(predicted["photos"], elsewhere["photos"], strict=True):
            for key in ("shares", "probabilities"):
                assert other.get(key) == pytest.approx(one.get(key), abs=2e-3)
    assert "'shares': {'sky': " in done.stdout
    assert "'probabilities': {" in done.stdout
    assert "the median of the images' sizes" in done.stdout or "all images are 64 x 64" in done.stdout
    assert (tmp_path / "own-images/walls/predictions/00.mask.png").is_file()
