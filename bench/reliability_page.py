"""docs/measurements/reliability.md, from the results of crash_test.py, checkpoint_chaos.py and others."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import results_store
from seamline.evaluation.confidence import wilson

GUARANTEES = """
| guarantee | test | command |
| --- | --- | --- |
| A resumed run ends with the same bytes as an uninterrupted one: weights, optimizer state, schedule, best weights, position in the data. Random numbers are a function of seed, epoch, step and image, so there is no generator state to store. | killed at random moments (above); after every optimizer, with dropout, at every step | `make test-crash`, `pytest tests/test_interruptions.py tests/training` |
| Ctrl-C and SIGTERM finish the current step, write a checkpoint and print the command that resumes (status 130 and 143). A second signal stops at once. | signals to the real command and in the middle of steps; the printed command is run | `pytest tests/test_interruptions.py` |
| A checkpoint is written to a temporary file, flushed and renamed, and its directory is flushed too. The two newest are kept. If a checksum does not match, the checkpoint is reported as damaged and the previous one is used. The newest is found by its number, not by its date. | a bit flipped, a byte cut off, dates in the wrong order | `pytest tests/training/test_checkpoints.py tests/test_interruptions.py` |
| Resuming with another configuration, dataset or seed is an error that names the difference. | each of them | `pytest tests/test_interruptions.py` |
| A full disk never destroys an existing checkpoint: the failure is reported and training continues. If the final weights cannot be written, training ends with a one-line error and can be resumed once there is space. | a limit on the size of files (RLIMIT_FSIZE) | `pytest tests/test_interruptions.py` |
| Running out of memory is a one-line error that states the memory in use and a smaller batch size to try. | a limit on memory (RLIMIT_AS) | `pytest tests/test_interruptions.py` |
| One process at a time writes to a run folder. A folder without write permission is reported before any long work. | two processes; another user | `pytest tests/run_folder/test_folder.py tests/test_interruptions.py` |
| No file is read as a pickle: weights and checkpoints are safetensors, everything else is JSON or plain arrays. | malicious files; a search of the source | `pytest tests/training/test_checkpoints.py` |
| Several processes train to the same weights as one: the same batches, gradients summed over processes. | float64, three epochs, two and three processes, uneven last batches, masks with ignored pixels | `pytest tests/training/test_distributed.py` |
| When a process is killed, the launcher (`torchrun --max-restarts 2`) restarts all processes, and training resumes from the checkpoint and ends with the same bytes. | SIGKILL to one of two | `pytest tests/training/test_torchrun.py` |
| On a cluster every photo is predicted exactly once, even if a worker and then the driver is killed. Photos that cannot be read are listed in an error table. | 5,000 photos, three of them damaged, SIGKILL to a worker and to the driver; a bucket | `pytest tests/cluster/test_cluster.py` |
"""

KNOWN_LIMITS = """
## Known limits

- Results are the same byte for byte only on the same machine and device, with the same versions and the same numbers of threads and processes. A run resumed under other conditions prints a warning.
- With batch normalization, each process normalizes with the statistics of its own part of the batch (running statistics are averaged after every step). The weights then differ from those of one process; the table in "Two processes" shows the effect on the accuracy.
- Dropout draws different numbers in several processes than in one.
- SIGKILL and the out-of-memory killer end a process at once. The work since the last checkpoint (`--checkpoint-every`, 60 seconds by default) is repeated.
- Several machines need the launcher (`torchrun --nnodes …`) and a copy of the dataset each; only the first process needs the run folder. These tests ran without NCCL and without GPUs.
- On Windows, two processes that write to one run folder are not detected.
"""


def write(part: str, results: dict[str, Any]) -> None:
    """Store the results of one of the programs, and write the page.

    Args:
        part: `crash_test`, `checkpoint_chaos`, `distributed` or `load_test`.
        results: its results.
    """
    results_store.add_part("reliability", part, results, page)


def page(stored: dict[str, Any]) -> str:
    """Return the page."""
    parts = ["# Fault tolerance\n"]
    for part, section in SECTIONS.items():
        if part in stored:
            parts.append(section(stored[part]))
    parts += ["## Guarantees", GUARANTEES, KNOWN_LIMITS.lstrip()]
    return "\n".join(parts)


def _crash_test(results: dict[str, Any]) -> str:
    trials = results["trials"]
    hits = Counter(stage for one in trials for stage in one["killed"] if stage != "after the end")
    same = sum(one["identical"] for one in trials)
    rows = []
    for task in dict.fromkeys(one["task"] for one in trials):
        mine = [one for one in trials if one["task"] == task]
        killed = sum(stage != "after the end" for one in mine for stage in one["killed"])
        good = sum(one["identical"] for one in mine)
        least = wilson(good, len(mine)).low or 0.0
        rows.append(f"| {task} | {len(mine)} | {killed} | {good} of {len(mine)} (at least {100 * least:.1f} %) |")
    where = ", ".join(f"{count} {place}" for place, count in hits.most_common())
    return f"""## Crash-injection tests

`make test-crash` starts `seamline train` on small datasets, kills it with SIGKILL at a random moment, resumes it with `--resume`, and compares weights, history and all results of the evaluation byte for byte with those of an uninterrupted run. Half of the kills happen inside the process, at one of the {" or ".join(f"{calls:,} ({task})" for task, calls in results["calls"].items())} calls that write, flush, rename or remove a file: before the call, after it, or with half of the bytes written. A third of the trials are killed a second time. Checkpoints are written every 0.05 s.

