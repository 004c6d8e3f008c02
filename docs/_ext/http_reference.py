"""The HTTP API reference, generated from the OpenAPI description of the application."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI

from run_folder_reference import describe
from seamline.inference.predictor import Predictor, load_model
from seamline.run_folder import measures
from seamline.serve.app import make_app
from seamline.serve.collect import CorrectionStore
from seamline.serve.measurement import MeasureResponse

MODELS = {"facades": "segmentation", "garments": "classification"}
"""Pretrained models whose descriptions are merged: name -> task."""


def render() -> str:
    """Return a section for every endpoint, and one for the JSON objects of requests and responses."""
    with TemporaryDirectory() as folder:
        descriptions = [_collecting_app(load_model(name), Path(folder, name)).openapi() for name in MODELS]
    sections = [
        _endpoint(method, path, operation)
        for path, methods in descriptions[0]["paths"].items()
        if path.startswith(("/api/", "/health"))
        for method, operation in methods.items()
    ]
    schemas = {name: schema for one in descriptions for name, schema in one["components"]["schemas"].items()}
    objects = [_object(name, schema) for name, schema in sorted(schemas.items()) if "properties" in schema]
    return "\n\n".join([*sections, "## Objects", *objects])


def _collecting_app(model: Predictor, folder: Path) -> FastAPI:
    """Return the application with all paths: it saves corrections, and has a list of photos."""
    queue = folder.with_suffix(".json")
    queue.write_text(json.dumps({"photos": [{"path": queue.name}]}), encoding="utf-8")
    return make_app(model, store=CorrectionStore.of(model, folder, queue))


def _endpoint(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"## `{method.upper()} {path}`", "", operation.get("description", operation["summary"])]
    if parameters := operation.get("parameters"):
        lines += ["", "| parameter | type | default | description |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{p['name']}` | {_type(p['schema'])} | {_default(p['schema'])} | {p.get('description', '')} |"
            for p in parameters
        ]
    if body := operation.get("requestBody"):
        kinds = ", ".join(f"`{kind}`" for kind in body["content"])
        lines += ["", f"Request body: {body.get('description', '')} Content types: {kinds}."]
    lines += ["", "| status | content type | description |", "| --- | --- | --- |"]
    for status, response in operation["responses"].items():
        contents = [f"`{kind}`{_link(content)}" for kind, content in response.get("content", {}).items()]
        lines.append(f"| {status} | {', '.join(contents)} | {response['description']} |")
    return "\n".join(lines)


def _link(content: dict[str, Any]) -> str:
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return f" ([{name}](#{name.lower()}))" if name else ""


def _object(name: str, schema: dict[str, Any]) -> str:
    lines = [
        f"### {name}",
        "",
        schema.get("description", ""),
        "",
        "| field | type | description |",
        "| --- | --- | --- |",
    ]
    comments = _comments(name)
    for field, value in schema["properties"].items():
        lines.append(f"| `{field}` | {_type(value)} | {value.get('description') or comments.get(field, '')} |")
    return "\n".join(lines)


def _comments(name: str) -> dict[str, str]:
    """Return the descriptions of the fields of a struct, whose JSON schema has none; empty for other objects."""
    struct = MeasureResponse if name == MeasureResponse.__name__ else getattr(measures, name, None)
    comments = describe(struct) if struct else {}
    return {field: text[:1].upper() + text[1:] for field, text in comments.items()}


def _type(schema: dict[str, Any]) -> str:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if choices := schema.get("anyOf"):
        return " or ".join(_type(choice) for choice in choices)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items') or (schema.get('prefixItems') or [{}])[0])}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        return f"object of {_type(values)}" if isinstance(values, dict) else "object"
    return str(schema.get("type", "any value"))


def _default(schema: dict[str, Any]) -> str:
    return f"`{str(schema['default']).lower()}`" if "default" in schema else ""
