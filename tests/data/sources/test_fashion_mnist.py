"""Fashion-MNIST from small files, from a local server, and the real set."""

import functools
import gzip
import hashlib
import os
import struct
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from helpers import refusal
from seamline.data import downloads
from seamline.data.sources import fashion_mnist
from seamline.data.sources.fashion_mnist import MD5_SUMS, load, read_idx
from seamline.errors import DatasetUnavailableError, SeamlineError

REAL = os.environ.get("SEAMLINE_DATA")
ADDRESSES = fashion_mnist.ADDRESSES
NAMES = tuple(MD5_SUMS)
TRAIN, TEST = 30, 20

Parts = dict[str, bytes]


def idx(array: NDArray[np.uint8]) -> bytes:
    """The IDX file of an array."""
    return b"\x00\x00\x08" + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.tobytes()


def small_set() -> Parts:
    """The contents of the four files, with a few images of noise."""
    rng = np.random.default_rng(0)
    contents = []
    for count in (TRAIN, TEST):
        contents.append(idx(rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)))
        contents.append(idx((np.arange(count) % 10).astype(np.uint8)))
    return dict(zip(NAMES, contents, strict=True))


def put(folder: Path, parts: Parts, *, packed: bool = True) -> Path:
    """Write the files into a folder, as gzip or plain."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no data folder, and no server but those of this machine."""
    monkeypatch.delenv("SEAMLINE_DATA", raising=False)
    monkeypatch.setenv("SEAMLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "ADDRESSES", ("http://127.0.0.1:9/",))
    return tmp_path / "cache" / "fashion-mnist"


# ---- what comes out ----


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_dataset_contains_what_the_files_contain(tmp_path: Path, packed: bool) -> None:
    parts = small_set()
    dataset = load(put(tmp_path / "data", parts, packed=packed))
    assert (dataset.name, dataset.title, dataset.synthetic) == ("fashion-mnist", "Fashion-MNIST", False)
    assert dataset.classes[0] == "T-shirt/top"
    assert dataset.classes[9] == "Ankle boot"
    assert len(dataset.classes) == 10
    assert dataset.source == str(tmp_path / "data")
    for word in ("Zalando", "MIT", "Xiao", "1708.07747"):
        assert word in dataset.description
    for split, count, stem in ((dataset.train, TRAIN, "train"), (dataset.test, TEST, "t10k")):
        assert split.images.shape == (count, 28, 28, 1)
        assert split.images.dtype == np.uint8
        assert split.images.flags.writeable
        assert split.images.tobytes() == parts[f"{stem}-images-idx3-ubyte"][16:]
        assert split.labels.dtype == np.int64
        np.testing.assert_array_equal(split.labels, np.arange(count) % 10)
    assert dataset.train.names[:2] == ("train/00000", "train/00001")
    assert dataset.test.names[-1] == f"test/{TEST - 1:05d}"
    groups = np.concatenate([dataset.train.groups, dataset.test.groups])
    np.testing.assert_array_equal(groups, np.arange(TRAIN + TEST))


def test_gzip_and_plain_files_can_be_mixed_and_gzip_is_preferred(tmp_path: Path) -> None:
    parts = small_set()
    folder = put(tmp_path / "data", parts, packed=False)
    put(folder, {NAMES[0]: parts[NAMES[0]]})
    (folder / NAMES[0]).write_bytes(b"not read")
    assert load(folder).fingerprint == load(put(tmp_path / "other", parts)).fingerprint


# ---- search path ----


def test_given_folder_can_contain_the_folder(tmp_path: Path) -> None:
    below = put(tmp_path / "data" / "fashion-mnist", small_set())
    assert load(tmp_path / "data").source == str(below)


def test_given_folder_comes_first(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "env"))
    for folder in (tmp_path / "env" / "fashion-mnist", cache, tmp_path / "given"):
        put(folder, small_set())
    assert load(tmp_path / "given").source == str(tmp_path / "given")
    assert load().source == str(tmp_path / "env" / "fashion-mnist")


def test_data_folder_without_the_set_falls_back_to_the_cache(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").mkdir()
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "env"))
    put(cache, small_set())
    assert load().source == str(cache)


def test_missing_data_folder_is_refused(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "mistyped"))
    put(cache, small_set())
    with pytest.raises(SeamlineError, match=r"SEAMLINE_DATA=.*mistyped: no such folder"):
        load()


