"""Backends that run exported ONNX files: ONNX Runtime and OpenVINO.

Nothing here imports PyTorch, so that a prediction from a cold start is quick.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seamline.data.lazy_array import iter_chunks
from seamline.errors import SeamlineError, first_line
from seamline.inference.tiled import PredictFn
from seamline.threads import SPIN_MICROSECONDS

CHUNK_BYTES = 784_000
"""Bytes of images in a batch: 1,000 images of 28 x 28, or a tile."""

RunFn = Callable[[NDArray[np.uint8], tuple[str, ...]], list[NDArray[np.float32]]]
"""Images (b, H, W, C) uint8 and names of outputs of a file -> these outputs, float32."""


@dataclass(frozen=True)
class Backend:
    """A library that runs ONNX files."""

    title: str  # its name for people
    module: str  # the module to import
    # called with a file, outputs that will be asked for and the number of threads or None
    open: Callable[[Path, tuple[str, ...], int | None], RunFn]
    computes_all: bool  # whether a run computes all outputs of a file, whichever are asked for

    @property
    def installed(self) -> bool:
        """Whether the module can be imported."""
        return find_spec(self.module) is not None


def default_backend() -> str:
    """Return the key of the first backend that is installed."""
    return next((name for name, one in BACKENDS.items() if one.installed), "onnxruntime")


def load_session(
    file: Path, backend: str | None = None, threads: int | None = None, output: str = "logits"
) -> tuple[str, PredictFn]:
    """Open an exported ONNX file.

    Args:
        file: the file.
        backend: a key of `BACKENDS`; by default the first that is installed.
        threads: number of processor threads; None leaves it to the backend.
        output: the output to return, `logits`, `probabilities` or `features`.

    Returns:
        The key of the backend, and the model: images (B, H, W, C) uint8 -> the output, float32.

    Raises:
        SeamlineError: the backend is not installed, or cannot read the file.
    """
    name, (forward,) = load_outputs(file, (output,), backend, threads)
    return name, forward


def load_outputs(
    file: Path, outputs: Sequence[str], backend: str | None = None, threads: int | None = None
) -> tuple[str, tuple[PredictFn, ...]]:
    """Open an exported ONNX file once for several of its outputs; see `load_session`.

    A backend that computes all outputs in a run does so once for an array of images; the array must not change.
    """
    backend = backend or default_backend()
    library = BACKENDS[backend]
    if not library.installed:
        raise SeamlineError(f"{file}: needs {library.title}, which is not installed; pip install {library.module}")
    together = [tuple(outputs)] if library.computes_all else [(output,) for output in outputs]
    try:
        run = library.open(file, together[0], threads)
    except Exception as error:  # each backend has exceptions of its own
        raise SeamlineError(
            f"{file}: {library.title} cannot read it ({first_line(error)}); name a file that `seamline export` wrote"
        ) from None
    computed = [_Outputs(run, names) for names in together]
    return backend, tuple(partial(one, name) for one in computed for name in one.names)


class _Outputs:
    """Outputs of a file that a run computes together; those of the last array of images are kept.

    Args:
        run: runs the file.
        names: names of the outputs.
    """

    def __init__(self, run: RunFn, names: tuple[str, ...]) -> None:
        self.run = run
        self.names = names
        self.last: tuple[NDArray[np.uint8] | None, dict[str, NDArray[np.float32]]] = (None, {})

    def __call__(self, name: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return an output for images (B, H, W, C) uint8, computed in batches that fit in memory."""
        last, values = self.last
        if last is not images:
            chunks = [self.run(chunk, self.names) for chunk in iter_chunks(images, CHUNK_BYTES)]
            joined = chunks[0] if len(chunks) == 1 else map(np.concatenate, zip(*chunks, strict=True))
            values = dict(zip(self.names, joined, strict=True))
            if len(self.names) > 1:
                self.last = images, values
        return values[name]


def _to_nchw(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(B, H, W, C) -> (B, C, H, W), the layout of exported models."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _onnxruntime(file: Path, _: tuple[str, ...], threads: int | None) -> RunFn:
    """Open a file with ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.spin_duration_us", str(SPIN_MICROSECONDS))
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between two images
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8], names: tuple[str, ...]) -> list[NDArray[np.float32]]:
        values: list[NDArray[np.float32]] = session.run(list(names), {"images": _to_nchw(images)})
        return values

    return run


@cache
def _core() -> Any:
    """Return the one `openvino.Core` of this process.

    Each core gives the thread that creates it a stack for signals and removes it when it goes. When two cores go in
    the order in which they were created, the removed stack of the first stays in use, and the next Ctrl-C ends the
    process with a segmentation fault.
    """
    import openvino

    # AMX crashes on int8 models of dynamic size (https://github.com/openvinotoolkit/openvino/issues/37577)
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
    return openvino.Core()


def _openvino(file: Path, names: tuple[str, ...], threads: int | None) -> RunFn:
    """Open a file with OpenVINO, which compiles it once for each choice of outputs."""
    compiled = cache(partial(_compile_openvino, file, threads))
    compiled(names)

    def run(images: NDArray[np.uint8], names: tuple[str, ...]) -> list[NDArray[np.float32]]:
        values = compiled(names).infer({"images": _to_nchw(images)})
        return [np.array(values[name]) for name in names]

    return run


def _compile_openvino(file: Path, threads: int | None, names: tuple[str, ...]) -> Any:
    """Return an inference request that computes these outputs of a file."""
    core = _core()
    model = core.read_model(str(file))
    for result in model.get_results():
        if not (result.output(0).names | result.input_value(0).names) & set(names):
            model.remove_result(result)  # else it is computed as well
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    settings["ENABLE_CPU_PINNING"] = False  # a thread bound to a busy core cannot move to an idle one
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    return core.compile_model(model, "CPU", settings).create_infer_request()


BACKENDS: dict[str, Backend] = {
    "onnxruntime": Backend("ONNX Runtime", "onnxruntime", _onnxruntime, computes_all=True),
    "openvino": Backend("OpenVINO", "openvino", _openvino, computes_all=False),
}
