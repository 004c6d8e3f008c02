"""Test the crash consistency of trainings with ckpt-chaos, a program of others: docs/measurements/reliability.md.

    python bench/checkpoint_chaos.py .venv-chaos/bin/ckpt-chaos [--points 10000] [--modes before,torn,unsynced,term]

ckpt-chaos runs the command once and records every file event below its run folder. Then it runs the command once for
each event, ends it at that event, resumes it, and compares the result with that of the first run. The modes, one after
the other: `before` kills the process before the event, `torn` after it with half of the file, `unsynced` kills it and
removes everything that was not flushed to the disk, and `term` sends SIGTERM. With fewer points than events it takes an
even selection. The results of a mode replace those that are stored. `--digest RUN` prints what is compared.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

import crash_test
from seamline.io import sha256_file

OPTIONS = "--set epochs=2 --set batch_size=32 --threads 1 --checkpoint-every 0"
"""Options of the training: two steps, a checkpoint after each step and each epoch."""
CHANGING = ("run.json", "history.jsonl", "integrity.json", "report.html")
"""Files that contain times."""
VERDICTS = ("HARD_FAIL", "SILENT_DIVERGENCE", "LOST_WORK", "CONTROL_FAIL")


def write_images(folder: Path) -> None:
    """Write 40 images of 28 x 28 pixels, noise that is red in one class and blue in the other."""
    rng = np.random.default_rng(0)
    for name, channel in (("brick", 0), ("glass", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            image = rng.integers(0, 120, (28, 28, 3), dtype=np.uint8)
            image[..., channel] += 100
            Image.fromarray(image).save(folder / name / f"{number:02}.png")


def digest(run: Path) -> str:
    """Return the files of a run, with checksums but for those that contain times, and a digest of its history."""
    files = sorted(file.relative_to(run).as_posix() for file in run.rglob("*") if not file.is_dir())
    sums = {name: None if name in CHANGING else sha256_file(run / name) for name in files}
    folders = sorted(file.relative_to(run).as_posix() for file in run.rglob("*") if file.is_dir())
    return json.dumps([sums, folders, crash_test.digest_of(run)])


def main() -> None:
    """Run ckpt-chaos and store its verdicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=".venv-chaos/bin/ckpt-chaos")
    parser.add_argument("--points", type=int, default=10_000, help="largest number of crashes in each mode")
    parser.add_argument("--modes", default="before,torn,unsynced,term")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--digest", type=Path, help="print the digest of a run, and end")
    options = parser.parse_args()
    if options.digest:
        print(digest(options.digest))
        return
    folder = Path(tempfile.mkdtemp(prefix="checkpoint-chaos-"))
    write_images(folder / "shapes")
    limits = ["--max-points", str(options.points), "--jobs", str(options.jobs)]
    passed = [test_mode(mode, [options.program, "run", *limits], folder) for mode in options.modes.split(",")]
    if not all(passed):
        sys.exit(f"the failed runs are in {folder}")
    shutil.rmtree(folder)


def test_mode(mode: str, program: list[str], folder: Path) -> bool:
    """End trainings in one mode, and store the verdicts.

    Args:
        mode: name of the mode.
        program: the command of ckpt-chaos.
        folder: has the images, and gets the runs.

    Returns:
        Whether all passed.
    """
    work, junit, started = folder / mode, folder / f"{mode}.xml", time.monotonic()
    training = [sys.executable, "-m", "seamline", "train", str(folder / "shapes"), *OPTIONS.split(), "--out", "{out}"]
    command = [*program, "--work", str(work), "--junit", str(junit), "--modes", mode, "--fail-on", ",".join(VERDICTS)]
    command += ["--result-cmd", f"{sys.executable} {Path(__file__).resolve()} --digest {{out}}"]
    command += ["--resume-cmd", " ".join([*training, "--resume"]), "--", *training]
    done = subprocess.run(command, env=crash_test.environment(folder), stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode not in (0, 1) or "<error" in junit.read_text():
        sys.exit("ckpt-chaos did not run to its end")
    events = [line.split("\t") for line in (work / "reference" / "events.log.rank0").read_text().splitlines()]
    applicable = sum(mode != "torn" or tearable == "1" for _, _, _, tearable in events)
    store(mode, junit, applicable, (time.monotonic() - started) / 60)
    return done.returncode == 0


def store(mode: str, junit: Path, events: int, minutes: float) -> None:
    """Store the verdicts of a JUnit file, and write the page.

    Args:
        mode: name of the mode.
        junit: the file of ckpt-chaos.
        events: number of file events of the first run that the mode applies to.
        minutes: how long it took.
    """
    import reliability_page  # imports PyTorch, which digests do without
    import results_store

    verdicts: Counter[str] = Counter()
    failed = []
    for case in ElementTree.parse(junit).iter("testcase"):  # noqa: S314 - written by the program above
        name, failure = case.attrib["name"], case.find("failure")
        if "[" in name or failure is not None:  # the run that is not ended counts where it fails
            verdict = "PASS" if failure is None else failure.attrib["message"].split(":")[0]
            verdicts[verdict] += 1
            failed += [] if failure is None else [f"{name}: {verdict}"]
    stored = results_store.read_results("reliability").get("checkpoint_chaos", {}).get("modes", {})
    result = {"events": events, "verdicts": dict(verdicts), "failed": failed, "minutes": minutes}
    reliability_page.write("checkpoint_chaos", {"modes": {**stored, mode: result}})


if __name__ == "__main__":
    main()
