"""Kill trainings at random moments, resume them, and compare the results with an uninterrupted training.

    python bench/crash_test.py [--trials 100 | --kills N] [--jobs 2] [--seed 0]

Each trial starts the real command on a small synthetic dataset and ends it with SIGKILL: from outside after a random
time, or from inside at a random call that writes a file (half written, written and not flushed, flushed and not
renamed, renamed). A third of the trials is killed a second time while it resumes. Then the command runs to its end, and
weights, history and all results must equal those of an uninterrupted training byte for byte. Writes its part of
docs/measurements/reliability.md.

`--kills N` is the short form: trials until N trainings were killed, about 3 minutes for 10. It writes no page.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from seamline.data.sources.facades import PALETTE

INJECTOR = Path(__file__).parent / "crash_test_injector.py"
TASKS = {
    "garments": ["fashion-mnist", "--set", "epochs=3", "--set", "batch_size=16"],
    "facades": ["facades", "--preset", "sprint", "--set", "epochs=4", "--set", "batch_size=2"],
}
"""Arguments of each training: a classifier with Muon, flips and batch norm; a U-Net with scale and color jitter."""
SECOND_KILL = 1 / 3  # fraction of the trials that are killed twice
INSIDE = 0.5  # fraction of the kills that come from inside


@dataclass(frozen=True)
class Reference:
    """An uninterrupted training.

    Attributes:
        digest: digest of its results, see `digest_of`.
        seconds: seconds from the start to `run.json`, and from there to the end.
        calls: number of its calls that write files.
    """

    digest: str
    seconds: tuple[float, float]
    calls: int


def write_datasets(folder: Path) -> None:
    """Write small sets in the formats of the real ones: 600 + 100 garments of 28 x 28, 30 + 8 facades of 48 x 48."""
    rng = np.random.default_rng(0)
    garments = folder / "fashion-mnist"
    garments.mkdir(parents=True)
    for name, count in (("train", 600), ("t10k", 100)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = rng.integers(0, 120, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels.tolist(), strict=True):
            row, column = divmod(label, 4)
            image[4 + 8 * row : 12 + 8 * row, 2 + 6 * column : 8 + 6 * column] += 100
        head = (0x803).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28))
        (garments / f"{name}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = (0x801).to_bytes(4, "big") + count.to_bytes(4, "big")
        (garments / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    for name, count in (("train", 30), ("test_dev", 8)):
        split = folder / "facades" / name
        split.mkdir(parents=True)
        for number in range(count):
            photo, mask = (Image.new("RGB", (48, 48), color) for color in ((90, 140, 200), PALETTE[0]))
            draw, paint = ImageDraw.Draw(photo), ImageDraw.Draw(mask)
            for label in range(1, 5):
                left, top = (int(corner) for corner in rng.integers(0, 30, 2))
                box = (left, top, left + int(rng.integers(8, 18)), top + int(rng.integers(8, 18)))
                draw.rectangle(box, fill=(60 * label, 250 - 50 * label, 40 * (label % 3)))
                paint.rectangle(box, fill=PALETTE[label])
            photo.save(split / f"{number:03}.jpg", quality=95)
            mask.save(split / f"{number:03}.png")


def arguments(task: str, datasets: Path, out: Path) -> list[str]:
    """Return the arguments of `seamline`."""
    task_arguments = TASKS[task]
    data = datasets / task_arguments[0]
    options = ["--checkpoint-every", "0.05"]
    return ["train", *task_arguments, "--data-dir", str(data), "--out", str(out), "--threads", "1", *options]


def start(command: list[str], datasets: Path, crash: str | None = None) -> "subprocess.Popen[str]":
    """Start `seamline`, as it is or inside the injector, which counts calls or crashes at one."""
    program = ["-m", "seamline"] if crash is None else [str(INJECTOR), crash]
    command = [sys.executable, *program, *command]
    settings = environment(datasets)
    return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def environment(datasets: Path) -> dict[str, str]:
    """Return the environment of the trainings."""
    return os.environ | {"SEAMLINE_CACHE": str(datasets / "cache"), "OMP_NUM_THREADS": "1"}


def digest_of(run: Path) -> str:
    """Return a digest of weights, of all results of the evaluation, and of the history without the seconds."""
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    history = [{key: value for key, value in line.items() if key != "train_seconds"} for line in lines]
    names = ("model.safetensors", "metrics.json", "calibration.json", "findings.json", "analysis/*", "evaluation/**/*")
    files = sorted(file for name in names for file in run.glob(name) if file.is_file())
    parts = [part for file in files for part in (str(file.relative_to(run)).encode(), file.read_bytes())]
    return hashlib.sha256(b"".join([*parts, json.dumps(history).encode()])).hexdigest()


def train_uninterrupted(task: str, datasets: Path, out: Path) -> Reference:
    """Train without a kill."""
    started = time.monotonic()
    process = start(arguments(task, datasets, out), datasets, "count")
    while process.poll() is None and not (out / "run.json").exists():
        time.sleep(0.01)
    before = time.monotonic() - started
    output, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(errors)
    return Reference(digest_of(out), (before, time.monotonic() - started - before), int(output.rsplit("calls: ", 1)[1]))


def kill_once(
    command: list[str], datasets: Path, out: Path, expected: Reference, rng: random.Random, call: int | None = None
) -> str:
    """Start the command and kill it, from inside at `call` if that is given; return the stage that was interrupted."""
    if call or rng.random() < INSIDE:
        call = call or rng.randint(1, expected.calls)
        process = start(command, datasets, f"{call}:{rng.choice(('before', 'half', 'after'))}")
    else:
        process = start(command, datasets)
        before, after = expected.seconds
        if rng.random() < 0.8:  # most during training and evaluation, the others anywhere
            while process.poll() is None and not (out / "run.json").exists():
                time.sleep(0.005)
            wait = rng.uniform(0, after)
        else:
            wait = rng.uniform(0, before + after)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
    process.communicate()
    if process.returncode == 0:
        return "after the end"
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the command exited by itself with {process.returncode}")
    if not (out / "run.json").exists():
        return "before training"
    if (out / "model.safetensors").exists():
        return "during evaluation"
    return "in training" if list((out / "checkpoint").glob("*.safetensors")) else "before the first checkpoint"


def run_trial(
    task: str, datasets: Path, out: Path, expected: Reference, seed: int, call: int | None = None
) -> dict[str, Any]:
    """Kill a training at a random moment or at a call that writes a file, resume it, and compare the results.

    Returns:
        `task`, `seed`, `killed` (the stages), `identical` (whether all results are), `leftovers` (temporary files).
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    command = arguments(task, datasets, out)
    killed = [kill_once(command, datasets, out, expected, rng, call)]
    if call is None and rng.random() < SECOND_KILL:
        killed.append(kill_once([*command, "--resume"], datasets, out, expected, rng))
    process = start([*command, "--resume"], datasets)
    _, errors = process.communicate()
    if process.returncode != 0:
        return {"task": task, "seed": seed, "killed": killed, "identical": False, "error": errors.strip()[-500:]}
    leftovers = sorted(str(file.relative_to(out)) for file in out.rglob(".*")) + [
        name for name in ("checkpoint",) if (out / name).exists()
    ]
    identical = digest_of(out) == expected.digest
    return {
        "task": task,
        "seed": seed,
        "killed": killed,
        "identical": identical and not leftovers,
        "leftovers": leftovers,
    }


