"""The CMP Facade Database: small photos and archives of its form, and a local server."""

import functools
import io
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from helpers import refusal
from seamline.data import downloads
from seamline.data.dataset import IGNORE_INDEX
from seamline.data.sources import cmp_facades
from seamline.data.sources.cmp_facades import ARCHIVES, DATABASE_CLASSES, SIDE, load
from seamline.data.sources.facades import CLASSES, PALETTE
from seamline.errors import DatasetUnavailableError

STEMS = ("cmp_b0001", "cmp_b0009", "cmp_x0002", "cmp_x0018")
SIZES = ((60, 40), (32, 32), (30, 100), (40, 41))  # height, width
ADDRESSES = cmp_facades.ADDRESSES
# The first colors of the published palette: nothing, background, facade, window, door, …
PUBLISHED = [0, 0, 0, 0, 0, 170, 0, 0, 255, 0, 85, 255, 0, 170, 255, 0, 255, 255, 85, 255, 170, 170, 255, 85]
PUBLISHED += [255, 255, 0, 255, 170, 0, 255, 85, 0, 255, 0, 0, 170, 0, 0]

Files = dict[str, bytes]
BadArchives = dict[str, tuple[bytes, str]]


def photo(height: int, width: int) -> bytes:
    """A JPEG that is darker to the left and to the top."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([columns * 255 / width, rows * 255 / height, np.full(rows.shape, 90)], axis=2)
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def labels(numbers: NDArray[np.uint8]) -> bytes:
    """A palette PNG of the database's class numbers."""
    image = Image.frombytes("P", (numbers.shape[1], numbers.shape[0]), numbers.tobytes())
    image.putpalette(PUBLISHED)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def small_set() -> Files:
    """Four photos with labels, two of each set, and the other files that lie in the archives; name -> content."""
    files: Files = {"label_names.txt": b"1 background 1\n", "readme.txt": b""}
    rng = np.random.default_rng(0)
    for stem, (height, width) in zip(STEMS, SIZES, strict=True):
        part = "base" if "_b" in stem else "extended"
        files[f"{part}/{stem}.jpg"] = photo(height, width)
        files[f"{part}/{stem}.png"] = labels(rng.integers(1, 13, (height, width), dtype=np.uint8))
        files[f"{part}/{stem}.xml"] = b"<object></object>"
    return files


def put(folder: Path, files: Files, *, flat: bool = False) -> Path:
    """Write files into a folder, with or without their own folders."""
    for name, content in files.items():
        path = folder / (Path(name).name if flat else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pack(folder: Path, files: Files) -> Path:
    """Write the two archives into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, archive in ARCHIVES.items():
        with zipfile.ZipFile(folder / archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                if name.startswith(part) or "/" not in name:
                    packed.writestr(name, content)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no data folder, and no server but those of this machine."""
    monkeypatch.delenv("SEAMLINE_DATA", raising=False)
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cmp_facades, "ADDRESSES", ("http://127.0.0.1:9/",))
    return tmp_path / "cache" / "cmp-facades"


# ---- what comes out ----


def test_dataset(tmp_path: Path) -> None:
    dataset = load(put(tmp_path / "set", small_set()))
    assert (dataset.name, dataset.title, dataset.synthetic) == ("cmp-facades", "CMP Facade Database", False)
    assert (dataset.classes, dataset.palette) == (CLASSES, PALETTE)
    assert dataset.task == "segmentation"
    assert not dataset.has_groups  # two photos may show one building
    assert dataset.source == str(tmp_path / "set")
    for word in ("cmp.felk.cvut.cz", "research", "MIT", "Tyleček", "GCPR 2013", "twelve"):
        assert word in dataset.description
    # 60 x 40 becomes 384 x 256: two squares. 30 x 100 becomes 256 x 853: four. 40 x 41 becomes 256 x 262: two.
    assert dataset.train.names == (
        *(f"train/cmp_b0001-{i}" for i in (1, 2)),
        *(f"train/cmp_x0002-{i}" for i in (1, 2, 3, 4)),
    )
    assert dataset.test.names == ("test/cmp_b0009-1", "test/cmp_x0018-1", "test/cmp_x0018-2")
    assert dataset.train.images.shape == (6, SIDE, SIDE, 3)
    assert dataset.train.labels.shape == (6, SIDE, SIDE)
    assert dataset.train.labels.dtype == np.uint8
    assert dataset.train.groups.tolist() == [0, 0, 2, 2, 2, 2]
    assert dataset.test.groups.tolist() == [1, 3, 3]


