"""docs/measurements/reliability.md, from what bench/torture.py, bench/together.py and bench/under_fire.py found."""

from collections import Counter
from typing import Any

import results_store
from seamline.measure.intervals import wilson

PROMISES = """
| promise | how it is tested | command |
| --- | --- | --- |
| A training that stopped anywhere goes on to the same bytes: weights, optimizer, schedule, best weights so far, place in the data. What is chance depends on seed, epoch, step and image alone, so there is no generator to keep. | killed at random moments, see above; after every optimizer, with dropout, at every step | `make test-crash`, `pytest tests/test_interruptions.py tests/learn/test_training.py` |
| Ctrl-C and SIGTERM end the step, keep a checkpoint and print the command that goes on (status 130 and 143); a second one stops at once. | signals to the real command and in the middle of steps; the printed command is run | `pytest tests/test_interruptions.py` |
| A checkpoint is written to a temporary name, flushed and renamed, and so is its folder's entry; two are kept; one whose checksum does not fit is named and the one before it used. The newest is told by its number, not by a clock. | a bit flipped, a byte cut off, dates in the wrong order | `pytest tests/learn/test_checkpoints.py tests/test_interruptions.py` |
| A changed recipe, dataset or seed is refused, with what differs. | each of them | `pytest tests/test_interruptions.py` |
| A full disk costs no checkpoint that is there: training goes on and says so; where the weights cannot be written it ends in one line, and goes on once there is room. | a limit on the size of files (RLIMIT_FSIZE) | `pytest tests/test_interruptions.py` |
| Too little memory is one line with a smaller batch and the numbers. | a limit on memory (RLIMIT_AS) | `pytest tests/test_interruptions.py` |
| A run folder belongs to one process; a folder that may not be written to is told before long work. | two processes; another user | `pytest tests/learn/test_runs.py tests/test_interruptions.py` |
| No pickle is ever read: weights and checkpoints are safetensors, the rest is JSON or plain arrays. | malicious files; a search of the source | `pytest tests/learn/test_checkpoints.py` |
| Several processes come to the weights of one: the same batches, sums over processes. | float64, three epochs, two and three processes, uneven last batches, masks with pixels that do not count | `pytest tests/learn/test_processes.py` |
| A worker that is killed is started again by the launcher, and the training goes on from its checkpoint to the same bytes. | SIGKILL to one of two | `pytest tests/test_together.py` |
| On a cluster every photo is predicted once, although a worker and then the whole call is killed; bad photos land in an error table. | 5,000 photos, three bad, SIGKILL to a worker and to the driver; a bucket | `pytest tests/cluster/test_cluster.py` |
"""

LIMITS = """
## Where the promises end

- Bit for bit means: the same machine, device, versions and numbers of threads and processes. A run that goes on elsewhere says so.
- With batch normalisation each of several processes normalises with the statistics of its own part of a batch (the running ones are averaged after every step), so its weights differ from those of one process; the table above shows by how much the figures do.
- Dropout draws other numbers in several processes than in one.
- SIGKILL, and the kernel when memory runs out, end a process without a word: what was done since the last checkpoint (`--checkpoint-every`, 60 by default) is done again.
- Several machines need the launcher (`torchrun --nnodes …`) and each the dataset; only the first process needs the run folder. NCCL and GPUs were not at hand for these tests.
- Windows has no locks on folders; there two processes on one run are not noticed.
"""


def write(part: str, figures: dict[str, Any]) -> None:
    """Keep what one of the programs found, and write the page anew.

    Args:
        part: `torture`, `together` or `fire`.
        figures: what it found.
    """
    results_store.add_part("reliability", part, figures, page)


def page(known: dict[str, Any]) -> str:
    """Return the page."""
    parts = ["# Nothing is lost\n"]
    if "torture" in known:
        parts.append(_torture(known["torture"]))
    if "together" in known:
        parts.append(_together(known["together"]))
    if "fire" in known:
        parts.append(_fire(known["fire"]))
    parts += ["## The promises", PROMISES, LIMITS.lstrip()]
    return "\n".join(parts)


