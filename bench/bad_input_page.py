"""docs/measurements/input-validation.md, from what bench/fuzz.py and bench/bad_input.py found."""

from collections.abc import Mapping
from typing import Any

import results_store


def keep(part: str, figures: dict[str, Any]) -> None:
    """Keep what one of the programs found, and write the page anew.

    Args:
        part: `fuzz` or `inputs`.
        figures: what it found.
    """
    results_store.add_part("input-validation", part, figures, page)


def page(known: Mapping[str, Any]) -> str:
    """Return the page."""
    parts = [
        "# Bad input\n",
        "Whatever a file holds, it is read or refused in one line that names it, says what was found and what to do; "
        "a traceback is a defect. `make fuzz` makes this page and `bench/results/input-validation.json`.\n",
    ]
    if "fuzz" in known:
        parts.append(_fuzz(known["fuzz"]))
    if "inputs" in known:
        parts.append(_inputs(known["inputs"]))
    return "\n".join(parts)


def _fuzz(found: Mapping[str, Any]) -> str:
    readers = found["readers"].values()
    files, worked, refused, wrong = (
        sum(one[key] for one in readers) for key in ("files", "worked", "refused", "defect")
    )
    lines = [
        f"| {one['title']} | {one['files']:,} | {one['worked']:,} | {one['refused']:,} | {one['defect']:,} "
        f"| {one['slowest']:.1f} s | {one['peak'] / 2**20:.0f} MiB |"
        for one in readers
    ]
    peak = max(one["peak"] for one in readers) / 2**20
    return f"""## Damaged by chance

`python bench/fuzz.py` damages whole files and gives them to the readers: bits flipped, bytes set, cut off, cut out, repeated, spliced with other files, sizes in headers changed (with checksums that fit again), JSON with values of other kinds, keys missing, numbers of 400 digits, NaN, lists {_deep()} deep, tables with odd separators, quotes and encodings, tensors and arrays of other shapes. Each file is a function of the seed and its own number. They are read in processes that are watched from outside; a file may take 10 s (30 s where a page is drawn) and 1 GiB of memory, the process and its libraries included.

| reader | files | read | refused in one line | anything else | slowest | most memory |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(lines)}

{files:,} files in all: {worked:,} read, {refused:,} refused, {wrong:,} anything else; at most {peak:.0f} MiB. Seed {found["seed"]}, {found["seconds"]:,.0f} s, {found["machine"]}, Python {found["python"]}.
"""


def _deep() -> str:
    from mutations import DEEP

    return f"{DEEP:,}"


def _inputs(found: Mapping[str, Any]) -> str:
    parts = [
        "## What bad input gets\n",
        "`python bench/bad_input.py` makes each input and gives it to the function or command that meets it. The lines "
        "stand as they were said, their paths cut short; a status is that of the command. "
        f"{found['machine']}, Python {found['python']}.\n",
    ]
    for title, rows in found["rows"].items():
        lines = [f"| {_cell(what)} | {_cell(line)} |" for what, line in rows]
        parts.append("\n".join([f"### {title}\n", "| input | what it gets |", "| --- | --- |", *lines, ""]))
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Return a text as a cell of a table holds it."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
