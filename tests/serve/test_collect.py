"""The API of corrections: what it saves, what it refuses, and the list of photos to correct."""

import asyncio
import errno
import hashlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from run_factories import COLOURS, save_photo  # noqa: E402
from seamline.data.image_folder import corrections, load_folder  # noqa: E402
from seamline.data.masks import encode_mask  # noqa: E402
from seamline.errors import SeamlineError  # noqa: E402
from seamline.inference.predictor import Predictor  # noqa: E402
from seamline.serve.app import make_app  # noqa: E402
from seamline.serve.collect import MASK_BYTES, CollectOptions, CorrectionStore  # noqa: E402
from seamline.serve.middleware import Limits  # noqa: E402
from seamline.serve.server import serve  # noqa: E402
from serve.test_api import ask, refused, talk  # noqa: E402

PATH = "/api/corrections"
Files = dict[str, Any]


def collecting(model: Predictor, folder: Path, queue: Path | None = None, **limits: Any) -> Any:
    return make_app(model, Limits(**limits), store=CorrectionStore.of(model, folder, queue))


@pytest.fixture(scope="module")
def strict(masks: Predictor, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """An application with low limits, and the folder that it saves to."""
    folder = tmp_path_factory.mktemp("strict")
    return collecting(masks, folder, bytes=50_000, pixels=6_000), folder


def encoded(pixels: Any, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def with_mask(content: bytes, mask: Any, name: str = "front.png") -> Files:
    return {"photo": (name, content), "mask": ("mask.png", encoded(mask))}


def files_in(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_a_mask_lands_where_train_reads_it(masks: Predictor, tmp_path: Path) -> None:
    photo, folder = save_photo(tmp_path / "front.png"), tmp_path / "corrected"
    app = collecting(masks, folder)
    described = ask(app, "GET", "/api/model").json()
    assert (described["collects"], described["queue"]) == (True, None)
    mask = (np.indices((60, 100)).sum(0) % 2).astype(np.uint8)
    answer = ask(app, "POST", PATH, files=with_mask(photo.read_bytes(), mask))
    assert answer.status_code == 201, answer.text
    saved = answer.json()
    assert saved["image"].startswith("images/")
    assert {name: saved[name] for name in ("label", "corrections", "replaced")} == {
        "label": None,
        "corrections": 1,
        "replaced": False,
    }
    with Image.open(folder / saved["image"]) as image, Image.open(photo) as original:
        assert np.array_equal(np.asarray(image), np.asarray(original))
    data = load_folder(folder, size="100x60")
    assert (data.classes, data.palette) == (masks.classes, COLOURS)
    assert np.array_equal(data.train.labels[0], mask)
    sidecar = json.loads((folder / saved["image"]).with_suffix(".correction.json").read_text())
    assert sidecar["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (sidecar["photo"], sidecar["model"]) == ("front.png", "spots-fast")
    assert sidecar["weights"] == masks.metadata.fingerprint
    assert len(sidecar["weights"]) == 32
    assert sidecar["corrected"].endswith("Z")


def test_a_reduced_mask_of_colors_is_enlarged(masks: Predictor, tmp_path: Path) -> None:
    """The page sends the colors of the classes."""
    photo, folder = save_photo(tmp_path / "front.png", 61, 101), tmp_path / "corrected"
    half = np.zeros((31, 51, 3), np.uint8)
    half[:, 20:] = COLOURS[1]
    saved = ask(collecting(masks, folder), "POST", PATH, files=with_mask(photo.read_bytes(), half)).json()
    with Image.open(folder / saved["mask"]) as mask:
        values = np.asarray(mask)
    assert values.shape == (61, 101)
    edge = values.argmax(1)
    assert (edge == edge[0]).all()
    assert edge[0] == pytest.approx(20 * 101 / 51, abs=1)


def test_pixels_may_have_no_class(masks: Predictor, tmp_path: Path) -> None:
    """In a folder of two classes of which only one occurs, 255 is not the other one."""
    app, photo = collecting(masks, tmp_path), encoded(np.random.default_rng(0).integers(0, 255, (16, 16, 3)))
    described = ask(app, "GET", "/api/model").json()
    assert described["ignored_color"] == [255, 255, 255]
    numbers = np.zeros((16, 16), np.uint8)
    numbers[4:8] = 255
    colors = np.array([COLOURS[0]], np.uint8)[np.zeros_like(numbers)]
    colors[4:8] = described["ignored_color"]
    refused(ask(app, "POST", PATH, files=with_mask(photo, numbers)), 422, "values outside the classes 0..1: 255")
    for mask in (encode_mask(numbers, COLOURS), encoded(colors)):
        files = {"photo": ("a.png", photo), "mask": ("mask.png", mask)}
        assert ask(app, "POST", PATH, files=files).status_code == 201
    data = load_folder(tmp_path, size="16x16")
    assert data.classes == masks.classes
    assert np.array_equal(data.train.labels, [numbers] * 2)
    refused(
        ask(app, "POST", PATH, files=with_mask(photo, np.full((16, 16, 3), 255))), 422, "mask: no pixel has a class"
    )


def test_the_image_is_upright_and_without_metadata(labels: Predictor, tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :15] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010F] = "CAMERA-MAKER"
    content = encoded(pixels, "JPEG", exif=exif, comment=b"at home", quality=95)
    app = collecting(labels, tmp_path)
    for name, file in (("a.jpg", content), ("a.png", encoded(pixels, "PNG", exif=exif))):
        answer = ask(app, "POST", PATH, files={"photo": (name, file)}, data={"label": "both"})
        saved = tmp_path / answer.json()["image"]
        assert saved.parent.name == "both"
        with Image.open(saved) as image:
            assert image.size == (20, 30)
            assert not image.getexif()
            assert not {"exif", "comment", "icc_profile"} & image.info.keys()
            assert np.asarray(image.convert("L"))[[2, 27], 10].tolist() == pytest.approx([200, 0], abs=3)
        stored = saved.read_bytes()
        assert not any(part in stored for part in (b"Exif", b"CAMERA", b"at home", b"eXIf"))


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"data": {"label": "left"}}, 415, "send it as multipart/form-data"),
        ({"content": b"{}", "headers": {"content-type": "application/json"}}, 415, "send it as multipart/form-data"),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "is malformed"),
        ({"files": {"mask": b"x"}}, 400, "the form has no photo"),
        ({"files": {"photo": ("a.png", b"no image")}}, 415, "unknown format"),
        ({"files": {"photo": ("a.png", encoded(np.zeros((60, 101))))}}, 413, "more than the 6,000"),
        ({"files": {"photo": ("a.png", bytes(50_001))}}, 413, "the photo has more than"),
        ({"files": {"photo": ("a.png", bytes(MASK_BYTES + 50_001))}}, 413, "allowed"),
        ({"files": {"photo": ("a.png", encoded(np.zeros((16, 16))))}}, 422, "mask: is missing"),
        (
            {"files": with_mask(encoded(np.zeros((16, 16))), np.full((16, 16), 2))},
            422,
            "values outside the classes 0..1: 2",
        ),
        ({"files": with_mask(encoded(np.zeros((16, 16))), np.full((9, 9, 3), 3))}, 422, "mask: contains a color"),
        (
            {"files": with_mask(encoded(np.zeros((16, 16))), np.zeros((16, 20)))},
            422,
            "mask: is 20 x 16 pixels, and the photo",
        ),
        (
            {"files": with_mask(encoded(np.zeros((40, 90))), np.zeros((20, 42)))},
            422,
            "is 42 x 20 pixels, and the photo",
        ),
        (
            {"files": with_mask(encoded(np.zeros((16, 16))), np.zeros((20, 20)))},
            422,
            "mask: is 20 x 20 pixels, and the photo",
        ),
        (
            {"files": with_mask(encoded(np.zeros((16, 16))), np.zeros((32, 32)))},
            413,
            "mask: has more than the 512 pixels allowed",
        ),
    ],
)
def test_what_is_no_correction_is_refused(
    fields: dict[str, Any], status: int, words: str, strict: tuple[Any, Path]
) -> None:
    app, folder = strict
    refused(ask(app, "POST", PATH, **fields), status, words)
    assert files_in(folder) == ["classes.json"]


