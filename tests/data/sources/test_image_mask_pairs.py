"""Folders of images and masks of the same stem."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from seamline.data.dataset import Split
from seamline.data.masks import encode_mask
from seamline.data.sources.facades import PALETTE
from seamline.data.sources.image_mask_pairs import read_pairs
from seamline.errors import SeamlineError


def put(folder: Path, stem: str, *, size: tuple[int, int] = (6, 8), suffix: str = ".jpg", seed: int = 0) -> None:
    """Write an image of one color and its mask; `size` is height and width."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.new("RGB", (size[1], size[0]), (seed % 256, 90, 200)).save(folder / f"{stem}{suffix}")
    (folder / f"{stem}.png").write_bytes(encode_mask(numbers(rng, size), PALETTE))


def numbers(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask of noise."""
    return rng.integers(0, 5, size, dtype=np.uint8)


def read(folder: Path, size: tuple[int, int] | None = None) -> Split:
    return read_pairs(folder, 5, PALETTE, size=size)


def refusal(action: Callable[[], object]) -> str:
    """The one line with which an action refuses."""
    with pytest.raises(SeamlineError) as error:
        action()
    text = str(error.value)
    assert "\n" not in text
    return text


def test_pairs_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for i in (11, 2, 30, 4):
        put(tmp_path, f"a{i:02d}", seed=i)
    split = read(tmp_path)
    assert split.names == tuple(f"{tmp_path.name}/a{number}.jpg" for number in ("02", "04", "11", "30"))
    assert split.images.shape == (4, 6, 8, 3)
    assert split.labels.dtype == np.uint8
    assert np.abs(split.images[:, 0, 0, 0].astype(int) - [2, 4, 11, 30]).max() <= 3
    np.testing.assert_array_equal(split.labels[2], numbers(np.random.default_rng(11), (6, 8)))
    np.testing.assert_array_equal(split.groups, np.arange(4), strict=True)


def test_reading_many_pairs_is_deterministic(tmp_path: Path) -> None:
    for i in range(60):
        put(tmp_path, f"{i:03d}", seed=i)
    first, second = (read(tmp_path) for _ in range(2))
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.names == second.names


def test_formats_can_be_mixed_and_other_files_are_skipped(tmp_path: Path) -> None:
    for stem, suffix in (("a", ".jpeg"), ("b", ".JPG"), ("c", ".webp"), ("d", ".tif"), ("e", ".bmp")):
        put(tmp_path, stem, suffix=suffix)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "._a.jpg").write_text("")
    (tmp_path / "b.png").rename(tmp_path / "b.PNG")
    (tmp_path / "folder").mkdir()
    assert read(tmp_path).names == tuple(
        f"{tmp_path.name}/{name}" for name in ("a.jpeg", "b.JPG", "c.webp", "d.tif", "e.bmp")
    )


def test_image_without_its_mask(tmp_path: Path) -> None:
    for stem in "abc":
        put(tmp_path, stem)
    (tmp_path / "b.png").unlink()
    text = refusal(lambda: read(tmp_path))
    assert text.startswith(f"{tmp_path / 'b.jpg'}: has no mask, b.png, beside it")
    (tmp_path / "c.png").unlink()
    assert "(2 files in total)" in refusal(lambda: read(tmp_path))


def test_mask_without_its_image(tmp_path: Path) -> None:
    for stem in "abc":
        put(tmp_path, stem)
    (tmp_path / "c.jpg").unlink()
    text = refusal(lambda: read(tmp_path))
    assert text.startswith(f"{tmp_path / 'c.png'}: has no image, c.jpg, beside it; ")


def test_two_images_of_one_stem(tmp_path: Path) -> None:
    put(tmp_path, "a")
    put(tmp_path, "a", suffix=".webp")
    text = refusal(lambda: read(tmp_path))
    assert text.startswith(f"{tmp_path / 'a.webp'}: has the same stem as a.jpg; ")


def test_mask_of_another_size_than_its_image(tmp_path: Path) -> None:
    put(tmp_path, "a")
    put(tmp_path, "b")
    (tmp_path / "b.png").write_bytes(encode_mask(np.zeros((5, 8), dtype=np.uint8), PALETTE))
    text = refusal(lambda: read(tmp_path))
    assert text.startswith(f"{tmp_path / 'b.png'}: is 8 x 5 pixels, but its image b.jpg is 8 x 6; ")


def test_images_of_different_sizes(tmp_path: Path) -> None:
    for stem, size in (("a", (6, 8)), ("b", (6, 8)), ("c", (8, 6)), ("d", (9, 9))):
        put(tmp_path, stem, size=size)
    text = refusal(lambda: read(tmp_path))
    assert text.startswith(f"{tmp_path / 'c.jpg'}: is 6 x 8 pixels, not 8 x 6 as a.jpg before it; ")
    text = refusal(lambda: read(tmp_path, size=(8, 6)))
    assert text.startswith(f"{tmp_path / 'a.jpg'}: is 8 x 6 pixels, not 6 x 8 as the training images; ")


def test_the_first_invalid_file_is_named(tmp_path: Path) -> None:
    for i in range(40):
        put(tmp_path, f"{i:03d}")
    for i in (17, 18, 39):
        (tmp_path / f"{i:03d}.png").write_bytes(b"")
    for _ in range(5):
        assert str(tmp_path / "017.png") in refusal(lambda: read(tmp_path))


def test_folders_without_images(tmp_path: Path) -> None:
    assert refusal(lambda: read(tmp_path)).startswith(f"{tmp_path}: contains no image; ")
    assert "No such file" in refusal(lambda: read(tmp_path / "nowhere"))
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(lambda: read(tmp_path / "file"))
