"""What works out the scores of an exported network: OpenVINO or ONNX Runtime, whichever is installed and faster.

Neither PyTorch nor anything that needs it is imported here, so that a photo is answered quickly from a cold start.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import iter_chunks
from seamline.errors import SeamlineError, first_line
from seamline.inference.tiled import Ask

PORTION = 784_000
"""Bytes of images that are asked about at once: 1,000 garments, or a tile of a photo."""

Opened = tuple[Ask, dict[str, str]]
"""What answers, and the metadata of the file."""


@dataclass(frozen=True)
class Engine:
    """A library that works out graphs.

    Attributes:
        title: its name, as people write it.
        module: what is imported.
        open: file, output, threads or None -> what answers, and the file's metadata.
    """

    title: str
    module: str
    open: Callable[[Path, str, int | None], Opened]

    @property
    def installed(self) -> bool:
        """Whether it can be imported."""
        return find_spec(self.module) is not None


def open_graph(
    file: Path, engine: str | None = None, threads: int | None = None, output: str = "scores"
) -> tuple[str, Ask, dict[str, str]]:
    """Open an exported network.

    Args:
        file: ONNX.
        engine: a key of `ENGINES`; None takes the first that is installed.
        threads: of the processor; None leaves it to the engine.
        output: what to answer with, `scores` or `probabilities`.

    Returns:
        The engine's key, what answers about images (B, H, W, C) uint8, and the file's metadata.

    Raises:
        SeamlineError: the engine is not installed, or cannot read the file.
    """
    named = next((name for name, one in ENGINES.items() if one.installed), None) if engine is None else engine
    if named is None or not ENGINES[named].installed:
        title = ENGINES[named].title if named else "ONNX Runtime"
        raise SeamlineError(f"{file}: needs {title}, which is not installed; pip install 'seamline[onnx]'")
    if not file.is_file():
        raise SeamlineError(f"{file}: not found; `seamline export` writes such files")
    with _one_line(file, ENGINES[named].title):
        ask, metadata = ENGINES[named].open(file, output, threads)

    def ask_in_pieces(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers = [ask(piece) for piece in iter_chunks(images, PORTION)]
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    return named, ask_in_pieces, metadata


@contextmanager
def _one_line(file: Path, title: str) -> Iterator[None]:
    """Turn what an engine raises at a file that it cannot read into one line."""
    try:
        yield
    except Exception as error:  # engines have kinds of their own
        raise SeamlineError(
            f"{file}: {title} cannot read it ({first_line(error)}); name a file that `seamline export` wrote"
        ) from None


def _planes(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(B, H, W, C) -> (B, C, H, W), the order of exported networks."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _onnxruntime(file: Path, output: str, threads: int | None) -> Opened:
    """Open a file with ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers: NDArray[np.float32] = session.run([output], {"images": _planes(images)})[0]
        return answers

    return ask, dict(session.get_modelmeta().custom_metadata_map)


@cache
def _core() -> Any:
    """Return this process's one core of OpenVINO.

    Each brings the thread that makes it a stack for signals, and takes it away with it. Of two that go in the order in
    which they came, the stack of the first is left in use, and at the next Ctrl-C the process ends in a segmentation
    fault.
    """
    import openvino

    # Whole numbers at any size end in one too where it uses AMX (https://github.com/openvinotoolkit/openvino/issues/37577)
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
    return openvino.Core()


def _openvino(file: Path, output: str, threads: int | None) -> Opened:
    """Open a file with OpenVINO."""
    core = _core()
    model = core.read_model(str(file))
    for result in model.get_results():
        if output not in result.output(0).names | result.input_value(0).names:
            model.remove_result(result)  # else it is worked out, too
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    request = core.compile_model(model, "CPU", settings).create_infer_request()

    def ask(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        answers: NDArray[np.float32] = np.array(request.infer({"images": _planes(images)})[output])
        return answers

    metadata = model.get_rt_info()["framework"] if model.has_rt_info("framework") else {}
    return ask, {name: str(value.value) for name, value in metadata.items()}


ENGINES: dict[str, Engine] = {
    "onnxruntime": Engine("ONNX Runtime", "onnxruntime", _onnxruntime),
    "openvino": Engine("OpenVINO", "openvino", _openvino),
}
