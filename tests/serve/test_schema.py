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
from seamline.serve.middleware import Limits  # noqa: E402
from serve.measuring import HandMadeMeasures, measuring_model  # noqa: E402

STATUSES = ["2xx", "400", "409", "415", "422"]
"""Of what the description allows: that bytes are a photo, no description can demand."""


def photo() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), (200, 10, 10)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(("kind", "measures"), [("segmenter", False), ("segmenter", True), ("classifier", False)])
def test_every_answer_is_described(
    kind: str, measures: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Path = request.getfixturevalue(kind)
    HandMadeMeasures(house_photo()).install(monkeypatch)
    model = measuring_model(run) if measures else load_model(run)
    app = make_app(model, Limits(bytes=100_000), hosts=["testserver"])
    config = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": STATUSES}}})
    for media in ("application/octet-stream", "image/*"):
        schemathesis.openapi.media_type(
            media, st.one_of(st.sampled_from([photo(), photo()[:60]]), st.binary(max_size=200))
        )
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    operations = [found.ok() for found in schema.get_all_operations()]
    scripts = [f"GET /{name}" for name in SCRIPTS]
    assert sorted(operation.label for operation in operations if operation.label not in scripts) == [
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
    seen: set[tuple[str, int]] = set()
    for operation in operations:
        if measures and operation.path != "/api/measure":
            continue  # the same as without
        if operation.label in scripts[1:]:
            continue  # the same as the first
        check(operation, operation.as_strategy(), seen)
        if operation.method == "post":  # the others take nothing that could be wrong
            wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
            check(operation, wrong, seen)
    assert (("POST /api/measure", 200) in seen) == measures
    if measures:
        return
    assert {("POST /api/predict", status) for status in (200, 400, 415, 422)} <= seen
    assert (("POST /api/mask", 200) in seen) == (kind == "segmenter")


def check(operation: Any, cases: Any, seen: set[tuple[str, int]]) -> None:
    """Send what the description allows, and what it does not, and run every check on the answers."""

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
