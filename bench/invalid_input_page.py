"""docs/measurements/input-validation.md, from the results of fuzz.py and invalid_input.py."""

from collections.abc import Mapping
from typing import Any

import results_store


def store(part: str, results: dict[str, Any]) -> None:
    """Store the results of one of the programs, and write the page.

    Args:
        part: `fuzz` or `inputs`.
        results: its results.
    """
    results_store.add_part("input-validation", part, results, page)


def page(stored: Mapping[str, Any]) -> str:
    """Return the page."""
    parts = [
        "# Input validation\n",
        "Every file is either read or rejected with a one-line error that names the file, what is wrong and the fix; "
        "a traceback is a bug. `make fuzz` writes this page and `bench/results/input-validation.json`.\n",
    ]
    if "fuzz" in stored:
        parts.append(_fuzz(stored["fuzz"]))
    if "inputs" in stored:
        parts.append(_inputs(stored["inputs"]))
    return "\n".join(parts)


def _fuzz(results: Mapping[str, Any]) -> str:
    readers = results["readers"].values()
    files, worked, refused, defects = (
        sum(reader[key] for reader in readers) for key in ("files", "read", "rejected", "defect")
    )
    lines = [
        f"| {reader['title']} | {reader['files']:,} | {reader['read']:,} | {reader['rejected']:,} | {reader['defect']:,} "
        f"| {reader['slowest']:.1f} s | {reader['peak'] / 2**20:.0f} MiB |"
        for reader in readers
    ]
    peak = max(reader["peak"] for reader in readers) / 2**20
    return f"""## Fuzzing

`python bench/fuzz.py` mutates valid files and passes them to the readers: bits flipped; bytes overwritten, truncated, removed, repeated; files spliced together; sizes in headers changed (with matching checksums); JSON with values of other types, missing keys, numbers of 400 digits, NaN, lists nested {_depth()} deep; tables with unusual separators, quotes and encodings; tensors and arrays of other shapes. Each file is a function of the seed and its index. Child processes read the files; a file may take 10 s (30 s for a report) and 1 GiB of memory, including the process and its libraries.

| reader | files | read | one-line error | other outcome | slowest | peak memory |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(lines)}

{files:,} files in total: {worked:,} read, {refused:,} rejected, {defects:,} other outcomes; peak memory {peak:.0f} MiB. Seed {results["seed"]}, {results["seconds"]:,.0f} s, {results["machine"]}, Python {results["python"]}.
"""


def _depth() -> str:
    from mutations import DEPTH

    return f"{DEPTH:,}"


def _inputs(results: Mapping[str, Any]) -> str:
    parts = [
        "## Error messages\n",
        "`python bench/invalid_input.py` creates each input and passes it to the function or command that reads it. Messages "
        "are verbatim, with shortened paths; a status is the exit status of the command. "
        f"{results['machine']}, Python {results['python']}.\n",
    ]
    for title, rows in results["rows"].items():
        lines = [f"| {_cell(title_of_input)} | {_cell(line)} |" for title_of_input, line in rows]
        parts.append("\n".join([f"### {title}\n", "| input | result |", "| --- | --- |", *lines, ""]))
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Return a text as a table cell."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
