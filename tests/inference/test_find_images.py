from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_factories import save_photo
from seamline.errors import SeamlineError
from seamline.inference.find_images import _unique_stems, find_photos


def found(*named: Path | str) -> list[str]:
    return [str(photo.file) for photo in find_photos(named).photos]


def test_files_folders_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.JPG", "a/2.png", "a/10.tiff", "a/.hidden.png", "a/.thumbs/x.png", "c/d/e.webp", "odd[1].png"):
        save_photo(tmp_path / name.replace(".JPG", ".jpg")).rename(tmp_path / name)
    Path("a/notes.txt").write_text("no photo")
    Path("a/folder.png").mkdir()
    assert found("a") == ["a/10.tiff", "a/2.png"]
    assert found(".") == ["a/10.tiff", "a/2.png", "b.JPG", "c/d/e.webp", "odd[1].png"]
    assert found("c", "b.JPG", "./b.JPG", tmp_path / "c/d/e.webp") == ["c/d/e.webp", "b.JPG"]
    assert found("a/*") == ["a/10.tiff", "a/2.png"]
    assert found("*") == found("**") == found(".")  # as a shell expands it
    assert found("**/*.webp") == ["c/d/e.webp"]
    assert found(tmp_path / "a" / "*.png") == [str(tmp_path / "a/2.png")]
    assert found("odd[1].png") == ["odd[1].png"]
    assert found("a/notes.txt") == ["a/notes.txt"]  # what is named is tried
    with pytest.raises(SeamlineError, match="not found"):
        found("b.jpeg")


def test_links_in_circles_end(tmp_path: Path) -> None:
    save_photo(tmp_path / "photos" / "a.png")
    save_photo(tmp_path / "elsewhere" / "b.png")
    (tmp_path / "photos" / "again").symlink_to(tmp_path / "photos", target_is_directory=True)
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "photos", target_is_directory=True)
    (tmp_path / "photos" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "photos" / "self.png").symlink_to(tmp_path / "photos" / "self.png")
    assert [Path(name).name for name in found(tmp_path / "photos")] == ["a.png", "b.png"]


def test_equal_stems_are_numbered_and_own_stems_kept() -> None:
    assert _unique_stems(["front", "front", "back", "FRONT"]) == ["front", "front-2", "back", "FRONT-3"]
    assert _unique_stems(["front", "front", "front-2"]) == ["front", "front-3", "front-2"]


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-3", "b", "b-2", "a-2-2"])))
def test_no_two_photos_share_a_stem(stems: list[str]) -> None:
    given_names = [name.casefold() for name in _unique_stems(stems)]
    assert len(set(given_names)) == len(stems)
    for name, stem in zip(given_names, stems, strict=True):
        assert name.startswith(stem.casefold())


def test_files_that_are_no_photos_are_counted_by_kind(tmp_path: Path) -> None:
    """Those of folders and patterns, each once; hidden files and a file that is named do not count."""
    folder = tmp_path / "photos"
    for name in ("a.jpg", "b.png"):
        save_photo(folder / name)
    for name in ("x.heic", "y.HEIC", "z.dng", "notes.txt", "inner/more.txt", ".hidden.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no photo")
    save_photo(folder / "c.jpg").rename(folder / "downloaded")
    listing = find_photos([folder, folder / "*", folder / "a.jpg"])
    assert len(listing.photos) == 2
    assert {item.what: item.count for item in listing.unused} == {
        "images of unsupported formats (2 .heic, 1 .dng)": 3,
        "image without the suffix of one (1 without suffix)": 1,
        "other files (2 .txt)": 2,
    }
    assert listing.unused[0].example == str(folder / "x.heic")
    assert not find_photos([folder / "a.jpg"]).unused
    assert [item.count for item in find_photos([folder / "*.txt", folder / "a.jpg"]).unused] == [1]
    with pytest.raises(SeamlineError, match=r"inner: contains no photos \(\.jpg.*\); it has 1 \.txt"):
        find_photos([folder / "inner"])
