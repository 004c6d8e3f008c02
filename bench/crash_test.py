"""Kills trainings at random moments, lets them go on, and compares what comes out with a training never stopped.

    python bench/crash_test.py [--trials 100] [--jobs 2] [--seed 0]

Each trial starts the real command on a small set of its own making and ends it with SIGKILL: from outside after a
random time, or from inside at a random call that writes a file (half written, written and not flushed, flushed and not
renamed, renamed). A third of the trials is killed a second time while going on. Then the command goes on to its end,
and weights, figures and history must be, byte for byte, those of a training that nobody stopped. Writes its part of
docs/measurements/reliability.md.
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

VICTIM = Path(__file__).parent / "crash_test_injector.py"
TASKS = {
    "garments": ["fashion-mnist", "--set", "epochs=3", "--set", "batch_size=16"],
    "facades": ["facades", "--preset", "sprint", "--set", "epochs=4", "--set", "batch_size=2"],
}
"""What is trained: a classifier with Muon, flips and batch normalisation, a U-Net with random scales and colours."""
AGAIN = 1 / 3  # share of the trials that are killed twice
INSIDE = 0.5  # share of the kills that come from inside


@dataclass(frozen=True)
class Whole:
    """A training that nobody stopped.

    Attributes:
        digest: of what it came to, see `digest_of`.
        seconds: from the start to the run's description, and from there to the end.
        calls: how many calls that write files it made.
    """

    digest: str
    seconds: tuple[float, float]
    calls: int


def make_sets(folder: Path) -> None:
    """Write small sets in the forms of the real ones: 600 + 100 garments of 28 x 28, 30 + 8 facades of 48 x 48."""
    chance = np.random.default_rng(0)
    garments = folder / "fashion-mnist"
    garments.mkdir(parents=True)
    for name, count in (("train", 600), ("t10k", 100)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = chance.integers(0, 120, (count, 28, 28), dtype=np.uint8)
        for image, kind in zip(images, labels, strict=True):
            row, column = divmod(int(kind), 4)
            image[4 + 8 * row : 12 + 8 * row, 2 + 6 * column : 8 + 6 * column] += 100
        head = (0x803).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28))
        (garments / f"{name}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = (0x801).to_bytes(4, "big") + count.to_bytes(4, "big")
        (garments / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    for name, count in (("train", 30), ("test_dev", 8)):
        place = folder / "facades" / name
        place.mkdir(parents=True)
        for number in range(count):
            photo, mask = (Image.new("RGB", (48, 48), colour) for colour in ((90, 140, 200), PALETTE[0]))
            draw, paint = ImageDraw.Draw(photo), ImageDraw.Draw(mask)
            for label in range(1, 5):
                left, top = (int(one) for one in chance.integers(0, 30, 2))
                box = (left, top, left + int(chance.integers(8, 18)), top + int(chance.integers(8, 18)))
                draw.rectangle(box, fill=(60 * label, 250 - 50 * label, 40 * (label % 3)))
                paint.rectangle(box, fill=PALETTE[label])
            photo.save(place / f"{number:03}.jpg", quality=95)
            mask.save(place / f"{number:03}.png")


def arguments(task: str, sets: Path, out: Path) -> list[str]:
    """Return the words of the command, after `seamline`."""
    words = TASKS[task]
    data = sets / words[0]
    every = ["--checkpoint-every", "0.05"]
    return ["train", *words, "--data-dir", str(data), "--out", str(out), "--threads", "1", *every]


def start(words: list[str], sets: Path, victim: str | None = None) -> "subprocess.Popen[str]":
    """Start the command: the real one, or inside a victim that counts its calls or dies at one."""
    program = ["-m", "seamline"] if victim is None else [str(VICTIM), victim]
    settings = os.environ | {"SEAMLINE_CACHE": str(sets / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *program, *words]
    return subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digest_of(run: Path) -> str:
    """Return a digest of weights, figures, findings and history, all but the seconds."""
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    history = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    parts = [(run / name).read_bytes() for name in ("model.safetensors", "scores.json", "findings.json")]
    return hashlib.sha256(b"".join([*parts, json.dumps(history).encode()])).hexdigest()


def whole(task: str, sets: Path, out: Path) -> Whole:
    """Train without a stop."""
    begun = time.monotonic()
    process = start(arguments(task, sets, out), sets, "count")
    while process.poll() is None and not (out / "run.json").exists():
        time.sleep(0.01)
    described = time.monotonic() - begun
    told, wrong = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(wrong)
    return Whole(digest_of(out), (described, time.monotonic() - begun - described), int(told.rsplit("calls: ", 1)[1]))


def kill_once(
    words: list[str], sets: Path, out: Path, expected: Whole, chance: random.Random, call: int | None = None
) -> str:
    """Start the command and kill it, from inside at `call` if that is given; return where it was hit."""
    if call or chance.random() < INSIDE:
        call = call or chance.randint(1, expected.calls)
        process = start(words, sets, f"{call}:{chance.choice(('before', 'half', 'after'))}")
    else:
        process = start(words, sets)
        begun, rest = expected.seconds
        if chance.random() < 0.8:  # most in the training and measuring, the others anywhere
            while process.poll() is None and not (out / "run.json").exists():
                time.sleep(0.005)
            wait = chance.uniform(0, rest)
        else:
            wait = chance.uniform(0, begun + rest)
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
    process.communicate()
    if process.returncode == 0:
        return "too late"
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the command ended by itself, with {process.returncode}")
    if not (out / "run.json").exists():
        return "before training"
    if (out / "model.safetensors").exists():
        return "during evaluation"
    return "in training" if list((out / "checkpoint").glob("*.safetensors")) else "before the first checkpoint"


def trial(task: str, sets: Path, out: Path, expected: Whole, seed: int, call: int | None = None) -> dict[str, Any]:
    """Kill a training at a random moment, or at a call that writes a file, let it go on, and compare.

    Returns:
        `task`, `seed`, `killed` (where), `same` (whether all came out the same), `leftovers` (files half written).
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    words = arguments(task, sets, out)
    killed = [kill_once(words, sets, out, expected, chance, call)]
    if call is None and chance.random() < AGAIN:
        killed.append(kill_once([*words, "--resume"], sets, out, expected, chance))
    process = start([*words, "--resume"], sets)
    _, wrong = process.communicate()
    if process.returncode != 0:
        return {"task": task, "seed": seed, "killed": killed, "same": False, "error": wrong.strip()[-500:]}
    leftovers = sorted(str(file.relative_to(out)) for file in out.rglob(".*")) + [
        name for name in ("checkpoint",) if (out / name).exists()
    ]
    same = digest_of(out) == expected.digest
    return {"task": task, "seed": seed, "killed": killed, "same": same and not leftovers, "leftovers": leftovers}


def main() -> None:
    """Run the trials and write what came of them."""
    import reliability_page

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100, help="for each task")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="crash-test-"))
    make_sets(work / "sets")
    found: list[dict[str, Any]] = []
    begun = time.monotonic()
    expected = {task: whole(task, work / "sets", work / f"{task}-whole") for task in TASKS}

    def run(place: int) -> dict[str, Any]:
        task = list(TASKS)[place % len(TASKS)]
        out = work / f"run-{place}"
        outcome = trial(task, work / "sets", out, expected[task], options.seed * 100_000 + place)
        if outcome["same"]:
            shutil.rmtree(out)
        print(place, json.dumps(outcome), flush=True)
        return outcome

    with ThreadPoolExecutor(options.jobs) as pool:
        found = list(pool.map(run, range(options.trials * len(TASKS))))
    minutes = (time.monotonic() - begun) / 60
    reliability_page.write(
        "torture", {"trials": found, "minutes": minutes, "calls": {t: e.calls for t, e in expected.items()}}
    )
    failed = [one for one in found if not one["same"]]
    print(f"{len(found) - len(failed)} of {len(found)} came out the same, in {minutes:.0f} min")
    if failed:
        sys.exit(f"look into {work}")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