def test_photo_and_mask_are_tiled_alike(tmp_path: Path) -> None:
    """A photo of four upright bands: each label must lie on its band's red, on both sides of the cut."""
    files = small_set()
    classes = np.repeat([2, 3, 7, 11], 32)  # facade, window, balcony, pillar
    pixels = np.zeros((64, 128, 3), dtype=np.uint8)
    pixels[:, :, 0] = classes * 20
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=98)
    files["base/cmp_b0001.jpg"] = stream.getvalue()
    files["base/cmp_b0001.png"] = labels(np.tile(classes, (64, 1)).astype(np.uint8))
    split = load(put(tmp_path / "set", files)).train
    assert split.names[:2] == ("train/cmp_b0001-1", "train/cmp_b0001-2")
    expected = np.array([1, 3, 4, 2]).repeat(128)
    assert split.labels[0, 100].tolist() == expected[:256].tolist()
    assert split.labels[1, 100].tolist() == expected[256:].tolist()
    red = np.concatenate([split.images[0, 128, [64, 192], 0], split.images[1, 128, [64, 192], 0]])
    assert np.abs(red.astype(int) - np.array([2, 3, 7, 11]) * 20).max() <= 4


def test_twelve_classes_become_five(tmp_path: Path) -> None:
    files = small_set()
    numbers = np.tile(np.arange(13, dtype=np.uint8), (13, 1))
    files["base/cmp_b0009.jpg"] = photo(13, 13)
    files["base/cmp_b0009.png"] = labels(numbers)
    mask = load(put(tmp_path / "set", files)).test.labels[0]
    found = [mask[0, round((i + 0.5) * SIDE / 13)] for i in range(13)]
    assert found[0] == IGNORE_INDEX
    assert [CLASSES[i] for i in found[1:]] == [five for _, five in DATABASE_CLASSES.values()]
    assert [name for name, five in DATABASE_CLASSES.values() if five != "other"] == [
        "facade",
        "window",
        "balcony",
        "pillar",
    ]
    assert [*DATABASE_CLASSES] == list(range(1, 13))


@given(length=st.integers(SIDE, 20 * SIDE))
@settings(max_examples=200)
def test_tiles_cover_evenly(length: int) -> None:
    starts = cmp_facades._starts(length)
    assert starts[0] == 0
    assert starts[-1] == length - SIDE
    assert (len(starts) - 1) * SIDE < length <= len(starts) * SIDE
    steps = np.diff(starts)
    assert len(steps) == 0 or (steps.max() <= SIDE and steps.max() - steps.min() <= 1)


def test_one_photo_in_nine_is_for_testing() -> None:
    stems = [f"cmp_b{i:04d}" for i in range(1, 379)] + [f"cmp_x{i:04d}" for i in range(1, 229)]
    assert sum(map(cmp_facades._is_test, stems)) == 67


# ---- search path ----


def test_folders_archives_and_single_files_give_the_same_data(tmp_path: Path) -> None:
    files = small_set()
    expected = load(put(tmp_path / "folders", files)).fingerprint
    assert load(put(tmp_path / "flat", files, flat=True)).fingerprint == expected
    assert load(pack(tmp_path / "archives", files)).fingerprint == expected
    put(tmp_path / "unpacked" / "CMP_facade_DB_base", {n: c for n, c in files.items() if n.startswith("base")})
    put(tmp_path / "unpacked" / "CMP_facade_DB_extended", {n: c for n, c in files.items() if n.startswith("ext")})
    assert load(tmp_path / "unpacked").fingerprint == expected
    put(tmp_path / "above" / "cmp-facades", files)
    assert load(tmp_path / "above").fingerprint == expected
    assert load(tmp_path / "above").source == str(tmp_path / "above" / "cmp-facades")


