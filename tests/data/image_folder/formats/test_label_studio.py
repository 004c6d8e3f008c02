"""Exports of Label Studio."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import refusal
from image_files import write_photos
from seamline.data.image_folder import detect_format, load_folder
from seamline.data.image_folder.run_lengths import decode_brush

SIZE = {"original_width": 40, "original_height": 20}
QUARTER = {
    **SIZE,
    "type": "polygonlabels",
    "value": {"points": [[0, 0], [50, 0], [50, 50], [0, 50]], "polygonlabels": ["cup"]},
}


def brush(inside: int, height: int, width: int) -> list[int]:
    """The bytes of a stroke over the first `inside` pixels: words of 8 bits, and runs of up to 2**16."""
    total = 4 * height * width

    def run(length: int, value: int) -> str:
        return f"1{3:02b}{length - 1:016b}{value:08b}"

    bits = f"{total:032b}{7:05b}{0:04b}{1:04b}{2:04b}{15:04b}{run(4 * inside, 255)}{run(total - 4 * inside, 0)}"
    bits += "0" * (-len(bits) % 8)
    return [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]


def choice(name: str) -> dict[str, Any]:
    return {"type": "choices", "value": {"choices": [name]}}


def export(folder: Path, tasks: dict[str, list[dict[str, Any]] | None]) -> Path:
    """Write tasks: the name of an image -> the results of its annotation."""
    content = [
        {"id": number, "data": {"image": name}, "annotations": [] if results is None else [{"result": results}]}
        for number, (name, results) in enumerate(tasks.items(), 1)
    ]
    file = folder / "project-1-at-2024.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_polygons_and_brush_strokes(tmp_path: Path) -> None:
    write_photos(tmp_path, "images/a b.png", "images/0a1b2c3d-b.png", "images/c.png", "images/d.png", size=(20, 40))
    stroke = {**SIZE, "type": "brushlabels", "value": {"rle": brush(80, 20, 40), "brushlabels": ["pen"]}}
    box = {**SIZE, "type": "rectanglelabels", "value": {"x": 0, "y": 0, "width": 9, "height": 9}}
    export(
        tmp_path,
        {
            "/data/upload/1/12345678-a%20b.png": [QUARTER, box],
            "/data/upload/1/0a1b2c3d-b.png": [stroke],
            "/data/local-files/?d=set/images/c.png": [],
            "s3://bucket/set/d.png": None,
        },
    )
    data = load_folder(tmp_path, size="40x20")
    assert data.classes == ("background", "cup", "pen")
    assert data.train.names == ("images/0a1b2c3d-b.png", "images/a b.png", "images/c.png")
    assert [int((labels == number).sum()) for labels, number in zip(data.train.labels, (2, 1, 0), strict=True)] == [
        80,
        10 * 20,
        800,
    ]
    assert (data.train.labels[0][:2] == 2).all()
    assert [(entry.count, entry.what) for entry in data.unused] == [
        (1, "annotations of type rectanglelabels"),
        (1, "image without a label (1 .png)"),
    ]


def test_choices_are_classes(tmp_path: Path) -> None:
    write_photos(tmp_path, "a.png", "b.png")
    file = export(tmp_path, {"a.png": [choice("cat")], "https://example.com/x/b.png?v=2": [choice("dog")]})
    assert [sample.label for sample in detect_format(tmp_path).samples] == ["cat", "dog"]
    assert detect_format(file).task == "classification"


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (
            {"a.png": [{**SIZE, "type": "rectanglelabels"}]},
            "has 1 annotations of type rectanglelabels, which give neither",
        ),
        ({"a.png": [choice("cat"), choice("dog")]}, "task 1 has several choices or none; keep one per image"),
        ({"z.png": [choice("cat")]}, "task 1 names z.png, which is not in"),
        ({"text": [choice("cat")]}, "task 1 names no image"),
        ({"a.png": [{**QUARTER, "original_width": 20}]}, "a.png is 40 x 20 pixels, but was annotated at 20 x 20"),
        ({"a.png": [{**QUARTER, "value": {"points": [[0, 0]], "polygonlabels": ["cup"]}}]}, "a polygon has 1 corners"),
        (
            {"a.png": [{**SIZE, "type": "brushlabels", "value": {"rle": [1], "brushlabels": ["x"]}}]},
            "stroke ends early",
        ),
    ],
)
def test_invalid_exports_are_refused(tmp_path: Path, tasks: dict[str, Any], message: str) -> None:
    write_photos(tmp_path, "a.png", size=(20, 40))
    export(tmp_path, tasks)
    assert message in refusal(lambda: detect_format(tmp_path))


def test_minimal_exports_are_refused(tmp_path: Path) -> None:
    write_photos(tmp_path, "a.png")
    content = [{"image": "a.png", "choice": "cat", "annotator": 1, "annotation_id": 1}]
    (tmp_path / "a.json").write_text(json.dumps(content), encoding="utf-8")
    assert "is JSON-MIN of Label Studio, without sizes; export as JSON" in refusal(lambda: detect_format(tmp_path))


@given(st.binary(max_size=40), st.integers(1, 4))
def test_any_bytes_are_a_stroke_or_refused(content: bytes, height: int) -> None:
    with suppress(ValueError):
        assert decode_brush([*content], height, 2).shape == (height, 2)
