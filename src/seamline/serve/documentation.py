"""The page `/docs`, which describes the API to people: every path with examples in three languages."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seamline.run_folder import Task
from seamline.serve.collect import CorrectionStore
from seamline.serve.responses import TEXT, success

_TEMPLATE = "docs.html"


@dataclass(frozen=True)
class Example:
    """A request that the page shows."""

    method: str  # `GET` or `POST`
    path: str  # the path
    query: str = ""  # its query, with the question mark
    field: str = ""  # field of the JSON response that is printed; empty for all of it
    file: str = ""  # file that the response is saved in, where it is no JSON
    mask: str = ""  # file of the field `mask`, where a form is sent
    label: str = ""  # text of the field `label`, where a form is sent


_DESCRIBING = (
    Example("GET", "/api/model", field="classes"),
    Example("GET", "/api/card", field="sections"),
    Example("GET", "/health"),
)
"""Paths that describe the model and the server."""


@dataclass(frozen=True)
class Endpoint:
    """A path of the API."""

    example: Example
    description: str
    parameters: list[dict[str, Any]]  # with `name`, `type` and `description`
    fields: list[dict[str, str]]  # of the JSON response, with `name`, `type` and `description`
    errors: list[tuple[str, str]]  # status and reason


def add_documentation(app: FastAPI, task: Task, *, measures: bool, store: CorrectionStore | None = None) -> None:
    """Serve the page of an application; its other paths may be added later.

    Args:
        app: the application.
        task: task of the model; masks are of segmentation models only.
        measures: whether the model measures buildings.
        store: where corrections are saved; None if they are not.
    """
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A class may have any name: it is one word of a shell, and one string of Python and JavaScript.
    environment.filters |= {"word": shlex.quote, "literal": partial(json.dumps, ensure_ascii=False)}
    template = environment.get_template(_TEMPLATE)
    examples = [*_examples(task, measures=measures), *_collect_examples(store), *_DESCRIBING]
    responses = success("This API, described with examples.", "text/html", TEXT)

    @app.get("/docs", response_class=Response, responses=responses, name=_TEMPLATE)
    async def docs(request: Request) -> Response:
        endpoints = [*_endpoints(app.openapi(), examples)]
        page = template.render(
            title=app.title.partition(": ")[2],
            address=str(request.base_url).rstrip("/"),
            endpoints=endpoints,
            errors=sorted({error for endpoint in endpoints for error in endpoint.errors}),
        )
        return Response(page, media_type="text/html; charset=utf-8")


def _examples(task: Task, *, measures: bool) -> Iterator[Example]:
    """Yield an example of each path that takes a photo and that the model supports."""
    if task == "classification":
        yield Example("POST", "/api/predict", field="probabilities")
    else:
        yield Example("POST", "/api/predict", "?mask=false", field="class_fractions")
        yield Example("POST", "/api/mask", file="mask.png")
        yield Example("POST", "/api/overlay", file="overlay.png")
    if measures:
        yield Example("POST", "/api/measure", "?storey_height=3.2", field="fronts")


def _collect_examples(store: CorrectionStore | None) -> Iterator[Example]:
    """Yield an example of each path of corrections."""
    if store is None:
        return
    if store.folder.task == "classification":
        yield Example("POST", "/api/corrections", label=store.folder.classes[0], field="image")
    else:
        yield Example("POST", "/api/corrections", mask="mask.png", field="image")
        yield Example("POST", "/api/superpixels", file="superpixels.png")
    if store.queue is not None:
        yield Example("GET", "/api/queue", field="photos")


def _endpoints(description: dict[str, Any], examples: list[Example]) -> Iterator[Endpoint]:
    """Yield what an OpenAPI description has about the paths of examples."""
    schemas = description["components"]["schemas"]
    for example in examples:
        operation = description["paths"][example.path][example.method.lower()]
        success = next(one for status, one in operation["responses"].items() if status.startswith("2"))
        content = success["content"].get("application/json", {})
        schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
        yield Endpoint(
            example,
            operation["description"],
            [
                {"name": one["name"], "type": _type(one["schema"]), "description": one.get("description", "")}
                for one in operation.get("parameters", [])
            ],
            [
                {"name": name, "type": _type(field), "description": field.get("description", "")}
                for name, field in schema.get("properties", {}).items()
            ],
            [
                (status, response["description"])
                for status, response in operation["responses"].items()
                if status.startswith(("4", "5"))
            ],
        )


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a value in words: `number or null`."""
    if choices := schema.get("anyOf"):
        return " or ".join(_type(choice) for choice in choices)
    if reference := schema.get("$ref"):
        return str(reference.rpartition("/")[2])
    if "const" in schema or "enum" in schema:
        return " or ".join(map(str, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items') or {})}"
    return str(schema.get("type", "value"))
