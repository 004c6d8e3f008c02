"""Train preset `fast` on Fashion-MNIST in one and in two processes, for docs/measurements/reliability.md.

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
    """Train, and return validation accuracy and training seconds."""
    arguments = ["-m", "seamline", "train", "fashion-mnist", "--out", str(out), "--threads", str(threads)]
    subprocess.run(
        [sys.executable, *launcher, *arguments], check=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)}
    )
    lines = (out / "history.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    return {
        "val": metrics["val"]["overall"]["accuracy"],
        "seconds": sum(json.loads(line)["train_seconds"] for line in lines),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        one = train(Path(folder) / "one", [], 2)
        two = train(Path(folder) / "two", ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"], 1)
    results = {"one_process": one, "two_processes": two}
    reliability_page.write("distributed", results)
    print(json.dumps(results, indent=1))
