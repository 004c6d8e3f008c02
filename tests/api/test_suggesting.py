import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import seamline
from conftest import bright_sides, draw_sides, without_report
from helpers import Lines, refusal
from seamline.cli import app
from seamline.inference.predictor import load_model
from seamline.run_folder import suggestions_file
from seamline.training.config import parse_settings


def write_flat(folder: Path, **reds: int) -> Path:
    """Write photos of one red each with a little noise; the model is in doubt near 128."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, red in reds.items():
        pixels = np.zeros((40, 40, 3), np.uint8)
        pixels[..., 0] = red + np.random.default_rng(red).integers(0, 3, (40, 40))
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_masks_are_ranked_by_their_mean_entropy(segmenter: Path, tmp_path: Path) -> None:
    photos = write_flat(tmp_path / "photos", sure=20, unsure=127, surer=250)
    model = replace(load_model(segmenter), features=None)
    lines = Lines()
    ranked = seamline.suggest(model, photos, count=2, progress=lines)
    assert Path(ranked.photos[0].path).name == "unsure.png"
    assert len(ranked.photos) == 2
    assert Path(ranked.photos[0].path).is_absolute()
    pixels = np.array(Image.open(photos / "unsure.png"))
    maps = model(pixels, probability_maps=True, max_side=0).probability_maps
    assert maps is not None
    expected = -(maps * np.log(np.maximum(maps, 1e-30))).sum(0).mean() / np.log(2)
    assert ranked.photos[0].score == pytest.approx(float(expected), abs=2e-5)
    assert any("ranked by entropy alone" in line for line in lines.lines)


def test_near_duplicates_of_chosen_photos_are_left_out(segmenter: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    scene = np.random.default_rng(1).integers(60, 200, (12, 12, 3), np.uint8)
    Image.fromarray(scene).resize((96, 96), Image.Resampling.BICUBIC).save(photos / "one.png")
    Image.open(photos / "one.png").save(photos / "again.jpg", quality=92)
    write_flat(photos, other=100)
    (photos / "broken.png").write_bytes(b"nothing")
    out = tmp_path / "lists" / "list.json"
    ranked = seamline.suggest(segmenter, [photos, tmp_path / "nowhere.jpg"], out=out)
    names = {Path(one.path).name for one in ranked.photos}
    assert "other.png" in names
    assert len(names & {"one.png", "again.jpg"}) == 1
    assert [one.reason.split()[0] for one in ranked.left_out] == ["near-duplicate"]
    assert {Path(one.file).name for one in ranked.errors} == {"nowhere.jpg", "broken.png"}
    assert suggestions_file(out).read() == ranked
    content = json.loads(out.read_text(encoding="utf-8"))
    assert content["run"] == str(segmenter)
    assert [set(one) for one in content["photos"]] == [{"path", "score", "reason"}] * 2


def test_photos_that_were_trained_on_are_left_out(tmp_path: Path) -> None:
    with without_report():
        run = seamline.train(draw_sides(), **parse_settings(["epochs=1"]), out=tmp_path / "run", threads=1)
    trained, other = bright_sides(300, 1), bright_sides(4, 9)
    index = run.folder.read_index()
    assert index is not None
    known = trained.names.index(index.names[0])  # a training image
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(trained.images[known][:, :, 0]).save(photos / "known.png")
    for number, image in enumerate(other.images):
        Image.fromarray(image[:, :, 0]).save(photos / f"new-{number}.png")
    result = CliRunner().invoke(app, ["suggest", str(run.path), str(photos), "--threads", "1", "--json"])
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert {Path(one["path"]).name for one in content["photos"]} == {f"new-{number}.png" for number in range(4)}
    assert content["left_out"] == [
        {"file": str(photos / "known.png"), "reason": f"near-duplicate of the training image {index.names[0]}"}
    ]


def test_the_list_is_printed_with_what_is_left_out(segmenter: Path, tmp_path: Path) -> None:
    photos = write_flat(tmp_path / "photos", sure=20, unsure=127)
    arguments = ["suggest", str(segmenter), str(photos), "--threads", "1", "--out", str(tmp_path / "list.json")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    first, second, last = result.stdout.splitlines()
    assert "unsure.png: entropy" in first
    assert "sure.png: entropy" in second
    assert last == f"List: {tmp_path / 'list.json'}"


def test_what_cannot_be_ranked_is_refused(segmenter: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"nothing")
    assert refusal(lambda: seamline.suggest(segmenter, tmp_path, count=0)) == "--count 0: must be at least 1"
    assert refusal(lambda: seamline.suggest(segmenter, tmp_path)).endswith("; no photo can be read")
    photos = write_flat(tmp_path / "photos", one=20)
    out = tmp_path / "bad.png" / "list.json"
    assert "name another file" in refusal(lambda: seamline.suggest(segmenter, photos, out=out))