| dataset | trials | kills | identical to the last byte |
| --- | --- | --- | --- |
{chr(10).join(rows)}

{same} of {len(trials)} in total, with 95 % Wilson intervals. {results.get("note", "")} Killed: {where}. {results["minutes"]:.0f} minutes, {results["machine"]}, Python {results["python"]}.
"""


_MODES = {
    "before": "killed before the event",
    "torn": "killed with half of the file written",
    "unsynced": "killed; everything that was not flushed to the disk is lost",
    "term": "SIGTERM, and SIGKILL five seconds later",
}


def _checkpoint_chaos(results: dict[str, Any]) -> str:
    rows, failed = [], []
    modes = {mode: results["modes"][mode] for mode in _MODES if mode in results["modes"]}
    for mode, result in modes.items():
        counts = result["verdicts"]
        others = ", ".join(f"{verdict} {count}" for verdict, count in counts.items() if verdict != "PASS") or "none"
        runs = sum(counts.values())
        rows.append(f"| {_MODES[mode]} | {result['events']} | {runs} | {counts.get('PASS', 0)} | {others} |")
        failed += result["failed"]
    minutes = sum(result["minutes"] for result in modes.values())
    return f"""## ckpt-chaos

`make test-chaos` lets [ckpt-chaos](https://github.com/rkb32/ckpt-chaos), an independent program, end trainings at file events of the run folder (files opened for writing, renamed and removed, folders made and removed) and resume them. The resumed run must have the same files and folders as that of a training that was not ended, with the same bytes; from `run.json`, `history.jsonl`, `integrity.json` and `report.html`, which contain times, only the history is compared, without its times. The training is a classifier of two classes on 40 images of 28 × 28 pixels, with two epochs of one step and a checkpoint after each step and each epoch, so that it also removes checkpoints. It writes all kinds of files but examples of masks and the analyses of filters and linear probes. The table lists for each mode how many of its events the mode applies to, and how many of these were tested. (ckpt-chaos notes PLAN DRIFT where the random name of a temporary file differs from that of the first training.) A training that is not resumed to the same results is a HARD_FAIL (an error) or a SILENT_DIVERGENCE (other results).

| training | events | tested | PASS | other verdicts |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

{minutes:.0f} minutes, {results["machine"]}, Python {results["python"]}.{f" Failed: {'; '.join(failed)}." if failed else ""}{results.get("note", "")}
"""


def _distributed(results: dict[str, Any]) -> str:
    rows = []
    for name, words in (
        ("one_process", "one process, two threads"),
        ("two_processes", "two processes, one thread each"),
    ):
        value, low, high = (100 * results[name]["val"][key] for key in ("value", "low", "high"))
        rows.append(f"| {words} | {value:.2f} % ({low:.2f} to {high:.2f}) | {results[name]['seconds']:.1f} s |")
    return f"""## Two processes

`python bench/distributed.py` trains the preset `fast`, which uses batch normalization, on Fashion-MNIST: in one process, and under `torchrun --nproc-per-node 2`.

| | validation accuracy (Wilson, 95 %) | training |
| --- | --- | --- |
{chr(10).join(rows)}

{results["machine"]}, Python {results["python"]}, seed 0. On one machine, threads are faster than processes; use several processes for several GPUs or machines.
"""


_REQUESTS = {
    "valid": "a photo of 1 megapixel as the request body",
    "form": "the same photo in a form",
    "pixel_bomb": "a PNG that claims 60,000 × 60,000 pixels",
    "large": "50 MB, with and without a Content-Length header",
    "invalid": "truncated forms, forms and bodies without a photo, text, half a photo",
    "foreign_host": "a foreign `Host`, a foreign `Origin`",
    "slow": "a body sent at one byte per second",
    "silent": "a connection that sends no request header, or half of one",
}
"""Kind -> description of its requests."""


def _load_test(results: dict[str, Any]) -> str:
    rows = []
    for kind, words in _REQUESTS.items():
        came = ", ".join(f"{outcome}: {count:,}" for outcome, count in results["outcomes"].get(kind, {}).items())
        rows.append(f"| {words} | {results['senders'][kind]} | {came} |")
    wrong = (
        "All responses were correct"
        if not results["errors"]
        else f"{len(results['wrong'])} or more were not correct: {results['wrong'][:3]}"
    )
    return f"""## Load test

`python bench/load_test.py` sends all of the following to `seamline serve facades` at the same time for {results["minutes"]:g} minutes, on the same machine. A response is correct if it equals the prediction for the same photo sent alone, or if it has the status for its fault; at its limit, the server responds with 503. {wrong}.

| request | concurrent senders | responses |
| --- | --- | --- |
{chr(10).join(rows)}

Memory: {results["before"] / 1e6:,.0f} MB at the start, {results["peak"] / 1e6:,.0f} MB peak, {results["first_quarter"] / 1e6:,.0f} MB peak in the first quarter of the time and {results["last_quarter"] / 1e6:,.0f} MB in the last. Response time of a prediction: {results["median_seconds"]:.2f} s (median), {results["slowest_seconds"]:.2f} s (maximum). At the end the server was {"running" if results["alive"] else "not running"}. After SIGTERM during a prediction it {"sent the response and exited with status 0" if results["drained"] else "did not finish the request"}. {results["machine"]}, Python {results["python"]}.
"""


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "crash_test": _crash_test,
    "checkpoint_chaos": _checkpoint_chaos,
    "distributed": _distributed,
    "load_test": _load_test,
}
"""Program -> its section of the page."""
