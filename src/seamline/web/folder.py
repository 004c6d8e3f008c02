"""Writes the folder: the page, the model and its runtime, which any static web server can serve."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment

from seamline.errors import SeamlineError
from seamline.inference.onnx_metadata import external_files
from seamline.inference.predictor import Predictor, load_model
from seamline.io import write_bytes
from seamline.run_folder import ExportMetadata, to_json
from seamline.web.runtime import CHECKSUMS, VERSION, find_runtime, license_files

GRAPH = "model.onnx"
DESCRIPTION = "model.json"
SERVICE_WORKER = "service-worker.js"

_PACKAGE = Path(__file__).parent
_SCRIPTS = (
    "page.js",
    "model.js",
    "pixels.js",
    "png.js",
    "predict.js",
    "resample.js",
    "worker.js",
)
_SERVE_SCRIPTS = (
    "board.js",
    "cards.js",
    "colors.js",
    "elements.js",
    "intake.js",
    "labels.js",
    "legend.js",
    "mask_view.js",
    "probe.js",
)
"""Modules that the page shares with that of `serve`; they take the model from the `model.js` of either."""

_SHOWN_CLASSES = 12
_RUNTIME = {name: f"runtime/{name.replace('.mjs', '.js')}" for name in CHECKSUMS}
"""File of the runtime -> its path in the folder; some servers name the type of .mjs files wrongly."""

_WASM, _WEBGPU = (
    dict(zip(("module", "loader", "wasm"), paths, strict=True))
    for paths in ([*_RUNTIME.values()][:3], [*_RUNTIME.values()][3:])
)


@dataclass(frozen=True)
class WebExport:
    """A folder that predicts photos in a browser.

    Attributes:
        folder: the folder.
        files: number of its files.
        size: bytes of all files.
        first_load: bytes that a browser loads with WebAssembly.
    """

    folder: Path
    files: int
    size: int
    first_load: int


def check_web_folder(folder: Path) -> None:
    """Refuse a folder with anything but an earlier export.

    Raises:
        SeamlineError: names the folder and the first other file.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SeamlineError(f"--web {folder}: is a file; name a folder")
    try:
        contents = set(json.loads((folder / DESCRIPTION).read_bytes())["contents"])
    except (OSError, ValueError, LookupError, TypeError):
        contents = set[str]()
    files = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())
    if other := min((name for name in files if name not in contents), default=None):
        raise SeamlineError(f"--web {folder}: holds {other}, which no web export wrote; name an empty or a new folder")


def write_web_folder(model: Path, folder: Path, runtime: Path | None = None) -> WebExport:
    """Write a folder that predicts photos in a browser; an earlier export there is replaced.

    Args:
        model: a file that `seamline export` wrote, or the exported file of a pretrained model.
        folder: the folder; see `check_web_folder`.
        runtime: see `find_runtime`.

    Raises:
        SeamlineError: the model or the runtime is damaged, or the folder holds something else.
    """
    check_web_folder(folder)
    place = find_runtime(runtime)
    external = {name: (model.parent / name).read_bytes() for name in external_files(model)}
    predictor = load_model(model, backend="onnxruntime", threads=1)
    files = _page_files(predictor.metadata) | {GRAPH: model.read_bytes()} | external
    files |= {path: (place / name).read_bytes() for name, path in _RUNTIME.items()}
    files |= {f"runtime/{file.name}": file.read_bytes() for file in license_files()}
    files[DESCRIPTION] = to_json(_describe(predictor, tuple(external), files))
    first = [name for name in files if name not in _WEBGPU.values()]
    files[SERVICE_WORKER] = _service_worker(first, files)
    _replace(folder, files)
    first_load = sum(len(files[name]) for name in (*first, SERVICE_WORKER))
    return WebExport(folder, len(files), sum(map(len, files.values())), first_load)


def _page_files(metadata: ExportMetadata) -> dict[str, bytes]:
    """Return the page and its program: name -> content."""
    theme, serve = _PACKAGE.parent / "report" / "templates" / "theme.css", _PACKAGE.parent / "serve"
    template = Environment(autoescape=True).from_string((_PACKAGE / "index.html").read_text(encoding="utf-8"))
    values = {
        "name": metadata.name,
        "task": metadata.task,
        "fingerprint": metadata.fingerprint,
        "lead": _lead(metadata),
    }
    return {
        "index.html": template.render(values).encode(),
        "page.css": b"".join(file.read_bytes() for file in (theme, serve / "common.css", _PACKAGE / "page.css")),
        **{name: (serve / name).read_bytes() for name in _SERVE_SCRIPTS},
        **{name: (_PACKAGE / name).read_bytes() for name in _SCRIPTS},
    }


def _lead(metadata: ExportMetadata) -> str:
    """Return what the model does, in two sentences."""
    more = len(metadata.classes) - _SHOWN_CLASSES
    names = ", ".join(metadata.classes[:_SHOWN_CLASSES]) + (f", and {more} more" if more > 0 else "")
    verb = "Segments photos into" if metadata.task == "segmentation" else "Classifies photos as"
    return f"{verb}: {names}. Trained on {metadata.dataset}."


def _describe(predictor: Predictor, external: tuple[str, ...], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what the page needs to know: the metadata of the file, and the files of the folder."""
    metadata = msgspec.structs.asdict(predictor.metadata)
    runtimes = {"wasm": _WASM, "webgpu": _WEBGPU}
    model_bytes = sum(len(files[name]) for name in (GRAPH, *external))
    return {key: value for key, value in metadata.items() if value is not None} | {
        "max_side": predictor.default_max_side,
        "false_alarm_rate": predictor.false_alarm_rate,
        "interval_level": predictor.interval_level,
        "files": {"graph": GRAPH, "external": external},
        "runtime": {"version": VERSION, **runtimes},
        "bytes": {
            name: model_bytes + sum(len(files[file]) for file in parts.values()) for name, parts in runtimes.items()
        },
        "contents": sorted((*files, DESCRIPTION, SERVICE_WORKER)),
    }


def _service_worker(names: list[str], files: Mapping[str, bytes]) -> bytes:
    """Return the program that keeps files in the browser; its version is a digest of all of them."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + hashlib.sha256(files[name]).digest())
    text = (_PACKAGE / SERVICE_WORKER).read_text(encoding="utf-8")
    listed = json.dumps(["./", *sorted(names)])
    return text.replace("{{ version }}", digest.hexdigest()[:16]).replace("{{ files }}", listed).encode()


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder, and rename it to `folder`; an earlier one is removed."""
    target = folder.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        for name, content in files.items():
            write_bytes(new / name, content)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
