import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from msgspec.structs import asdict
from numpy.typing import NDArray
from PIL import Image

import seamline
from run_factories import COLOURS, SEGMENTER_CLASSES, save_photo, with_uncertainty
from run_folder.factories import calibration
from seamline.api.use import predict
from seamline.data.image_io import read_image
from seamline.errors import SeamlineError
from seamline.inference.tta import load_tta
from seamline.run_folder import PhotoPrediction, RunFolder, prediction_record

DEFAULTS = asdict(PhotoPrediction(file="", width=1, height=1))
NOT_AVAILABLE = "whether photos are unlike the training images is not available of {}; evaluate the run again"


def record(folder: Path) -> Any:
    return json.loads((folder / "predictions.json").read_text(encoding="utf-8"))


def test_masks_overlays_legend_and_record(segmenter: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "front.png")
    predictions = predict(segmenter, [photo], out=tmp_path / "out")
    assert sorted(file.name for file in predictions.folder.iterdir()) == [
        "front.confidence.png",
        "front.mask.png",
        "front.overlay.png",
        "legend.png",
        "predictions.json",
    ]
    with Image.open(tmp_path / "out" / "front.mask.png") as image:
        assert (image.mode, image.size) == ("P", (100, 60))
        mask, palette = np.asarray(image), image.getpalette()
    assert palette is not None
    assert palette[:6] == [value for colour in COLOURS for value in colour]
    assert (mask[:, :45] == 0).all()
    assert (mask[:, 55:] == 1).all()
    pixels, overlay = (read_image(file) for file in (photo, tmp_path / "out" / "front.overlay.png"))
    np.testing.assert_array_equal(overlay[mask == 0], pixels[mask == 0])  # a black class is left clear
    np.testing.assert_array_equal(overlay[mask == 1], pixels[mask == 1] // 2 + np.array(COLOURS[1], np.uint8) // 2)
    (one,) = predictions.photos
    assert asdict(one) == DEFAULTS | {
        "file": str(photo),
        "width": 100,
        "height": 60,
        "mask": "front.mask.png",
        "overlay": "front.overlay.png",
        "confidence": "front.confidence.png",
        "class_fractions": {"dark": (mask == 0).mean(), "bright": (mask == 1).mean()},
    }
    assert record(predictions.folder) == {
        "model": str(segmenter),
        "task": "segmentation",
        "dataset": "Spots",
        "preset": "fast",
        "classes": list(SEGMENTER_CLASSES),
        "palette": [list(color) for color in COLOURS],
        "false_alarm_rate": None,
        "interval_level": None,
        "photos": [msgspec.to_builtins(one)],
        "errors": [],
        "unused": [],
        "warnings": [NOT_AVAILABLE.format(segmenter)],
    }
    before = {file.name: file.read_bytes() for file in predictions.folder.iterdir()}
    predict(str(segmenter), str(photo), out=str(tmp_path / "out"))
    assert {file.name: file.read_bytes() for file in predictions.folder.iterdir()} == before


def test_novelty_intervals_and_confidence_reach_record_and_page(segmenter: Path, tmp_path: Path) -> None:
    model = with_uncertainty(seamline.load_model(segmenter))
    photo = save_photo(tmp_path / "photo.png")
    predictions = seamline.predict(model, [photo], out=tmp_path / "out", report=True)
    (one,) = predictions.photos
    expected = model(photo)
    assert expected.confidence is not None
    assert one.novelty == pytest.approx(expected.novelty)
    assert one.class_intervals == {"bright": pytest.approx(expected.intervals["bright"])}
    low, high = one.class_intervals["bright"]
    assert 0 <= low < one.class_fractions["bright"] < high <= 1
    with Image.open(predictions.folder / "photo.confidence.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), expected.confidence)
    written = record(predictions.folder)
    assert (written["false_alarm_rate"], written["interval_level"], written["warnings"]) == (0.05, 0.9, [])
    page = (predictions.folder / "report.html").read_text(encoding="utf-8")
    assert f"Unlike the training images: {one.novelty:.1f} times as far from them as 95\u00a0% of" in page
    assert f"{100 * low:.1f}–{100 * high:.1f}" in page
    assert "Confidence of the prediction for photo.png" in page


def test_features_are_those_of_photos_at_the_size_of_the_training_images(segmenter: Path) -> None:
    def sides(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full((len(images), 2), images.shape[1:3], np.float32)

    model = with_uncertainty(replace(seamline.load_model(segmenter), features=sides), np.array([32, 16], np.float32))
    for height, width, expected in ((160, 80, 0), (2000, 1000, 0), (10, 5, 0), (160, 160, 16 / (0.1 * 1280**0.5))):
        assert model(np.zeros((height, width, 3), np.uint8)).novelty == pytest.approx(expected, rel=1e-5)


def test_labels_follow_the_network_and_the_temperature(classifier: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "photo.png", 20, 20, mode="L")
    predictions = predict(classifier, [photo], out=tmp_path / "out")
    pixels = read_image(photo)
    images = torch.from_numpy(pixels[None, None, :, :, 0])
    with torch.inference_mode():
        expected = (load_tta(RunFolder(classifier))(images)[0] / 2.0).softmax(0).tolist()
    (one,) = predictions.photos
    assert list(one.probabilities) == ["left", "right", "both"]
    assert list(one.probabilities.values()) == pytest.approx(expected, abs=1e-5)
    assert one.probability == max(one.probabilities.values())
    assert one.probabilities[str(one.label)] == one.probability
    assert sorted(file.name for file in predictions.folder.iterdir()) == ["predictions.json"]
    assert record(predictions.folder)["palette"] == []
    larger = np.pad(pixels.repeat(7, 0).repeat(7, 1), ((0, 0), (90, 90), (0, 0)), constant_values=77)
    Image.fromarray(larger).convert("CMYK").save(tmp_path / "wide.tif")
    (cut,) = predict(classifier, [tmp_path / "wide.tif"], out=tmp_path / "out").photos  # its middle is the same photo
    assert list(cut.probabilities.values()) == pytest.approx(expected, abs=0.02)


def test_one_bad_photo_does_not_stop_the_others(
    segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_photo(Path("photos/a.png"))
    Path("photos/b.jpg").write_bytes(b"no image")
    save_photo(Path("photos/deep/c.JPG"))
    calls: list[tuple[float, int, str]] = []
    predictions = predict(
        segmenter, ["photos", "missing.jpg"], progress=lambda done, total, file: calls.append((done, total, file))
    )
    assert predictions.folder == Path("predictions/spots-fast")
    assert [one.file for one in predictions.photos] == ["photos/a.png", "photos/deep/c.JPG"]
    reasons = {one.file: one.reason for one in predictions.errors}
    assert reasons["missing.jpg"] == "not found"
    assert "0x6e6f2069" in reasons["photos/b.jpg"]
    assert "photos/b.jpg" not in reasons["photos/b.jpg"]
    assert record(predictions.folder)["errors"] == [asdict(one) for one in predictions.errors]
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)
    assert calls[-1] == (3.0, 3, "photos/deep/c.JPG")


def test_a_page_is_written_when_asked_for(segmenter: Path, classifier: Path, tmp_path: Path) -> None:
    save_photo(tmp_path / "photos" / "large.png", 900, 1700)
    save_photo(tmp_path / "photos" / "small.png")
    for run in (segmenter, classifier):
        predictions = seamline.predict(run, [tmp_path / "photos"], out=tmp_path / run.name, report=True)
        assert predictions.page == predictions.folder / "report.html"
        assert predictions.page.is_file()
        assert [one.photo for one in predictions.photos] == ["large.photo.jpg", "small.photo.jpg"]
        with (
            Image.open(predictions.folder / "large.photo.jpg") as large,
            Image.open(predictions.folder / "small.photo.jpg") as small,
        ):
            assert (large.size, small.size) == ((1600, 847), (100, 60))


def test_an_interruption_keeps_the_photos_done(segmenter: Path, tmp_path: Path) -> None:
    for name in "abc":
        save_photo(tmp_path / f"{name}.png")

    def interrupt(done: float, total: int, file: str) -> None:
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(segmenter, [tmp_path], out=tmp_path / "out", progress=interrupt)
    assert [Path(one["file"]).name for one in record(tmp_path / "out")["photos"]] == ["a.png", "b.png"]


def test_results_are_no_photos_and_never_replace_one(segmenter: Path, tmp_path: Path) -> None:
    save_photo(tmp_path / "a.png")
    for _ in range(2):
        predictions = predict(segmenter, [tmp_path, str(tmp_path / "*.png")], out=tmp_path)
        assert [Path(one.file).name for one in predictions.photos] == ["a.png"]
    content = (tmp_path / "a.mask.png").read_bytes()
    with pytest.raises(SeamlineError, match=r"a\.mask\.png: a result would overwrite this photo; .*--out"):
        predict(segmenter, [tmp_path / "a.png", tmp_path / "a.mask.png"], out=tmp_path)
    assert (tmp_path / "a.mask.png").read_bytes() == content


def test_unused_files_reach_the_record_and_the_page(segmenter: Path, tmp_path: Path) -> None:
    save_photo(tmp_path / "a.png")
    (tmp_path / "b.heic").write_bytes(b"no photo")
    for unused in (
        ["image of unsupported formats (1 .heic)"],
        [
            "image of unsupported formats (1 .heic)",
            "results of earlier predictions (4 .png, 1 .jpg, 1 .json, 1 .html)",
        ],
    ):
        predictions = seamline.predict(segmenter, tmp_path, out=tmp_path, report=True)
        assert [item.what for item in predictions.unused] == unused
        assert prediction_record(tmp_path).read().unused == predictions.unused
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "b.heic" in page
        assert "convert them to JPEG or PNG" in page


def test_a_larger_photo_is_reduced_for_the_network_and_its_mask_is_not(segmenter: Path, tmp_path: Path) -> None:
    """Stripes of one pixel: seen as they are, they are stripes; reduced, they are grey."""
    stripes = np.zeros((64, 96, 3), np.uint8)
    stripes[:, ::2] = 250
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    shares = {
        size: predict(segmenter, [tmp_path / "stripes.png"], out=tmp_path / "out", max_side=size)
        .photos[0]
        .class_fractions
        for size in (None, 48, 0, 96)
    }
    assert shares[None] == shares[48]  # 1.5 times the 32 of the training images
    assert shares[0] == shares[96]
    assert shares[0] != shares[48]
    with Image.open(tmp_path / "out" / "stripes.mask.png") as mask:
        assert mask.size == (96, 64)


def test_mistakes_are_one_line(segmenter: Path, classifier: Path, tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    unfinished = tmp_path / "unfinished"
    RunFolder(unfinished).info.write(RunFolder(segmenter).info.read())
    cases: list[tuple[Path, list[Path], dict[str, Any], str]] = [
        (tmp_path / "none", [photo], {}, r"none: not found; name a run folder"),
        (unfinished, [photo], {}, "training has not finished"),
        (segmenter, [], {}, "no photo is given"),
        (segmenter, [tmp_path / "empty"], {}, r"empty: contains no photos .*give photos"),
        (segmenter, [tmp_path / "*.gif"], {}, r"\*\.gif: matches no photo"),
        (segmenter, [tmp_path / "no.jpg", tmp_path / "no2.jpg"], {}, r"no\.jpg: not found and 1 more; give photos"),
        (segmenter, [photo], {"out": photo}, r"a\.png: cannot be written to .*--out"),
        (segmenter, [photo], {"out": photo / "out"}, r"out: cannot be written to .*--out"),
        (segmenter, [photo], {"max_side": 5}, "--max-side 5: too small"),
        (segmenter, [photo], {"max_side": -1}, "--max-side -1: too small"),
        (classifier, [photo], {"max_side": 64}, "--max-side 64: for segmentation"),
        (segmenter, [photo], {"device": "abacus"}, "--device abacus"),
        (segmenter, [photo], {"threads": 0}, "--threads 0"),
    ]
    for run, photos, options, message in cases:
        with pytest.raises(SeamlineError, match=message) as caught:
            predict(run, photos, **({"out": tmp_path / "out"} | options))
        assert "\n" not in str(caught.value)
    file = RunFolder(segmenter).calibration
    file.path.write_text("{}")
    with pytest.raises(SeamlineError, match=r"calibration\.json: \$\.temperature is missing"):
        predict(segmenter, [photo], out=tmp_path / "out")
    for wrong in ("0", "-1", "null", "NaN", "1e999", "9" * 400, "[1]", '"warm"'):
        file.write(calibration())
        file.path.write_text(re.sub(r'("value": )1\.3\b', rf"\g<1>{wrong}", file.path.read_text(), count=1))
        with pytest.raises(SeamlineError, match=r"calibration\.json: .*temperature.value|calibration\.json: not JSON"):
            predict(segmenter, [photo], out=tmp_path / "out")
    file.path.unlink()


def test_what_is_not_used_is_reported(classifier: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "lime")]
    frames[0].save(photos / "a.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(np.full((20, 20), 3000, np.uint16)).save(photos / "b.png")
    frames[0].save(photos / "c.jfif", "JPEG")
    for name in ("d.heic", "e.heic", "notes.txt"):
        (photos / name).write_bytes(b"x")
    predictions = predict(classifier, [photos], out=tmp_path / "out")
    assert len(predictions.photos) == 3
    assert [(entry.kind, entry.count) for entry in predictions.unused] == [("files", 2), ("files", 1), ("images", 1)]
    warning, unavailable = predictions.warnings
    assert unavailable == NOT_AVAILABLE.format(classifier)
    assert warning.startswith(f"1 of 3 images, such as {photos / 'b.png'}, have values of 8 to 14 bits")
    assert record(tmp_path / "out")["unused"] == msgspec.to_builtins(list(predictions.unused))
    assert record(tmp_path / "out")["warnings"] == [warning, unavailable]


def test_photos_are_scaled_by_the_bit_depth_of_the_training_images(classifier: Path, tmp_path: Path) -> None:
    file = tmp_path / "dark.png"
    Image.fromarray(np.full((20, 20), 200, np.uint16)).save(file)  # 8 bits by itself
    model = seamline.load_model(classifier)
    trained = replace(model, metadata=msgspec.structs.replace(model.metadata, bit_depth=12))
    expected = model(np.full((20, 20, 3), round(200 * 255 / 4095), np.uint8))
    assert trained(file).probabilities == expected.probabilities
    assert model(file).probabilities == model(np.full((20, 20, 3), 200, np.uint8)).probabilities
