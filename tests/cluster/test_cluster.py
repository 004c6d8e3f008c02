"""Prediction on a Ray cluster of two workers on this machine: every photo once, whatever dies."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import seamline
from run_factories import save_photo
from seamline.errors import SeamlineError

pytest.importorskip("ray", reason="the extra `cluster` is not installed")
pytest.importorskip("pyarrow", reason="the extra `cluster` is not installed")

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from seamline.cluster.driver import predict_on_cluster
from seamline.cluster.rle import rle_decode, rle_encode
from seamline.cluster.storage import open_storage
from seamline.data.image_folder.unused import UnusedFiles

BAD = {"truncated.jpg": "cut off", "empty.jpg": "empty", "renamed.png": "no image"}


@given(arrays(np.uint8, st.tuples(st.integers(0, 6), st.integers(0, 6)), elements=st.integers(0, 2)))
def test_runs_come_back(mask: Any) -> None:
    values, lengths = rle_encode(mask)
    assert np.array_equal(rle_decode(values, lengths, *mask.shape), mask)
    assert int(lengths.sum()) == mask.size
    assert (values[1:] != values[:-1]).all()
    assert (lengths > 0).all()


def test_runs_of_a_small_mask_by_hand() -> None:
    values, lengths = rle_encode(np.array([[0, 0, 2], [2, 1, 1]], np.uint8))
    assert (values.tolist(), lengths.tolist()) == ([0, 2, 1], [2, 2, 2])
    with pytest.raises(ValueError, match="reshape"):
        rle_decode(values, lengths, 3, 3)


def test_photos_are_listed_folder_by_folder_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.PNG", "a/x.tif", ".hidden/1.jpg", "a/.1.jpg", "a/notes.txt", "c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    unused = UnusedFiles()
    found = [str(Path(path).relative_to(tmp_path)) for path in open_storage(str(tmp_path)).iter_photos(unused)]
    assert found == ["c.webp", "a/x.tif", "b/1.PNG", "b/2.jpg"]
    assert [(item.what, item.example) for item in unused.entries()] == [
        ("other file (1 .txt)", str(tmp_path / "a/notes.txt"))
    ]
    with pytest.raises(SeamlineError, match=r"missing: .*cannot be listed"):
        list(open_storage(str(tmp_path / "missing")).iter_photos(unused))
    with pytest.raises(SeamlineError, match="what://x: cannot be opened"):
        open_storage("what://x")


def test_temporary_files_of_killed_workers_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "photos" / ".shard-000003.parquet.x2_9abcd.parquet"
    left.parent.mkdir()
    for file in (left, tmp_path / "photos" / "shard-000003.parquet", tmp_path / ".notes"):
        file.write_bytes(b"")
    open_storage(str(tmp_path)).remove_temp_files()
    assert [file.name for file in sorted(tmp_path.rglob("*.*"))] == [".notes", "shard-000003.parquet"]


def command(*words: object) -> "subprocess.Popen[str]":
    program = [sys.executable, "-m", "seamline", "predict", *map(str, words)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: "subprocess.Popen[str]") -> str:
    output, wrong = process.communicate(timeout=250)
    assert process.returncode == 0, wrong
    return output


def workers() -> list[int]:
    """The processes that predict, as Ray titles them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if re.match(rb"ray::.*MapBatches\(Worker", (folder / "cmdline").read_bytes()):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 small photos in folders, three of them bad."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(5_000 - len(BAD)):
        place = folder / f"{number % 7}"
        place.mkdir(exist_ok=True)
        bright = rng.integers(0, 255, (1, 2, 1), dtype=np.uint8).repeat(12, 0).repeat(12, 1).repeat(3, 2)
        Image.fromarray(bright).save(place / f"{number:04}.jpg")
    save_photo(folder / "3" / "truncated.jpg")
    whole = (folder / "3" / "truncated.jpg").read_bytes()
    (folder / "3" / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "3" / "empty.jpg").write_bytes(b"")
    (folder / "3" / "renamed.png").write_text("no image at all")
    return folder


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="workers are found in /proc")
def test_every_photo_once_although_a_worker_and_then_the_whole_call_is_killed(
    classifier: Path, many: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = command(classifier, many, "--ray-address", "local", "--out", out)
    while first.poll() is None and len(list((out / "photos").glob("shard-*"))) < 2:
        time.sleep(0.05)
    victims = workers()
    assert victims, first.communicate()
    os.kill(victims[0], signal.SIGKILL)
    while first.poll() is None and len(list((out / "photos").glob("shard-*"))) < 4:
        time.sleep(0.05)
    first.kill()
    first.communicate()
    output = finished(command(classifier, many, "--ray-address", "local", "--out", out))
    assert "4,997 of 5,000 photos predicted" in output
    assert "3 photos could not be read" in output

    files = {str(file) for file in many.rglob("*.*")}
    table = ds.dataset(out / "photos", format="parquet").to_table()
    errors = ds.dataset(out / "errors", format="parquet").to_table().to_pylist()
    seen = Counter([*table["file"].to_pylist(), *[row["file"] for row in errors]])
    assert set(seen) == files
    assert set(seen.values()) == {1}
    assert {Path(row["file"]).name: row["reason"] for row in errors}.keys() == BAD.keys()
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["photos"], manifest["errors"], manifest["listed"]) == (4_997, 3, 5_000)
    assert manifest["shards"] == {"listed": 10, "done": 10}
    assert not list(out.rglob(".*"))

    some = table.slice(700, 40).to_pylist()  # as the ordinary command says it
    alone = seamline.predict(classifier, [row["file"] for row in some], out=tmp_path / "alone", threads=1).photos
    for row, one in zip(some, alone, strict=True):
        assert row["label"] == one.label
        assert row["probability"] == pytest.approx(one.probability, abs=1e-5)
        assert row["probability.left"] == pytest.approx(one.probabilities["left"], abs=1e-5)

    again = predict_on_cluster(classifier, str(many), out=str(out))
    assert (again.shards, again.photos) == (0, 4_997)