def test_one_set_or_one_archive_is_enough(tmp_path: Path) -> None:
    files = {name: content for name, content in small_set().items() if name.startswith("base")}
    dataset = load(put(tmp_path / "set", files))
    assert {name[:-2] for name in dataset.train.names + dataset.test.names} == {"train/cmp_b0001", "test/cmp_b0009"}
    archive = pack(tmp_path / "archives", small_set()) / ARCHIVES["base"]
    assert load(archive).fingerprint == dataset.fingerprint
    assert load(archive).source == str(archive)


def test_folder_comes_before_data_folder_before_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "env"))
    (tmp_path / "env").mkdir()
    pack(cache, small_set())
    assert load().source == str(cache)
    put(tmp_path / "env" / "cmp-facades", small_set())
    assert load().source == str(tmp_path / "env" / "cmp-facades")
    assert load(put(tmp_path / "given", small_set())).source == str(tmp_path / "given")
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "mistyped"))
    assert refusal(load).startswith(f"SEAMLINE_DATA={tmp_path / 'mistyped'}: no such folder; ")


def test_folders_without_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = refusal(lambda: load(tmp_path))
    assert text.startswith(f"{tmp_path}: contains no photos of the CMP Facade Database, such as base/cmp_b0001.jpg; ")
    assert "No such file" in refusal(lambda: load(tmp_path / "nowhere"))
    (tmp_path / "cmp-facades").mkdir()
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path))
    assert "unset SEAMLINE_DATA" in refusal(load)


def test_a_set_without_test_or_training_photos(tmp_path: Path) -> None:
    files = small_set()
    train = {name: content for name, content in files.items() if "0001" in name}
    assert "contains no photos of the CMP Facade Database with a number divisible by 9" in refusal(
        lambda: load(put(tmp_path / "train", train))
    )
    test = {name: content for name, content in files.items() if "0009" in name}
    assert "contains only photos of the CMP Facade Database with a number divisible by 9" in refusal(
        lambda: load(put(tmp_path / "test", test))
    )


# ---- files that are refused ----


def test_photo_or_mask_without_the_other(tmp_path: Path) -> None:
    folder = put(tmp_path / "set", small_set())
    (folder / "base" / "cmp_b0001.png").unlink()
    path = folder / "base" / "cmp_b0001.jpg"
    assert refusal(lambda: load(folder)).startswith(f"{path}: its mask, cmp_b0001.png, does not exist; ")
    files = small_set()
    del files["extended/cmp_x0002.jpg"]
    path = pack(tmp_path / "archives", files) / ARCHIVES["extended"] / "extended" / "cmp_x0002.png"
    assert refusal(lambda: load(tmp_path / "archives")).startswith(f"{path}: its photo, cmp_x0002.jpg, ")


def changed(folder: Path, **files: bytes) -> str:
    """The refusal of the small set with some files changed; `b0001_jpg` stands for `base/cmp_b0001.jpg`."""
    contents = small_set()
    for key, content in files.items():
        part = "base" if key.startswith("b") else "extended"
        contents[f"{part}/cmp_{key.replace('_', '.')}"] = content
    return refusal(lambda: load(put(folder, contents)))