def main() -> None:
    """Run the trials and store the results."""
    import reliability_page

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100, help="trials of each dataset")
    parser.add_argument("--kills", type=int, help="short form: stop after this many kills, write no page")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crash-test-"))
    datasets = folder / "datasets"
    write_datasets(datasets)
    started = time.monotonic()
    expected = {task: train_uninterrupted(task, datasets, folder / f"{task}-uninterrupted") for task in TASKS}

    def run(index: int) -> dict[str, Any]:
        task = list(TASKS)[index % len(TASKS)]
        out = folder / f"run-{index}"
        outcome = run_trial(task, datasets, out, expected[task], options.seed * 100_000 + index)
        if outcome["identical"]:
            shutil.rmtree(out)
        print(index, json.dumps(outcome), flush=True)
        return outcome

    trials: list[dict[str, Any]] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        if options.kills is None:
            trials = list(pool.map(run, range(options.trials * len(TASKS))))
        while options.kills is not None and count_kills(trials) < options.kills:
            trials += pool.map(run, range(len(trials), len(trials) + options.jobs))
    minutes = (time.monotonic() - started) / 60
    if options.kills is None:
        calls = {task: reference.calls for task, reference in expected.items()}
        reliability_page.write("crash_test", {"trials": trials, "minutes": minutes, "calls": calls})
    failed = [outcome for outcome in trials if not outcome["identical"]]
    print(
        f"{len(trials) - len(failed)} of {len(trials)} trials with {count_kills(trials)} kills "
        f"ended with identical results, in {minutes:.1f} minutes"
    )
    if failed:
        sys.exit(f"the failed runs are in {folder}")
    shutil.rmtree(folder)


def count_kills(trials: list[dict[str, Any]]) -> int:
    """Return the number of kills that hit a running training."""
    return sum(stage != "after the end" for outcome in trials for stage in outcome["killed"])


if __name__ == "__main__":
    main()
