"""docs/measurements/input-validation.md, from what bench/fuzz.py and bench/invalid_input.py found."""

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
        "# Input validation\n",
        "Every file is either read or rejected with a one-line error that names the file, what is wrong and the fix; "
        "a traceback is a bug. `make fuzz` writes this page and `bench/results/input-validation.json`.\n",
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
    return f"""## Fuzzing

`python bench/fuzz.py` mutates valid files and passes them to the readers: bits flipped; bytes overwritten, truncated, removed, repeated; files spliced together; sizes in headers changed (with matching checksums); JSON with values of other types, missing keys, numbers of 400 digits, NaN, lists nested {_deep()} deep; tables with unusual separators, quotes and encodings; tensors and arrays of other shapes. Each file is a function of the seed and its index. Child processes read them under supervision; a file may take 10 s (30 s for a report) and 1 GiB of memory, including the process and its libraries.

| reader | files | read | one-line error | anything else | slowest | peak memory |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(lines)}

{files:,} files in total: {worked:,} read, {refused:,} rejected, {wrong:,} anything else; peak memory {peak:.0f} MiB. Seed {found["seed"]}, {found["seconds"]:,.0f} s, {found["machine"]}, Python {found["python"]}.
"""


def _deep() -> str:
    from mutations import DEEP

    return f"{DEEP:,}"


def _inputs(found: Mapping[str, Any]) -> str:
    parts = [
        "## Error messages\n",
        "`python bench/invalid_input.py` creates each input and passes it to the function or command that reads it. Messages "
        "are verbatim except that paths are shortened; a status is the exit status of the command. "
        f"{found['machine']}, Python {found['python']}.\n",
    ]
    for title, rows in found["rows"].items():
        lines = [f"| {_cell(what)} | {_cell(line)} |" for what, line in rows]
        parts.append("\n".join([f"### {title}\n", "| input | result |", "| --- | --- |", *lines, ""]))
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Return a text as a cell of a table holds it."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