def test_invalid_files_are_named(tmp_path: Path) -> None:
    start = f"{tmp_path / '1' / 'base' / 'cmp_b0001.png'}: "
    text = changed(tmp_path / "1", b0001_png=labels(np.full((60, 40), 13, dtype=np.uint8)))
    assert text.startswith(f"{start}contains values outside the classes 0..12: 13 (2,400 pixels); ")
    start = start.replace("/1/", "/2/")
    text = changed(tmp_path / "2", b0001_png=labels(np.full((40, 60), 1, dtype=np.uint8)))
    assert text.startswith(f"{start}is 60 x 40 pixels, but its image cmp_b0001.jpg is 40 x 60; ")
    text = changed(tmp_path / "3", x0018_jpg=photo(40, 41)[:300])
    assert text.startswith(f"{tmp_path / '3' / 'extended' / 'cmp_x0018.jpg'}: is cut off or damaged")
    narrow = {"b0001_jpg": photo(2, 40), "b0001_png": labels(np.full((2, 40), 1, dtype=np.uint8))}
    assert "too narrow" in changed(tmp_path / "4", **narrow)


def archive_of(files: Files) -> bytes:
    """An archive's bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return stream.getvalue()


def bad_archives() -> BadArchives:
    """Invalid archives and parts of their messages."""
    good = archive_of(small_set())
    encrypted = bytearray(good)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(mark) + place] |= 1
    method = bytearray(good)
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        method[method.index(mark) + place] = 99
    many = {f"{i}.txt": b"" for i in range(cmp_facades._MAX_MEMBERS + 1)}
    return {
        "empty": (b"", "is not a zip archive"),
        "a page": (b"<html>Moved</html>", "is not a zip archive"),
        "cut off": (good[: len(good) // 2], "is not a zip archive"),
        "encrypted": (bytes(encrypted), "is encrypted"),
        "another method": (bytes(method), "uses an unsupported compression method"),
        "sound": (good, ""),
        "other photos": (archive_of({"a.jpg": b""}), "contains no photos of the CMP Facade Database"),
        "leads out": (archive_of({"../cmp_b0001.jpg": b""}), "leads outside the archive"),
        "leads to the root": (archive_of({"/base/cmp_b0001.jpg": b""}), "leads outside the archive"),
        "leads to a drive": (archive_of({"C:/cmp_b0001.jpg": b""}), "leads outside the archive"),
        "too many files": (archive_of(many), "contains 10,001 files"),
        "a bomb": (archive_of({"base/cmp_b0001.jpg": bytes(cmp_facades._MAX_MEMBER_BYTES + 1)}), "far too many"),
        "bombs": (archive_of(small_set()), "would unpack to more than"),
    }


@pytest.fixture(scope="module")
def bad() -> BadArchives:
    """The bad archives, made once."""
    return bad_archives()


@pytest.mark.parametrize(
    "case",
    [
        "empty",
        "a page",
        "cut off",
        "encrypted",
        "another method",
        "other photos",
        "leads out",
        "leads to the root",
        "leads to a drive",
        "too many files",
        "a bomb",
        "bombs",
    ],
)
def test_bad_archives(tmp_path: Path, case: str, bad: BadArchives, monkeypatch: pytest.MonkeyPatch) -> None:
    content, found = bad[case]
    if case == "bombs":
        monkeypatch.setattr(cmp_facades, "_MAX_ARCHIVE_BYTES", 1000)
    path = tmp_path / ARCHIVES["base"]
    path.write_bytes(content)
    for given_path in (tmp_path, path):
        text = refusal(lambda given_path=given_path: load(given_path))  # type: ignore[misc]
        assert text.startswith(f"{path}: ")
        assert found in text
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name], "something was unpacked"


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_archives_are_read_or_refused(tmp_path: Path, bad: BadArchives, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([content for content, _ in bad.values() if len(content) < 20_000])))
    for _ in range(data.draw(st.integers(1, 6))):
        if content:
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    names, wrong = cmp_facades._check_archive(path, checksums=True)
    assert names or wrong
    assert "\n" not in wrong


def test_damaged_member_is_named(tmp_path: Path) -> None:
    path = pack(tmp_path, small_set()) / ARCHIVES["base"]
    content = bytearray(path.read_bytes())
    content[content.index(b"base/cmp_b0001.jpg") + 60] ^= 255
    path.write_bytes(content)
    text = refusal(lambda: load(tmp_path))
    assert text.startswith(f"{path}/base/cmp_b0001.jpg: cannot be read from its archive")


# ---- the cache and downloads ----


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server on this machine, which stands in for the publisher's."""
    folder = tmp_path / "published"
    folder.mkdir()
    monkeypatch.setattr(downloads, "PAUSE", 0.0)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        monkeypatch.setattr(cmp_facades, "ADDRESSES", (f"http://127.0.0.1:{server.server_address[1]}/",))
        yield folder
        server.shutdown()
        thread.join()


