"""The page about the API: its examples run and print what the API returns."""

import html
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from run_factories import save_photo  # noqa: E402
from seamline.inference.predictor import load_model  # noqa: E402
from seamline.serve.app import make_app  # noqa: E402
from seamline.serve.collect import CorrectionStore  # noqa: E402
from serve.measuring import HandMadeMeasures, in_thread, measuring_model  # noqa: E402

CODE = re.compile(r'data-language="(\w+)">.*?<code>(.*?)</code>', re.DOTALL)


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of corrections."""
    return tmp_path_factory.mktemp("corrected")


@pytest.fixture(scope="module")
def server(segmenter: Path, corrected: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose model measures and whose corrections are saved, with a list of one photo."""
    queue = tmp_path_factory.mktemp("queue") / "list.json"
    save_photo(queue.with_name("one.png"))
    queue.write_text(json.dumps({"photos": [{"path": "one.png"}]}))
    model = measuring_model(segmenter)
    with pytest.MonkeyPatch.context() as patch:
        HandMadeMeasures().install(patch)
        with in_thread(make_app(model, store=CorrectionStore.of(model, corrected, queue))) as address:
            yield address


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    return save_photo(tmp_path / "photo.jpg", 60, 100).read_bytes()


def examples(address: str, language: str) -> list[str]:
    """The examples of a language, in the order of the page."""
    page = httpx.get(f"{address}docs").text
    return [html.unescape(code) for name, code in CODE.findall(page) if name == language]


def answer(address: str, path: str, photo: bytes | None = None) -> bytes:
    content: bytes = httpx.request("POST" if photo else "GET", address + path, content=photo).raise_for_status().content
    return content


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_pictures(address: str, folder: Path, photo: bytes) -> None:
    for name in ("mask", "overlay", "superpixels"):
        file = folder / f"{name}.png"
        assert file.read_bytes() == answer(address, f"api/{name}", photo)
        file.unlink()


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@needs_curl
def test_curl(server: str, corrected: Path, tmp_path: Path, photo: bytes) -> None:
    commands = examples(server, "curl")
    output = [run(["sh", "-c", f"{command} --silent --show-error --fail"], tmp_path) for command in commands]
    check_pictures(server, tmp_path, photo)
    predicted, mask, overlay, measured, correction, superpixels, queue, model, card, health = output
    assert mask == overlay == superpixels == ""
    assert (corrected / json.loads(correction)["mask"]).is_file()
    assert json.loads(queue)["photos"][0]["name"] == "one.png"
    assert json.loads(predicted) == json.loads(answer(server, "api/predict?mask=false", photo))
    assert json.loads(measured)["fronts"][0]["windows"] == 8
    assert json.loads(model) == json.loads(answer(server, "api/model"))
    assert json.loads(card)["sections"][0]["title"] == "Intended use"
    assert json.loads(health) == {"status": "ok"}


def test_python(server: str, corrected: Path, tmp_path: Path, photo: bytes) -> None:
    codes = examples(server, "python")
    assert len(codes) == 10
    assert not [code for code in codes if "seamline" in code or "import httpx" in code]
    joined = run([sys.executable, "-I", "-c", "\n".join(codes)], tmp_path)
    check_pictures(server, tmp_path, photo)
    fractions, measured, correction, queue, classes, card, health = joined.splitlines()
    assert (corrected / correction).read_bytes()[:2] == b"\xff\xd8"
    assert "one.png" in queue
    assert fractions == str(json.loads(answer(server, "api/predict", photo))["class_fractions"])
    assert "'windows': 8" in measured
    assert classes == "['facade', 'window']"
    assert "Intended use" in card
    assert health == "{'status': 'ok'}"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_javascript(server: str, tmp_path: Path, photo: bytes) -> None:
    codes = examples(server, "javascript")
    assert len(codes) == 10
    for number, code in enumerate(codes):
        (tmp_path / f"{number}.mjs").write_text(code)
    runner = "for (let i = 0; i < 10; i++) await import(`./${i}.mjs`);"
    (tmp_path / "all.mjs").write_text(runner)
    output = run(["node", "all.mjs"], tmp_path)
    check_pictures(server, tmp_path, photo)
    for text in ("windows: 8", "images/2", "one.png", "[ 'facade', 'window' ]", "Intended use", "{ status: 'ok' }"):
        assert text in output


@needs_curl
def test_a_class_may_have_any_name(classifier: Path, tmp_path: Path, photo: bytes) -> None:
    name = '"it\'s" <b> $HOME \U0001f457'
    model = load_model(classifier)
    named = replace(model, metadata=structs.replace(model.metadata, classes=(name, *model.classes[1:])))
    with in_thread(make_app(named, store=CorrectionStore.of(named, tmp_path / "corrected"))) as address:
        assert "<b>" not in httpx.get(f"{address}docs").text
        for language, words in (("curl", ["sh", "-c"]), ("python", [sys.executable, "-I", "-c"])):
            (code,) = (one for one in examples(address, language) if "/api/corrections" in one)
            run([*words, code], tmp_path)
        if node := shutil.which("node"):
            (code,) = (one for one in examples(address, "javascript") if "/api/corrections" in one)
            (tmp_path / "example.mjs").write_text(code)
            run([node, "example.mjs"], tmp_path)
    saved = [json.loads(file.read_bytes())["label"] for file in tmp_path.rglob("*.correction.json")]
    assert saved == [name] * (3 if node else 2)


def test_the_page_is_of_the_model(segmenter: Path, classifier: Path, server: str) -> None:
    with in_thread(make_app(load_model(classifier))) as address:
        page = httpx.get(f"{address}docs").text
        assert "/api/mask" not in page
        assert "/api/measure" not in page
        assert "/api/corrections" not in page
        assert [*map(bool, (examples(address, name) for name in ("curl", "python", "javascript")))] == [True] * 3
    page = httpx.get(f"{server}docs", headers={"Host": "localhost:99"}).text
    assert "http://localhost:99/api/predict" in page
    described = json.loads(answer(server, "openapi.json"))
    for status, response in described["paths"]["/api/predict"]["post"]["responses"].items():
        assert status == "200" or response["description"] in page
