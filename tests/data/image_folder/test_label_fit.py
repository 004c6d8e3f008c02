"""Masks and polygons fit their images, are turned with them, or are refused; those that cover nothing are counted."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers import refusal
from seamline.data.image_folder import load_folder
from seamline.data.image_folder.label_fit import Fit, fit_labels

HEIGHT, WIDTH = 32, 48
BOX = (4, 6, 20, 16)  # left, top, right and bottom of the object on the upright image


def upright() -> NDArray[np.uint8]:
    """A dark image (HEIGHT, WIDTH, 3) with a bright box."""
    left, top, right, bottom = BOX
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[top:bottom, left:right] = (250, 240, 200)
    return pixels


def stored(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The pixels that a camera stores with an EXIF orientation, by the table of EXIF."""
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.swapaxes(0, 1),
        6: np.rot90(pixels, 1),
        7: pixels[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(pixels, -1),
    }[orientation]
    return np.ascontiguousarray(turned)


def write_photo(file: Path, orientation: int = 1, pixels: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Write a photo with an EXIF orientation, and return the pixels as they are stored."""
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = stored(upright() if pixels is None else pixels, orientation)
    Image.fromarray(turned).save(file, exif=exif)
    return turned


def corners(mask: NDArray[np.bool_]) -> list[float]:
    """The outline of a box in a mask (H, W), as a flat list."""
    rows, columns = np.nonzero(mask)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return [float(value) for value in (left, top, right, top, right, bottom, left, bottom)]


def write_coco(folder: Path, images: list[dict[str, Any]], polygons: list[Any], **annotation: Any) -> None:
    """Write COCO JSON with a polygon, or several, or run lengths, for each image."""
    content = {
        "images": [{"id": number, **image} for number, image in enumerate(images)],
        "categories": [{"id": 1, "name": "box"}],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 1, "segmentation": polygon, **annotation}
            for number, polygon in enumerate(polygons)
        ],
    }
    (folder / "instances.json").write_text(json.dumps(content), encoding="utf-8")


def write_labelme(folder: Path, name: str, shapes: list[dict[str, Any]], **more: Any) -> None:
    """Write LabelMe JSON for an image."""
    content = {"imagePath": name, "imageData": None, "shapes": shapes, **more}
    (folder / f"{Path(name).stem}.json").write_text(json.dumps(content), encoding="utf-8")


TRUTH = upright()[..., 0] > 128


# ---- EXIF orientation ----


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("drawn", ["stored", "upright"])
def test_coco_polygons_are_turned_with_their_image(tmp_path: Path, orientation: int, drawn: str) -> None:
    pixels = write_photo(tmp_path / "a.png", orientation) if drawn == "stored" else upright()
    write_photo(tmp_path / "a.png", orientation)
    size = {"width": pixels.shape[1], "height": pixels.shape[0]}
    write_coco(tmp_path, [{"file_name": "a.png", **size}], [[corners(pixels[..., 0] > 128)]])
    data = load_folder(tmp_path)
    decidable = orientation in (1, 5, 6, 7, 8)
    if decidable or drawn == "upright":
        np.testing.assert_array_equal(data.train.labels[0], TRUTH)
    words = "these are turned to match" if decidable and drawn == "stored" else "sizes do not tell"
    assert len(data.warnings) == (orientation > 1 and (drawn == "stored" or not decidable))
    assert all(words in warning for warning in data.warnings)


@pytest.mark.parametrize("layout", ["labelme", "pairs", "runs"])
@pytest.mark.parametrize("orientation", [6, 8])
def test_all_labels_are_turned_with_their_image(tmp_path: Path, layout: str, orientation: int) -> None:
    pixels = write_photo(tmp_path / "a.jpg", orientation)
    region = pixels[..., 0] > 128
    height, width = region.shape
    if layout == "labelme":
        outline = np.reshape(corners(region), (-1, 2)).tolist()
        write_labelme(tmp_path, "a.jpg", [{"label": "box", "points": outline}], imageHeight=height, imageWidth=width)
    elif layout == "pairs":
        Image.fromarray(region.astype(np.uint8) * 255).save(tmp_path / "a.png")
    else:
        changes = np.flatnonzero(np.diff(region.T.ravel().astype(int)))
        runs = np.diff([0, *(changes + 1), region.size]).tolist()
        write_coco(tmp_path, [{"file_name": "a.jpg"}], [{"size": [height, width], "counts": runs}])
    data = load_folder(tmp_path)
    np.testing.assert_array_equal(data.train.labels[0], TRUTH)
    (warning,) = data.warnings
    assert warning.startswith("1 of 1 images, such as a.jpg, are turned by EXIF and their masks or polygons are not")


def test_square_photos_with_masks_are_undecided(tmp_path: Path) -> None:
    square = upright()[:, :HEIGHT]
    for name, orientation in (("a", 6), ("b", 1), ("c", 3)):
        pixels = write_photo(tmp_path / "images" / f"{name}.jpg", orientation, square)
        (tmp_path / "masks").mkdir(exist_ok=True)
        Image.fromarray((pixels[..., 0] > 128).astype(np.uint8) * 255).save(tmp_path / "masks" / f"{name}.png")
    (warning,) = load_folder(tmp_path).warnings
    assert warning.startswith(
        "2 of 3 images, such as images/a.jpg, are turned by EXIF, and sizes do not tell whether their masks"
    )


def test_fit_of_sizes() -> None:
    assert fit_labels((10, 20), (10, 20), 1) is Fit.UPRIGHT
    assert fit_labels((20, 10), (10, 20), 1) is Fit.OTHER
    assert fit_labels((20, 10), (10, 20), 6) is Fit.STORED
    assert fit_labels((10, 20), (10, 20), 6) is Fit.UPRIGHT
    assert fit_labels((10, 20), (10, 20), 3) is Fit.UNDECIDED
    assert fit_labels((10, 10), (10, 10), 8) is Fit.UNDECIDED
    assert fit_labels(None, (10, 20), 1) is Fit.UPRIGHT
    assert fit_labels(None, (10, 20), 6) is Fit.UNDECIDED
    assert fit_labels((9, 20), (10, 20), 6) is Fit.OTHER


# ---- sizes ----


@pytest.mark.parametrize(("factor", "words"), [(2.0, "the images were scaled"), (0.5, "the images were scaled")])
def test_other_sizes_are_refused(tmp_path: Path, factor: float, words: str) -> None:
    write_photo(tmp_path / "a.png")
    write_photo(tmp_path / "b.png")
    width, height = round(WIDTH * factor), round(HEIGHT * factor)
    sizes = [{"width": width, "height": height}, {"width": WIDTH, "height": HEIGHT}]
    images = [{"file_name": name, **size} for name, size in zip(("a.png", "b.png"), sizes, strict=True)]
    write_coco(tmp_path, images, [[corners(TRUTH)]] * 2)
    assert refusal(lambda: load_folder(tmp_path)).startswith(
        f"{tmp_path}: 1 of 2 images have another size than their annotations state, such as a.png, {WIDTH} x {HEIGHT} "
        f"instead of {width} x {height} (width x height); {words}"
    )


def test_other_images_are_refused(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png")
    shape = {"label": "box", "points": [[2, 2], [9, 9]], "shape_type": "rectangle"}
    write_labelme(tmp_path, "a.png", [shape], imageHeight=WIDTH, imageWidth=WIDTH)
    assert "use the images that were annotated, or annotate these" in refusal(lambda: load_folder(tmp_path))
    write_labelme(tmp_path, "a.png", [shape], imageHeight=0, imageWidth=None)  # states none
    assert int(load_folder(tmp_path).train.labels.sum()) == 7 * 7


# ---- polygons that cover nothing ----


def test_polygons_that_cover_nothing_are_counted(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png")
    polygons = [
        corners(TRUTH),
        [50.0, 40.0, 60.0, 40.0, 60.0, 44.0],  # outside
        [4.0, 4.0, 8.0, 8.0, 12.0, 12.0],  # a line
        [4.0, 4.0, 8.0, 8.0],  # two corners
        [40.0, 2.0, 60.0, 2.0, 60.0, 8.0, 40.0, 8.0],  # cut off
    ]
    write_coco(tmp_path, [{"file_name": "a.png"}], [polygons], iscrowd=1)
    data = load_folder(tmp_path)
    assert [(entry.kind, entry.what, entry.count) for entry in data.unused] == [
        ("annotations", "polygons of fewer than 3 corners", 1),
        ("annotations", "polygons outside their image", 1),
        ("annotations", "polygons without an area", 1),
    ]
    crowds, cut = data.warnings
    assert crowds == "1 annotations are crowds of objects (iscrowd) and count as their class"
    assert cut.startswith("1 of 4 polygons, such as one in a.png, reach beyond their image")


# ---- ids ----


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": [{"id": 7, "file_name": "a.png"}, {"id": 7, "file_name": "b.png"}]}, "to two images, a.png and b"),
        ({"images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "a.png"}]}, "lists a.png twice, with the"),
        ({"categories": [{"id": 1, "name": "x"}, {"id": 1, "name": "y"}]}, "gives the id 1 to two categories, x and y"),
        (
            {"annotations": [{"id": 3, "image_id": number, "category_id": 1} for number in (0, 1)]},
            "gives the id 3 to two annotations, one of a.png and one of b.png",
        ),
    ],
)
def test_repeated_ids_are_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    for name in ("a.png", "b.png"):
        write_photo(tmp_path / name)
    write_coco(tmp_path, [{"file_name": "a.png"}, {"file_name": "b.png"}], [[corners(TRUTH)]] * 2)
    file = tmp_path / "instances.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    text = refusal(lambda: load_folder(tmp_path))
    assert text.startswith(f"{file}: ")
    assert words in text


# ---- shapes of LabelMe ----


def encoded(region: NDArray[np.bool_]) -> str:
    """A region as LabelMe stores it: a PNG of one bit in Base64."""
    stream = io.BytesIO()
    Image.fromarray(region).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize("states_size", [True, False])
def test_regions_of_labelme_are_read(tmp_path: Path, states_size: bool) -> None:
    write_photo(tmp_path / "a.png")
    left, top, right, bottom = BOX
    region = np.ones((bottom - top, right - left), bool)
    region[0, 0] = False
    shape = {"label": "box", "shape_type": "mask", "points": [[left, top], [right - 1, bottom - 1]]}
    more = {"imageHeight": HEIGHT, "imageWidth": WIDTH} if states_size else {}
    write_labelme(tmp_path, "a.png", [{**shape, "mask": encoded(region)}], **more)
    truth = TRUTH.copy()
    truth[top, left] = False
    np.testing.assert_array_equal(load_folder(tmp_path).train.labels[0], truth)
    write_labelme(tmp_path, "a.png", [{**shape, "mask": "bm8="}], **more)
    assert "the mask of a shape box cannot be read" in refusal(lambda: load_folder(tmp_path))
    write_labelme(tmp_path, "a.png", [{**shape, "points": [[99, 2], [105, 8]], "mask": encoded(region)}], **more)
    assert "the mask of a shape box is not inside the image" in refusal(lambda: load_folder(tmp_path))


def test_other_shapes_are_read_or_counted(tmp_path: Path) -> None:
    write_photo(tmp_path / "a.png")
    shapes = [
        {"label": "box", "shape_type": kind, "points": points}
        for kind, points in (
            ("rotation", [[0, 0], [4, 0], [4, 4], [0, 4]]),
            ("rectangle", [[8, 0], [12, 0], [12, 4], [8, 4]]),
            ("linestrip", [[0, 0], [9, 9], [12, 3]]),
            ("line", [[0, 0], [9, 9]]),
            ("point", [[3, 3]]),
            ("point", [[4, 4]]),
            ("polygon", [[4, 4], [5, 5]]),
            ("mask", [[0, 0], [1, 1]]),
        )
    ]
    write_labelme(tmp_path, "a.png", shapes)
    data = load_folder(tmp_path)
    assert int(data.train.labels.sum()) == 32
    counts = {entry.what.removeprefix("shapes of type "): entry.count for entry in data.unused}
    assert counts == {"linestrip": 1, "line": 1, "point": 2, "polygon": 1, "mask": 1}


@pytest.mark.parametrize("name", ["a.png", "C:\\images\\a.png", "..\\images\\a.png", "/home/me/a.png"])
def test_images_are_found_by_paths_of_other_machines(tmp_path: Path, name: str) -> None:
    write_photo(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    shape = {"label": "box", "points": [[2, 2], [9, 9]], "shape_type": "rectangle"}
    content = {"imagePath": name, "shapes": [shape]}
    (tmp_path / "labels" / "a.json").write_text(json.dumps(content))
    assert load_folder(tmp_path).train.names == ("images/a.png",)
