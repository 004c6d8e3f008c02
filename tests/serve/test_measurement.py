"""`POST /api/measure`: the measures of a photo's fronts, and what it rejects."""

import asyncio
import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

from measures_factories import house_front, rectified_plane  # noqa: E402
from run_factories import save_photo  # noqa: E402
from seamline.inference.predictor import load_model  # noqa: E402
from seamline.run_folder import MeasuredPhoto  # noqa: E402
from seamline.run_folder.fields import to_json  # noqa: E402
from seamline.serve.app import make_app  # noqa: E402
from seamline.serve.middleware import Limits  # noqa: E402
from serve.measuring import HandMadeMeasures, house, measuring_model  # noqa: E402


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> HandMadeMeasures:
    return HandMadeMeasures().install(monkeypatch)


@pytest.fixture
def app(segmenter: Path) -> Any:
    return make_app(measuring_model(segmenter), Limits(pixels=6_000))


def measure(app: Any, content: bytes, **query: Any) -> Any:
    """Send a photo, in a thread: Playwright may keep an event loop running in this one."""

    async def send() -> Any:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            return await client.post("/api/measure", params=query, content=content)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, send()).result()


def rejected(answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_fronts_are_those_of_the_measurer(app: Any, measures: HandMadeMeasures, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "house.png").read_bytes()
    answer = measure(app, content)
    assert answer.headers["content-type"] == "application/json"
    expected = json.loads(to_json(house()))
    assert answer.json() == {
        **{name: expected[name] for name in ("width", "height", "fronts", "gps", "novelty", "warnings")},
        "interval_level": None,
        "pictures": [],
    }
    (options,) = measures.options
    assert (options.corners, options.height_m, options.storey_height_m, options.azimuth) == (None, None, None, None)


def test_each_request_has_its_own_options(app: Any, measures: HandMadeMeasures, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "house.png").read_bytes()
    measure(app, content, corners="1,2 99.5,0 98,59 -3,60", height=12.5, azimuth=270)
    measure(app, content, storey_height=3)
    measure(app, content)
    first, second, third = measures.options
    assert first.corners == ((1, 2), (99.5, 0), (98, 59), (-3, 60))
    assert (first.height_m, first.azimuth) == (12.5, 270)
    assert (second.storey_height_m, second.height_m, second.corners, second.azimuth) == (3, None, None, None)
    assert (third.storey_height_m, third.height_m, third.corners, third.azimuth) == (None, None, None, None)


def test_pictures_are_rectified(app: Any, measures: HandMadeMeasures, tmp_path: Path) -> None:
    """The front is a slanted part of the photo, red on the left and blue on the right, in a plane twice as wide."""
    corners = ((20.0, 10.0), (60.0, 20.0), (60.0, 40.0), (20.0, 50.0))
    plane = rectified_plane(corners, 2_560, 1_280)
    measures.photo = MeasuredPhoto(
        file="", stem="", width=100, height=60, fronts=(house_front(plane=plane), house_front(number=2))
    )
    pixels = np.full((60, 100, 3), (0, 255, 0), np.uint8)
    # the perspective puts the middle of the plane where the diagonals cross: x = 20 + 40 * 40 / (40 + 20)
    pixels[10:50, 20:47], pixels[10:50, 47:60] = (255, 0, 0), (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "house.png")
    pictures = measure(app, (tmp_path / "house.png").read_bytes(), pictures=True).json()["pictures"]
    first, second = (Image.open(io.BytesIO(base64.b64decode(picture))) for picture in pictures)
    assert (first.format, first.size, second.size) == ("JPEG", (1_280, 640), (400, 300))
    shown = np.asarray(first).astype(int)
    for column, color in ((300, (255, 0, 0)), (560, (255, 0, 0)), (720, (0, 0, 255)), (1_150, (0, 0, 255))):
        for row in (100, 320, 540):
            assert shown[row, column] == pytest.approx(color, abs=40)


def test_bad_requests_are_rejected(app: Any, measures: HandMadeMeasures, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "house.png").read_bytes()
    for corners in ("", "1,2 3,4 5,6", "1,2 3,4 5,6 7,x", "1,2 3,4 5,6 nan,8", "1,2 3,4 5,6 7,8\n", "1 2 3 4 5 6 7 8"):
        rejected(measure(app, content, corners=corners), 422, "is not four points; give `x,y x,y x,y x,y`")
    rejected(measure(app, content, height=0), 422, "query.height: input should be greater than 0")
    rejected(measure(app, content, storey_height="nan"), 422, "query.storey_height: input should be")
    rejected(measure(app, content, azimuth=360), 422, "query.azimuth: input should be less than 360")
    rejected(measure(app, content, height=9, storey_height=3), 422, "are two scales; give one of them")
    rejected(measure(app, b""), 400, "the request has no photo")
    rejected(measure(app, b"no image"), 415, "has an unknown format")
    rejected(measure(app, content[:200]), 422, "is cut off or damaged")
    large = save_photo(tmp_path / "large.png", 60, 101).read_bytes()
    rejected(measure(app, large), 413, "6,000")
    assert not measures.options
    measures.reason = "the photo: shows no building; choose another"
    rejected(measure(app, content), 422, "the photo: shows no building; choose another")
    measures.reason = "--corners 1,2 3,4 5,6 7,8: outside the photo"
    assert measure(app, content).json()["error"] == "corners 1,2 3,4 5,6 7,8: outside the photo"


def test_models_that_cannot_measure(segmenter: Path, classifier: Path, tmp_path: Path) -> None:
    content = save_photo(tmp_path / "house.png").read_bytes()
    rejected(measure(make_app(load_model(classifier)), content), 409, "this model is a classifier")
    answer = measure(make_app(load_model(segmenter)), content)
    rejected(answer, 409, "no class of the model is facade by its name")
    assert answer.json()["error"].endswith("; use a model that has it")
