"""The backends: their outputs, and their side effects on the process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seamline.inference.backends import BACKENDS, load_outputs, load_session
from seamline.inference.pretrained import PRETRAINED, pretrained_dir

SCRIPT = """
import faulthandler, gc, signal, sys
from pathlib import Path
from seamline.inference.backends import load_session
faulthandler.enable()  # so signals have a stack of their own, which backends may exchange
signal.signal(signal.SIGINT, lambda number, frame: print("heard"))
opened = [load_session(Path(file), sys.argv[1])[1] for file in sys.argv[2:]]
while opened:
    del opened[0]
    gc.collect()
    signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_signals_are_heard_after_networks_were_opened_and_left(backend: str) -> None:
    files = [str(pretrained_dir(name) / "model.onnx") for name in PRETRAINED]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, backend, *files], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.stdout == "heard\n" * len(files), done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_outputs_follow_their_images(backend: str) -> None:
    """ONNX Runtime computes all outputs in a run, and keeps those of the last images."""
    file = pretrained_dir("garments") / "model.onnx"
    _, (logits, features) = load_outputs(file, ("logits", "features"), backend)
    first, second = np.random.default_rng(0).integers(0, 256, (2, 3, 28, 28, 1), np.uint8)
    expected = [load_session(file, backend, output=name)[1] for name in ("logits", "features")]
    for images in (first, second, first):
        np.testing.assert_allclose(logits(images), expected[0](images), atol=1e-5)
        np.testing.assert_allclose(features(images), expected[1](images), atol=1e-4)