def test_incomplete_data_folder_is_refused(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_DATA", str(tmp_path / "env"))
    parts = small_set()
    put(cache, parts)
    del parts[NAMES[3]]
    folder = put(tmp_path / "env" / "fashion-mnist", parts)
    text = refusal(load)
    assert str(folder) in text
    assert f"missing {NAMES[3]};" in text
    assert "SEAMLINE_DATA" in text


def test_incomplete_given_folder_is_refused(tmp_path: Path) -> None:
    parts = small_set()
    del parts[NAMES[1]]
    folder = put(tmp_path / "data", parts)
    text = refusal(lambda: load(folder))
    assert text.startswith(f"{folder}: ")
    assert f"missing {NAMES[1]};" in text
    assert "--data-dir" in text


def test_empty_given_folder_is_refused(tmp_path: Path) -> None:
    text = refusal(lambda: load(tmp_path))
    assert str(tmp_path) in text
    assert ", ".join(NAMES) in text


def test_missing_given_folder_is_refused(tmp_path: Path) -> None:
    text = refusal(lambda: load(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in text
    assert "No such file" in text


def test_given_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    text = refusal(lambda: load(tmp_path / "file"))
    assert str(tmp_path / "file") in text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_folder_and_file_without_permission_are_refused(tmp_path: Path) -> None:
    folder = put(tmp_path / "data", small_set())
    file = folder / f"{NAMES[0]}.gz"
    file.chmod(0)
    assert str(file) in refusal(lambda: load(folder))
    folder.chmod(0)
    try:
        assert str(folder) in refusal(lambda: load(folder))
    finally:
        folder.chmod(0o700)


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
        port = server.server_address[1]
        addresses = (f"http://127.0.0.1:{port}/nowhere/", f"http://127.0.0.1:{port}/")
        monkeypatch.setattr(fashion_mnist, "ADDRESSES", addresses)
        yield folder
        server.shutdown()
        thread.join()


def publish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the small set on the server, and make its sums the published ones."""
    put(folder, small_set())
    for name in NAMES:
        content = (folder / f"{name}.gz").read_bytes()
        monkeypatch.setitem(MD5_SUMS, name, hashlib.md5(content, usedforsecurity=False).hexdigest())


def test_missing_files_are_downloaded_once(
    publisher: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(publisher, monkeypatch)
    calls: dict[str, int] = {}

    def progress(name: str, done: int, total: int | None) -> None:
        calls[name] = done

    dataset = load(progress=progress)
    assert dataset.source == str(cache)
    assert dataset.fingerprint == load(put(tmp_path / "direct", small_set())).fingerprint
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    assert calls == {path.name: path.stat().st_size for path in cache.iterdir()}
    for file in publisher.iterdir():
        file.unlink()
    assert load().fingerprint == dataset.fingerprint


def test_download_with_a_wrong_sum_is_refused(publisher: Path, cache: Path) -> None:
    put(publisher, small_set())
    text = refusal(load, DatasetUnavailableError)
    assert f"{NAMES[0]}.gz" in text
    assert "404" in text
    assert "MD5" in text
    assert str(cache) in text
    assert list(cache.iterdir()) == []


def test_checksums_are_not_required_of_a_folder(tmp_path: Path, cache: Path) -> None:
    """The small set has other sums than the published ones, and is read from a folder and from the cache."""
    put(cache, small_set())
    assert load().fingerprint == load(put(tmp_path / "data", small_set())).fingerprint


def test_without_a_server_the_alternatives_are_named(cache: Path) -> None:
    text = refusal(load, DatasetUnavailableError)
    for part in (str(cache), "--data-dir", "SEAMLINE_DATA", "synthetic-fashion"):
        assert part in text


def test_addresses_are_https_folders() -> None:
    assert len(ADDRESSES) >= 2, "there is no mirror"
    for address in ADDRESSES:
        assert address.startswith("https://")
        assert address.endswith("/")


# ---- files that are refused ----

IMAGES = idx(np.zeros((3, 28, 28), dtype=np.uint8))
PACKED = gzip.compress(IMAGES)

BAD_FILES = {
    "empty": (b"", "is empty"),
    "one byte": (b"\x00", "starts with 0x00,"),
    "no header": (IMAGES[:4], "header"),
    "half a header": (IMAGES[:9], "header"),
    "cut off": (IMAGES[:-1], "2,351 bytes of the 3 x 28 x 28"),
    "one byte more": (IMAGES + b"\x00", "continues after"),
    "wrong magic": (b"\x89PNG\r\n\x1a\n" + IMAGES, "starts with 0x89504e47, expected labels (0x00000801) or images"),
    "other type": (b"\x00\x00\x0d\x03" + IMAGES[4:], "starts with 0x00000d03"),
    "two dimensions": (b"\x00\x00\x08\x02" + IMAGES[4:], "starts with 0x00000802"),
    "absurd": (b"\x00\x00\x08\x03" + b"\xff" * 12, "4294967295 x 4294967295 x 4294967295"),
    "absurd but none": (b"\x00\x00\x08\x03" + b"\x00" * 4 + b"\xff" * 8, "0 x 4294967295 x 4294967295"),
    "absurd labels": (b"\x00\x00\x08\x01" + b"\xff" * 4 + bytes(100), "4294967295 bytes"),
    "lying within bounds": (b"\x00\x00\x08\x01" + (1 << 28).to_bytes(4, "big") + bytes(9), "9 bytes of the 268435456"),
}

BAD_GZIP = {
    "only the first bytes": (b"\x1f\x8b", "cut off"),
    "gzip cut off": (PACKED[: len(PACKED) // 2], "cut off"),
    "gzip sum cut off": (PACKED[:-4], "cut off"),
    "gzip sum wrong": (PACKED[:-8] + bytes(4) + PACKED[-4:], "damaged"),
    "gzip stream wrong": (PACKED[:10] + b"\xff" * 20, "damaged"),
    "something after gzip": (PACKED + b"more", "followed by other data"),
    "empty inside": (gzip.compress(b""), "starts with 0x,"),
    "cut off inside": (gzip.compress(IMAGES[:-1]), "2,351 bytes of the 3 x 28 x 28"),
    "one byte more inside": (gzip.compress(IMAGES + b"\x00"), "continues after"),
    "much more inside": (gzip.compress(IMAGES + bytes(1 << 22), 1), "continues after"),
    "two members": (PACKED + PACKED, "continues after"),
    "absurd inside": (gzip.compress(b"\x00\x00\x08\x03" + b"\xff" * 12), "4294967295"),
    "PNG inside": (gzip.compress(b"\x89PNG\r\n\x1a\n"), "starts with 0x89504e47"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_plain_file_is_refused(tmp_path: Path, case: str) -> None:
    content, found = BAD_FILES[case]
    path = tmp_path / "file-ubyte"
    path.write_bytes(content)
    text = refusal(lambda: read_idx(path))
    assert text.startswith(f"{path}: ")
    assert found in text
    assert text.endswith("get the published file again")


@pytest.mark.parametrize("name", ["file-ubyte.gz", "file-ubyte"])
@pytest.mark.parametrize("case", BAD_GZIP)
def test_bad_gzip_file_is_refused(tmp_path: Path, case: str, name: str) -> None:
    content, found = BAD_GZIP[case]
    path = tmp_path / name
    path.write_bytes(content)
    text = refusal(lambda: read_idx(path))
    assert text.startswith(f"{path}: ")
    assert found in text
    assert text.endswith("get the published file again")


def test_file_named_gz_that_is_not_gzip_is_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "file-ubyte.gz"
    path.write_bytes(b"<html>Not found</html>")
    text = refusal(lambda: read_idx(path))
    assert "named .gz but is not gzip" in text
    assert "0x3c68" in text


def test_gzip_file_without_the_name_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file-ubyte"
    path.write_bytes(PACKED)
    assert read_idx(path).shape == (3, 28, 28)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    text = refusal(lambda: read_idx(tmp_path / "nothing"))
    assert str(tmp_path / "nothing") in text
    assert "No such file" in text


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    text = refusal(lambda: read_idx(tmp_path))
    assert text.startswith(f"{tmp_path}: is not a file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipe_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a file" in refusal(lambda: read_idx(tmp_path / "pipe"))


# ---- files that do not fit each other ----


def load_with(folder: Path, **changed: bytes) -> str:
    """The refusal of the small set with some files changed; a name is `train_images`, say."""
    parts = small_set()
    for key, content in changed.items():
        parts[next(name for name in NAMES if name.startswith(key.replace("_", "-")))] = content
    return refusal(lambda: load(put(folder, parts)))


def test_different_counts_name_both_files(tmp_path: Path) -> None:
    text = load_with(tmp_path, train_labels=idx(np.zeros(TRAIN - 1, dtype=np.uint8)))
    assert f"{NAMES[0]}.gz contains {TRAIN} images" in text
    assert f"{NAMES[1]}.gz {TRAIN - 1} labels" in text


def test_labels_out_of_bounds_are_shown(tmp_path: Path) -> None:
    labels = np.zeros(TEST, dtype=np.uint8)
    labels[[0, 5, 9]] = [255, 10, 10]
    text = load_with(tmp_path, t10k_labels=idx(labels))
    assert f"{NAMES[3]}.gz: 3 labels are outside 0..9 (values 10, 255)" in text


def test_many_labels_out_of_bounds_are_abbreviated(tmp_path: Path) -> None:
    text = load_with(tmp_path, train_labels=idx(np.arange(100, 100 + TRAIN, dtype=np.uint8)))
    assert "30 labels are outside 0..9 (values 100, 101, 102, 103, 104 and 25 more)" in text


def test_images_of_another_size_are_refused(tmp_path: Path) -> None:
    text = load_with(tmp_path, train_images=idx(np.zeros((TRAIN, 32, 28), dtype=np.uint8)))
    assert f"{NAMES[0]}.gz: images are 28 x 32 and must be 28 x 28" in text


def test_a_split_without_images_is_refused(tmp_path: Path) -> None:
    nothing = np.zeros(0, dtype=np.uint8)
    text = load_with(tmp_path, t10k_images=idx(nothing.reshape(0, 28, 28)), t10k_labels=idx(nothing))
    assert f"{NAMES[2]}.gz: contains no image" in text


def test_labels_in_place_of_images_are_refused(tmp_path: Path) -> None:
    text = load_with(tmp_path, train_images=idx(np.zeros(TRAIN, dtype=np.uint8)))
    assert f"{NAMES[0]}.gz: contains labels (0x00000801), expected images (0x00000803)" in text


def test_images_in_place_of_labels_are_refused(tmp_path: Path) -> None:
    text = load_with(tmp_path, train_labels=small_set()[NAMES[0]])
    assert f"{NAMES[1]}.gz: contains images (0x00000803), expected labels (0x00000801)" in text


# ---- properties ----

in_one_folder = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.one_of(st.tuples(st.integers(0, 50)), st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 30)))


@in_one_folder
@given(array=arrays(np.uint8, shapes), packed=st.booleans())
def test_writing_and_reading_agree(tmp_path: Path, array: NDArray[np.uint8], packed: bool) -> None:
    path = tmp_path / "file-ubyte"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    read = read_idx(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array, strict=True)


headers = st.sampled_from(
    [b"", b"\x00\x00\x08\x01", b"\x00\x00\x08\x03", b"\x1f\x8b", b"\x1f\x8b\x08\x00", PACKED[:40]]
)


@in_one_folder
@given(
    start=headers, rest=st.binary(max_size=60), packed=st.booleans(), name=st.sampled_from(["a-ubyte", "a-ubyte.gz"])
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, start: bytes, rest: bytes, packed: bool, name: str) -> None:
    content = start + rest
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if packed else content)
    try:
        array = read_idx(path)
    except SeamlineError as error:
        assert str(path) in str(error)  # noqa: PT017 - either outcome is right, and each has its own check
        assert "\n" not in str(error)  # noqa: PT017
    else:
        inside = content if not content.startswith(b"\x1f\x8b") else gzip.decompress(content)
        assert idx(array) == inside


# ---- the real set ----


@pytest.mark.real
@pytest.mark.skipif(not REAL, reason="SEAMLINE_DATA is not set")
def test_real_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMLINE_DATA", str(REAL))
    dataset = load()
    assert dataset.train.images.shape == (60_000, 28, 28, 1)
    assert dataset.test.images.shape == (10_000, 28, 28, 1)
    counts = np.bincount(dataset.train.images.ravel(), minlength=256) / dataset.train.images.size
    values = np.arange(256) / 255
    mean = float(counts @ values)
    assert mean == pytest.approx(0.2860, abs=5e-5)
    assert float(np.sqrt(counts @ (values - mean) ** 2)) == pytest.approx(0.3530, abs=5e-5)
    assert np.bincount(dataset.train.labels).tolist() == [6000] * 10
    assert np.bincount(dataset.test.labels).tolist() == [1000] * 10
