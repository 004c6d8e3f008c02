"""Side effects of the backends on their process."""

import subprocess
import sys
from pathlib import Path

import pytest

from seamline.inference.backends import BACKENDS
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
