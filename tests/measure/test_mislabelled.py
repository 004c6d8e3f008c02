"""Images that look mislabelled: by hand, and with labels that were changed."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

import seamline


def test_changed_labels_of_an_own_folder_are_found(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    changed = {"dark/000.png", "dark/001.png", "bright/002.png"}
    for label, level in (("dark", 60), ("bright", 190)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(60):
            name = f"{label}/{number:03}.png"
            shown = 250 - level if name in changed else level
            noise = chance.integers(-40, 40, (28, 28, 3)) + shown
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(tmp_path / "set" / name)
    out = seamline.train(str(tmp_path / "set"), out=tmp_path / "run", settings=("epochs=4",), threads=1)
    written = json.loads((out / "evaluation" / "mislabelled.json").read_text())
    assert written["folds"] == 3
    assert sum(written["judged"].values()) == 120
    surest = {one["name"] for one in written["suspects"][:3]}
    assert surest == changed
    page = (out / "report.html").read_text()
    assert "Labels to look at again" in page
    assert "All images were judged by networks that did not learn from them" in page
