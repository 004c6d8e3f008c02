"""The API keeps to its own description, whatever is sent to it."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from measures_factories import house_photo  # noqa: E402
from seamline.inference.predictor import load_model  # noqa: E402
from seamline.serve.app import SCRIPTS, make_app  # noqa: E402
from seamline.serve.collect import CorrectionStore  # noqa: E402
from seamline.serve.middleware import Limits  # noqa: E402
from serve.measuring import HandMadeMeasures, measuring_model  # noqa: E402

STATUSES = ["2xx", "400", "404", "409", "415", "422"]
"""Of what the description allows: that bytes are a photo, no description can demand."""


def photo() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), (200, 10, 10)).save(stream, "PNG")
    return stream.getvalue()


PREDICTING = [
    "GET /",
    "GET /api/card",
    "GET /api/model",
    "GET /docs",
    "GET /docs.css",
    "GET /health",
    "GET /page.css",
    "POST /api/mask",
    "POST /api/measure",
    "POST /api/overlay",
    "POST /api/predict",
]
COLLECTING = ["GET /api/queue", "GET /api/queue/{number}", "POST /api/corrections"]


def operations_of(app: Any) -> dict[str, Any]:
    """The operations of an application by label, with the first script alone: the others are like it."""
    config = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": STATUSES}}})
    content = st.one_of(st.sampled_from([photo(), photo()[:60]]), st.binary(max_size=200))
    for media in ("application/octet-stream", "image/*"):
        schemathesis.openapi.media_type(media, content)
    schemathesis.openapi.format("binary", content)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    operations = {found.ok().label: found.ok() for found in schema.get_all_operations()}
    return {label: one for label, one in operations.items() if label not in [f"GET /{name}" for name in SCRIPTS[1:]]}


@pytest.mark.parametrize(("kind", "measures"), [("segmenter", False), ("segmenter", True), ("classifier", False)])
def test_every_answer_is_described(
    kind: str, measures: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Path = request.getfixturevalue(kind)
    HandMadeMeasures(house_photo()).install(monkeypatch)
    model = measuring_model(run) if measures else load_model(run)
    operations = operations_of(make_app(model, Limits(bytes=100_000), hosts=["testserver"]))
    assert sorted(operations) == sorted([*PREDICTING, f"GET /{SCRIPTS[0]}"])
    seen: set[tuple[str, int]] = set()
    for operation in operations.values():
        if not measures or operation.path == "/api/measure":  # the others are the same as without
            check_both(operation, seen)
    assert (("POST /api/measure", 200) in seen) == measures
    if measures:
        return
    assert {("POST /api/predict", status) for status in (200, 400, 415, 422)} <= seen
    assert (("POST /api/mask", 200) in seen) == (kind == "segmenter")


@pytest.mark.parametrize("kind", ["segmenter", "classifier"])
def test_every_answer_about_corrections_is_described(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    model, queue = load_model(request.getfixturevalue(kind)), tmp_path / "queue.csv"
    (tmp_path / "one.png").write_bytes(photo())
    queue.write_text("path\none.png\n")
    store = CorrectionStore.of(model, tmp_path / "corrected", queue)
    operations = operations_of(make_app(model, Limits(bytes=100_000), hosts=["testserver"], store=store))
    labels = [*COLLECTING, *(["POST /api/superpixels"] if kind == "segmenter" else [])]
    assert {*operations} - {*PREDICTING, f"GET /{SCRIPTS[0]}"} == {*labels}
    seen: set[tuple[str, int]] = set()
    for label in labels:
        check_both(operations[label], seen)
    assert {("POST /api/corrections", 422), ("GET /api/queue/{number}", 404), ("GET /api/queue", 200)} <= seen
    assert (("POST /api/superpixels", 200) in seen) == (kind == "segmenter")


def check_both(operation: Any, seen: set[tuple[str, int]]) -> None:
    """Send what the description allows, and to paths that take something also what it does not."""
    check(operation, operation.as_strategy(), seen)
    if operation.method == "post":
        check(operation, operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE), seen)


def check(operation: Any, cases: Any, seen: set[tuple[str, int]]) -> None:
    """Send cases, and run every check on the answers."""

    @settings(
        max_examples=25 if operation.method == "post" else 3,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: Any) -> None:
        response = case.call_and_validate()
        seen.add((operation.label, response.status_code))

    send()
