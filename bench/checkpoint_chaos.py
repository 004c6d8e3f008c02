"""Test the crash consistency of trainings with ckpt-chaos, a program of others: docs/measurements/reliability.md.

    python bench/checkpoint_chaos.py .venv-chaos/bin/ckpt-chaos [--points 10000] [--modes before,torn,term,unsynced]

ckpt-chaos runs the command once and records every file event below its run folder. Then it runs the command once for
each event and mode, ends it at that event, resumes it, and compares the result with that of the first run. The modes:
`before` kills the process before the event, `torn` after it with half of the file, `term` sends SIGTERM, and `unsynced`
kills it and removes everything that was not flushed to the disk. With fewer points than events it takes an even
selection. `--digest RUN` prints what it compares.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import crash_test

TRAINING = "--preset sprint --set epochs=4 --set batch_size=2 --threads 1 --checkpoint-every 0"
"""Options of the training: a U-Net with scale and color jitter, 56 steps with a checkpoint after each."""
VERDICTS = ("HARD_FAIL", "SILENT_DIVERGENCE", "LOST_WORK", "CONTROL_FAIL")


def digest(run: Path) -> str:
    """Return a digest of the results of a run, with the names of files that should not be there."""
    hidden = sorted(str(file.relative_to(run)) for file in run.rglob(".*"))
    return " ".join([crash_test.digest_of(run), *hidden, *(["checkpoint"] * (run / "checkpoint").exists())])


def main() -> None:
    """Run ckpt-chaos and store its verdicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=".venv-chaos/bin/ckpt-chaos")
    parser.add_argument("--points", type=int, default=10_000, help="largest number of crashes")
    parser.add_argument("--modes", default="before,torn,term,unsynced")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--digest", type=Path, help="print the digest of a run, and end")
    options = parser.parse_args()
    if options.digest:
        print(digest(options.digest))
        return
    folder = Path(tempfile.mkdtemp(prefix="checkpoint-chaos-"))
    crash_test.write_datasets(folder / "data")
    junit, started = folder / "junit.xml", time.monotonic()
    training = [sys.executable, "-m", "seamline", "train", "facades", "--data-dir", str(folder / "data" / "facades")]
    training += [*TRAINING.split(), "--out", "{out}"]
    command = [options.program, "run", "--work", str(folder / "work"), "--junit", str(junit)]
    command += ["--max-points", str(options.points), "--modes", options.modes, "--jobs", str(options.jobs)]
    command += ["--fail-on", ",".join(VERDICTS)]
    command += ["--result-cmd", f"{sys.executable} {Path(__file__).resolve()} --digest {{out}}"]
    command += ["--resume-cmd", " ".join([*training, "--resume"]), "--", *training]
    environment = crash_test.environment(folder / "data")
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout)
    if done.returncode not in (0, 1) or "<error" in junit.read_text():
        sys.exit("ckpt-chaos did not run to its end")
    store(junit, (folder / "work" / "reference" / "events.log.rank0").read_text(), (time.monotonic() - started) / 60)
    if done.returncode:
        sys.exit(f"the failed runs are in {folder}")
    shutil.rmtree(folder)


def store(junit: Path, events: str, minutes: float) -> None:
    """Store the verdicts of a JUnit file, and write the page.

    Args:
        junit: the file of ckpt-chaos.
        events: its log of the file events of the first run, a line each.
        minutes: how long it took.
    """
    import reliability_page

    verdicts: Counter[tuple[str, str]] = Counter()
    failed = []
    for case in ElementTree.parse(junit).iter("testcase"):  # noqa: S314 - written by the program above
        name, failure = case.attrib["name"], case.find("failure")
        mode = name.rsplit("[", 1)[1].rstrip("]") if "[" in name else "none"
        verdict = "PASS" if failure is None else failure.attrib["message"].split(":")[0]
        verdicts[mode, verdict] += 1
        failed += [] if failure is None else [f"{name}: {verdict}"]
    rows = [[mode, verdict, count] for (mode, verdict), count in verdicts.items()]
    results = {"events": len(events.splitlines()), "verdicts": rows, "failed": failed, "minutes": minutes}
    reliability_page.write("checkpoint_chaos", results)


if __name__ == "__main__":
    main()
