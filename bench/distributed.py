"""Trains `fast` on the real garments alone and in two processes, for docs/measurements/reliability.md.

SEAMLINE_DATA=... python bench/distributed.py
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import reliability_page


def train(out: Path, launcher: list[str], threads: int) -> dict[str, Any]:
    """Train, and return validation accuracy and seconds."""
    words = ["-m", "seamline", "train", "fashion-mnist", "--out", str(out), "--threads", str(threads)]
    subprocess.run([sys.executable, *launcher, *words], check=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)})
    lines = (out / "history.jsonl").read_text(encoding="utf-8").splitlines()
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    return {"val": scores["val"]["accuracy"], "seconds": sum(json.loads(line)["seconds"] for line in lines)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        one = train(Path(folder) / "one", [], 2)
        two = train(Path(folder) / "two", ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"], 1)
    reliability_page.write("together", {"one": one, "two": two})
    print(json.dumps({"one": one, "two": two}, indent=1))
