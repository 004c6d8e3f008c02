"""What the engines leave behind in the process that uses them."""

import subprocess
import sys
from pathlib import Path

import pytest

from seamline.inference.backends import ENGINES
from seamline.inference.pretrained import READY, ready_folder

SCRIPT = """
import faulthandler, gc, signal, sys
from pathlib import Path
from seamline.inference.backends import open_graph
faulthandler.enable()  # so signals have a stack of their own, which engines may exchange
signal.signal(signal.SIGINT, lambda number, frame: print("heard"))
opened = [open_graph(Path(file), sys.argv[1])[1] for file in sys.argv[2:]]
while opened:
    del opened[0]
    gc.collect()
    signal.raise_signal(signal.SIGINT)
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_signals_are_heard_after_networks_were_opened_and_left(engine: str) -> None:
    files = [str(ready_folder(name) / "model.onnx") for name in READY]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, engine, *files], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert done.stdout == "heard\n" * len(files), done.stderr
    assert done.returncode == 0