def test_unknown_labels_are_refused(labels: Predictor, tmp_path: Path) -> None:
    app = collecting(labels, tmp_path)
    for label in ("", "cat", "../left", "left\0", "LEFT"):
        answer = ask(app, "POST", PATH, files={"photo": encoded(np.zeros((16, 16)))}, data={"label": label})
        refused(answer, 422, "is not a class")
    assert files_in(tmp_path) == ["classes.json"]


def test_requests_from_other_origins_are_refused(labels: Predictor, tmp_path: Path) -> None:
    queue = tmp_path / "queue.json"
    queue.write_text(json.dumps({"photos": [{"path": str(save_photo(tmp_path / "a.png"))}]}))
    app = collecting(labels, tmp_path / "folder", queue)
    form = {"files": {"photo": encoded(np.zeros((16, 16)))}, "data": {"label": "left"}}
    for headers, status in (
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "evil.example"}, 421),
    ):
        for method, path in (("POST", PATH), ("GET", "/api/queue"), ("GET", "/api/queue/0")):
            answer = ask(app, method, path, headers=headers, **(form if method == "POST" else {}))
            refused(answer, status, "")
    assert files_in(tmp_path / "folder") == ["classes.json"]
    here = {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"}
    assert ask(app, "POST", PATH, headers=here, **form).status_code == 201


def test_nothing_is_collected_unless_asked(masks: Predictor) -> None:
    app = make_app(masks)
    for method, path in (("POST", PATH), ("POST", "/api/superpixels"), ("GET", "/api/queue"), ("GET", "/api/queue/0")):
        refused(ask(app, method, path), 404, "not found")


def test_names_stay_in_the_folder(labels: Predictor, tmp_path: Path) -> None:
    app = collecting(labels, tmp_path / "inner")

    @settings(max_examples=30, deadline=None)
    @given(
        st.one_of(
            st.text(max_size=300), st.sampled_from(("../../x.png", "/etc/x", "C:\\x\\CON", "a\0.png", "..", "a" * 999))
        )
    )
    def save(name: str) -> None:
        before = {*files_in(tmp_path)}
        form = {"files": {"photo": ("x.png", encoded(np.zeros((16, 16))))}, "data": {"label": "left", "name": name}}
        answer = ask(app, "POST", PATH, **form)
        assert answer.status_code == 201, answer.text
        image = f"inner/{answer.json()['image']}"
        assert {*files_in(tmp_path)} - before == {image, f"{image.removesuffix('.png')}.correction.json"}

    save()


def test_a_full_disk_says_so_and_saves_later(
    labels: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = collecting(labels, tmp_path / "corrected")
    form = {"files": {"photo": encoded(np.zeros((16, 16)))}, "data": {"label": "left"}}
    for code, status, words in (
        (errno.ENOSPC, 507, "the disk of corrected is full, and nothing was saved; free some space, and save again"),
        (errno.EDQUOT, 507, "is full"),
        (errno.EROFS, 500, "corrected cannot be written to (Read-only file system), and nothing was saved"),
    ):

        def fail(file: Path, content: bytes, code: int = code) -> None:
            raise OSError(code, os.strerror(code), str(file))

        with monkeypatch.context() as patch:
            patch.setattr(corrections, "write_bytes", fail)
            refused(ask(app, "POST", PATH, **form), status, words)
        assert files_in(tmp_path) == ["corrected/classes.json"]
    assert ask(app, "POST", PATH, **form).json()["corrections"] == 1


def test_people_who_save_at_once_all_keep_theirs(masks: Predictor, tmp_path: Path) -> None:
    app, content = collecting(masks, tmp_path), encoded(np.zeros((16, 16)))

    async def save_all(client: Any) -> list[Any]:
        return await asyncio.gather(
            *[client.post(PATH, files=with_mask(content, np.full((16, 16), person % 2))) for person in range(6)]
        )

    answers = talk(app, save_all)
    assert [answer.status_code for answer in answers] == [201] * 6
    data = load_folder(tmp_path, size="16x16")
    assert {*data.train.names} == {answer.json()["image"] for answer in answers}
    assert len(data.train) == 6
    assert sorted(data.train.labels.mean(axis=(1, 2)).tolist()) == [0, 0, 0, 1, 1, 1]


def test_who_saves_again_replaces_their_own(masks: Predictor, tmp_path: Path) -> None:
    app, content = collecting(masks, tmp_path), encoded(np.zeros((16, 16)))

    def save(value: int, replaces: str = "", photo: bytes = content) -> dict[str, Any]:
        fields = {"replaces": replaces} if replaces else {}
        answer = ask(app, "POST", PATH, files=with_mask(photo, np.full((16, 16), value)), data=fields)
        assert answer.status_code == 201
        return dict(answer.json())

    first, other = save(0), save(0)
    second = save(1, first["image"])
    assert (second["replaced"], second["corrections"]) == (True, 2)
    strange = save(0, second["image"], encoded(np.ones((16, 16))))  # another photo
    assert (strange["replaced"], strange["corrections"]) == (False, 3)
    assert {*load_folder(tmp_path).train.names} == {one["image"] for one in (other, second, strange)}
    assert CorrectionStore.of(masks, tmp_path).count == 3


def test_only_corrections_of_the_folder_are_replaced(masks: Predictor, tmp_path: Path) -> None:
    app, files = collecting(masks, tmp_path / "in"), with_mask(encoded(np.zeros((16, 16))), np.zeros((16, 16)))
    first = ask(app, "POST", PATH, files=files).json()["image"]
    name = first.rpartition("/")[2]
    for folder in (tmp_path, tmp_path / "images"):  # a copy outside
        shutil.copytree(tmp_path / "in" / "images", folder, dirs_exist_ok=True)
    before = {*files_in(tmp_path)}
    for place in ("../images", "..", "masks", "", "images/..", "/images", "..\\images"):
        answer = ask(app, "POST", PATH, files=files, data={"replaces": f"{place}/{name}"}).json()
        assert not answer["replaced"], place
    assert before < {*files_in(tmp_path)}
    assert ask(app, "POST", PATH, files=files, data={"replaces": first}).json()["replaced"]
    mine = {f"in/images/{name}", f"in/images/{name[:-4]}.correction.json", f"in/masks/{name}"}
    assert before - {*files_in(tmp_path)} == mine


def test_an_earlier_correction_that_cannot_be_removed_stays(
    masks: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one is saved, so nobody is asked to save it again."""
    app, files = collecting(masks, tmp_path), with_mask(encoded(np.zeros((16, 16))), np.zeros((16, 16)))
    first = ask(app, "POST", PATH, files=files).json()

    def fail(file: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "in use", str(file))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fail)
        answer = ask(app, "POST", PATH, files=files, data={"replaces": first["image"]})
    assert answer.status_code == 201
    assert (answer.json()["replaced"], answer.json()["corrections"]) == (False, 2)
    assert {*load_folder(tmp_path).train.names} == {first["image"], answer.json()["image"]}


def write_queue(folder: Path, kind: str) -> Path:
    photos = [save_photo(folder / f"photos/{name}.png", height) for name, height in (("one", 60), ("two", 61))]
    rows: list[dict[str, Any]] = [
        {"path": "photos/two.png", "score": 0.75, "reason": 'unsure, "entropy"'},
        {"path": str(photos[0]), "score": 0.5, "reason": "unlike the others"},
        {"path": "photos/gone.png", "score": 0.25, "reason": ""},
    ]
    file = folder / f"queue.{kind}"
    if kind == "json":
        file.write_text(json.dumps({"run": "runs/a", "photos": rows}))
    else:
        lines = [
            '"{path}",{score},"{reason}"'.format(**row | {"reason": row["reason"].replace('"', '""')}) for row in rows
        ]
        file.write_text("\n".join(["path,score,reason", *lines]) + "\n")
    return file


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_the_list_of_photos(kind: str, labels: Predictor, tmp_path: Path) -> None:
    queue, folder = write_queue(tmp_path, kind), tmp_path / "corrected"
    app = collecting(labels, folder, queue)
    assert ask(app, "GET", "/api/model").json()["queue"] == 3
    expected = [
        {"name": "two.png", "score": 0.75, "reason": 'unsure, "entropy"', "corrected": False},
        {"name": "one.png", "score": 0.5, "reason": "unlike the others", "corrected": False},
        {"name": "gone.png", "score": 0.25, "reason": "", "corrected": False},
    ]
    assert ask(app, "GET", "/api/queue").json() == {"photos": expected}
    content = ask(app, "GET", "/api/queue/1").content
    assert content == (tmp_path / "photos/one.png").read_bytes()
    refused(ask(app, "GET", "/api/queue/2"), 404, "the file gone.png cannot be read; skip it")
    for number in (3, -1):
        refused(ask(app, "GET", f"/api/queue/{number}"), 404, "the queue has the photos 0 to 2")
    other = (tmp_path / "photos/two.png").read_bytes()
    for saved in (other, content):  # another photo with the name is not that of the list
        assert ask(app, "GET", "/api/queue").json() == {"photos": expected}
        answer = ask(app, "POST", PATH, files={"photo": ("one.png", saved)}, data={"label": "left"})
        assert answer.status_code == 201
    expected[1]["corrected"] = True
    for served in (app, collecting(labels, folder, queue)):  # also after another start
        assert ask(served, "GET", "/api/queue").json() == {"photos": expected}
    served = collecting(labels, folder, queue, bytes=len(content) - 1)
    refused(ask(served, "GET", "/api/queue/1"), 413, "one.png has more than the ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a list of photos ("),
        ("[1]", "is not a list of photos (Expected `object`"),
        ('{"photos": [{}]}', "missing required field `path`"),
        ('{"photos": []}', "lists no photos; write it again with `seamline suggest`"),
        ('{"photos": [{"path": "gone.png"}]}', "gone.png and the others do not exist"),
    ],
)
def test_other_lists_are_refused(content: str, words: str, labels: Predictor, tmp_path: Path) -> None:
    (tmp_path / "queue.json").write_text(content)
    with pytest.raises(SeamlineError) as error:
        collecting(labels, tmp_path / "corrected", tmp_path / "queue.json")
    assert str(error.value).startswith(f"--queue {tmp_path / 'queue.json'}: ")
    assert words in str(error.value)


def test_a_folder_that_cannot_be_used_is_refused_at_start(classifier: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for collect, queue, words in (
        (tmp_path / "file", None, f"--collect {tmp_path / 'file'}: cannot be written to"),
        (None, tmp_path / "queue.json", "add --collect FOLDER"),
        (tmp_path, tmp_path / "queue.json", "queue.json: cannot be read"),
    ):
        with pytest.raises(SeamlineError, match=words):
            serve(classifier, port=0, collect=CollectOptions.of(collect, queue), threads=1)