def _torture(found: dict[str, Any]) -> str:
    trials = found["trials"]
    hits = Counter(place for one in trials for place in one["killed"] if place != "too late")
    same = sum(one["same"] for one in trials)
    rows = []
    for task in dict.fromkeys(one["task"] for one in trials):
        mine = [one for one in trials if one["task"] == task]
        killed = sum(place != "too late" for one in mine for place in one["killed"])
        good = sum(one["same"] for one in mine)
        least = wilson(good, len(mine)).low or 0.0
        rows.append(f"| {task} | {len(mine)} | {killed} | {good} of {len(mine)} (at least {100 * least:.1f} %) |")
    where = ", ".join(f"{count} {place}" for place, count in hits.most_common())
    return f"""## Killed at random

`make test-crash` starts `seamline train` on small sets, kills it with SIGKILL at a random moment, lets it go on with `--resume`, and compares weights, figures, findings and history with those of a training that nobody stopped, byte for byte. Half of the kills come from inside, at one of the {" or ".join(f"{calls:,} ({task})" for task, calls in found["calls"].items())} calls that write, flush, rename or remove a file: before it, after it, or with half of the bytes written. A third of the trials is killed a second time. Checkpoints were written every 0.05 s.

| task | trials | kills | the same to the last byte |
| --- | --- | --- | --- |
{chr(10).join(rows)}

{same} of {len(trials)} in all; the interval is Wilson's, 95 %. {found.get("note", "")} Hit: {where}. {found["minutes"]:.0f} minutes, {found["machine"]}, Python {found["python"]}.
"""


def _together(found: dict[str, Any]) -> str:
    rows = []
    for name, words in (("one", "one process, two threads"), ("two", "two processes, one thread each")):
        value, low, high = (100 * found[name]["val"][key] for key in ("value", "low", "high"))
        rows.append(f"| {words} | {value:.2f} % ({low:.2f} to {high:.2f}) | {found[name]['seconds']:.1f} s |")
    return f"""## Two processes

`python bench/together.py` trains the `fast` recipe, which has batch normalisation, on the real garments: alone, and under `torchrun --nproc-per-node 2`.

| | validation accuracy (Wilson, 95 %) | training |
| --- | --- | --- |
{chr(10).join(rows)}

{found["machine"]}, Python {found["python"]}, seed 0. On one machine threads are quicker than processes; processes are for several GPUs or machines.
"""


_SENT = {
    "good": "a photo of 1 megapixel as the body",
    "form": "the same in a form",
    "bomb": "a PNG that claims 60,000 × 60,000 pixels",
    "large": "50 MB, with and without saying so first",
    "broken": "forms cut off, forms and bodies without a photo, text, half a photo",
    "stranger": "another `Host`, another `Origin`",
    "slow": "a body of one byte a second",
    "silent": "a connection with no or half a head",
}
"""Kind -> what it sends."""


def _fire(found: dict[str, Any]) -> str:
    rows = []
    for kind, words in _SENT.items():
        came = ", ".join(f"{outcome}: {count:,}" for outcome, count in found["outcomes"].get(kind, {}).items())
        rows.append(f"| {words} | {found['senders'][kind]} | {came} |")
    wrong = (
        "None was wrong" if not found["wrong"] else f"{len(found['wrong'])} or more were wrong: {found['wrong'][:3]}"
    )
    return f"""## Served under fire

`python bench/under_fire.py` loads `seamline serve facades` for {found["minutes"]:g} minutes with all of this at once, on the machine that serves. An answer counts as right where it is the one that the same photo got alone, or the status that its fault asks for; 503 is what a full server says. {wrong}.

| what is sent | senders at once | answers |
| --- | --- | --- |
{chr(10).join(rows)}

Memory: {found["before"] / 1e6:,.0f} MB before, {found["peak"] / 1e6:,.0f} MB at most, {found["first_quarter"] / 1e6:,.0f} MB at most in the first quarter of the time and {found["last_quarter"] / 1e6:,.0f} MB in the last. A right answer took {found["median_seconds"]:.2f} s (median; {found["slowest_seconds"]:.2f} s at most). The server was {"there" if found["alive"] else "gone"} at the end; SIGTERM with a photo at work: {"the answer came and the status was 0" if found["drained"] else "not drained"}. {found["machine"]}, Python {found["python"]}.
"""