def test_what_cannot_work_is_one_line(segmenter: Path, classifier: Path, tmp_path: Path) -> None:
    save_photo(tmp_path / "photos" / "a.jpg")
    with pytest.raises(SeamlineError, match="contains the photos; name another folder"):
        predict_on_cluster(segmenter, str(tmp_path / "photos"), out=str(tmp_path / "photos"))
    with pytest.raises(SeamlineError, match="--max-side 64: for segmentation"):
        predict_on_cluster(classifier, str(tmp_path / "photos"), out=str(tmp_path / "out"), max_side=64)
    (tmp_path / "none").mkdir()
    with pytest.raises(SeamlineError, match="none: contains no photos"):
        predict_on_cluster(classifier, str(tmp_path / "none"), out=str(tmp_path / "out"))
    for words, error in (
        ((str(tmp_path),), "takes one folder or URI of photos, got 2"),
        (("--report",), "--report: writes no page with --ray-address"),
    ):
        process = command(classifier, tmp_path / "photos", *words, "--ray-address", "local")
        _, wrong = process.communicate()
        assert (process.returncode, error in wrong) == (2, True)


def write_mixed(folder: Path, model: Path) -> Path:
    """A folder of five photos, two of them unusual, with other files and results of an earlier prediction."""
    for number in range(3):
        save_photo(folder / f"{number}.jpg", 40 + number, 70)
    seamline.predict(model, [folder / "0.jpg"], out=folder, threads=1)
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    clear = Image.new("RGBA", (64, 48), (200, 0, 0, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 20, 20))
    clear.save(folder / "clear.png")
    (folder / "notes.json").write_text("{}")
    (folder / "x.HEIC").write_bytes(b"no image")
    (folder / "renamed").write_bytes((folder / "0.jpg").read_bytes())
    return folder


def test_a_bucket_gives_the_masks_and_the_unused_files_of_the_ordinary_command(
    segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_of = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.setenv(name, "true")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        bucket = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        bucket.create_bucket(Bucket="town")
        for file in write_mixed(tmp_path / "photos", segmenter).iterdir():
            bucket.upload_file(str(file), "town", f"streets/{file.name}")
        bucket.put_object(Bucket="town", Key="streets/bad.jpg", Body=b"no image")
        options = f"?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        source, out = f"s3://town/streets{options}", f"s3://town/results{options}"
        output, said = command(segmenter, source, "--ray-address", "local", "--out", out).communicate(timeout=250)
        assert "5 of 6 photos predicted" in output, said
        assert output.endswith("Results: s3://town/results\n")
        manifest = json.loads(bucket.get_object(Bucket="town", Key="results/manifest.json")["Body"].read())
        assert (manifest["photos"], manifest["errors"]) == (5, 1)
        rows = pq.read_table(open_storage(out).open("photos/shard-000000.parquet")).to_pylist()
        with pytest.raises(
            SeamlineError, match=r"another max_side \(48 there, 64 here\); name another folder with --out"
        ):
            predict_on_cluster(segmenter, source, out=out, max_side=64)
        again = predict_on_cluster(segmenter, source, out=out)
    finally:
        server.stop()
    alone = seamline.predict(segmenter, [tmp_path / "photos"], out=tmp_path / "alone", threads=1)
    lines = [f"not used: {item.sentence}" for item in alone.unused] + [f"warning: {line}" for line in alone.warnings]
    assert len(lines) == 7
    for line in lines:
        assert line.replace(f"{tmp_path}/photos/", "town/streets/") in " ".join(said.split())
    assert (again.shards, len(again.unused), len(again.warnings)) == (0, 5, 2)
    assert manifest["unused"] == [*msgspec.to_builtins(again.unused)]
    assert manifest["warnings"] == [*again.warnings]
    assert [Path(row["file"]).name for row in rows] == [Path(one.file).name for one in alone.photos]
    for row, one in zip(rows, alone.photos, strict=True):
        mask = rle_decode(row["mask_values"], row["mask_lengths"], row["height"], row["width"])
        with Image.open(tmp_path / "alone" / str(one.mask)) as shown:
            assert np.array_equal(mask, np.array(shown))
        assert row["fraction.bright"] == pytest.approx(one.class_fractions["bright"])
        assert (row["novelty"], row["fraction_low.bright"], row["fraction_high.bright"]) == (None, None, None)