def test_archives_are_downloaded_once(publisher: Path, cache: Path, tmp_path: Path) -> None:
    pack(publisher, small_set())
    calls: dict[str, int] = {}

    def progress(name: str, done: int, total: int | None) -> None:
        calls[name] = done

    dataset = load(progress=progress)
    assert dataset.source == str(cache)
    assert dataset.fingerprint == load(put(tmp_path / "direct", small_set())).fingerprint
    assert sorted(path.name for path in cache.iterdir()) == sorted(ARCHIVES.values())
    assert calls == {path.name: path.stat().st_size for path in cache.iterdir()}
    shutil.rmtree(publisher)
    publisher.mkdir()
    assert load().fingerprint == dataset.fingerprint


def test_partial_files_of_an_earlier_download_are_completed(publisher: Path, cache: Path) -> None:
    """The server here knows nothing of ranges, so the transfer starts afresh; wrong bytes never stay."""
    pack(publisher, small_set())
    cache.mkdir(parents=True)
    (cache / f"{ARCHIVES['base']}.part").write_bytes((publisher / ARCHIVES["base"]).read_bytes()[:500])
    (cache / f"{ARCHIVES['extended']}.part").write_bytes(b"<html>" * 500)
    load()
    for name in ARCHIVES.values():
        assert (cache / name).read_bytes() == (publisher / name).read_bytes()


def test_a_complete_partial_file_needs_no_server(cache: Path, tmp_path: Path) -> None:
    pack(tmp_path, small_set())
    cache.mkdir(parents=True)
    for name in ARCHIVES.values():
        shutil.copy(tmp_path / name, cache / f"{name}.part")
    assert load().source == str(cache)


def test_a_download_that_is_no_archive_is_refused(publisher: Path, cache: Path) -> None:
    (publisher / ARCHIVES["base"]).write_bytes(b"<html>Please log in</html>")
    text = refusal(load, DatasetUnavailableError)
    for word in (ARCHIVES["base"], "its file is not a zip archive", str(cache), "--data-dir", "synthetic-facades"):
        assert word in text
    assert list(cache.iterdir()) == []


def test_a_damaged_download_is_refused(publisher: Path, cache: Path) -> None:
    """Its directory is sound, so that only reading every member shows the damage."""
    path = pack(publisher, small_set()) / ARCHIVES["base"]
    content = bytearray(path.read_bytes())
    content[content.index(b"base/cmp_b0001.jpg") + 60] ^= 255
    path.write_bytes(content)
    assert "in it is damaged" in refusal(load, DatasetUnavailableError)
    assert list(cache.iterdir()) == []


def test_without_a_network_the_alternatives_are_named(cache: Path) -> None:
    text = refusal(load, DatasetUnavailableError)
    for word in (ARCHIVES["base"], str(cache), "--data-dir", "SEAMLINE_DATA", "synthetic-facades"):
        assert word in text


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "file"))
    assert "SEAMLINE_CACHE" in refusal(load, DatasetUnavailableError)


def test_damaged_archive_in_the_cache_is_named(cache: Path) -> None:
    path = pack(cache, small_set()) / ARCHIVES["extended"]
    path.write_bytes(path.read_bytes()[:-30])
    text = refusal(load)
    assert text.startswith(f"{path}: is not a zip archive")
    assert text.endswith("delete it and get the published file again")


def test_addresses_are_https_folders() -> None:
    for address in ADDRESSES:
        assert address.startswith("https://")
        assert address.endswith("/")
