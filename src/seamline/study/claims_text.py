"""The page of the claims, in Markdown, from finished sweeps."""

from collections.abc import Mapping, Sequence

from seamline.evaluation.sweep import read_sweep
from seamline.evaluation.text import pluralize
from seamline.report.formatting import duration, setting
from seamline.run_folder import SweepFolder
from seamline.study.verdicts import MARGIN, ClaimResult, Effect

_METHOD = (
    "The course study draws conclusions from one run each. Here each claim is tested with several seeds, with the "
    "network and the settings of the preset `original`. A claim is *confirmed* or *refuted* where the interval "
    "over seeds and the interval over the same test images both exclude 0; otherwise these images do not decide "
    f"it. That something did not help is confirmed where both intervals exclude an improvement of {MARGIN:g}, a "
    "point of a percentage; this margin was set before the runs. Intervals are 95 % intervals: over seeds paired "
    "t intervals with a standard deviation of at least what one label changes, over images a bootstrap over groups of "
    "related images, both corrected by Holm's procedure for the comparisons of a sweep. Nothing was chosen on test "
    "images, which were evaluated once for each run."
)


def claims_page(results: Sequence[ClaimResult], folders: Mapping[str, SweepFolder]) -> str:
    """Return the page.

    Args:
        results: the claims and their verdicts.
        folders: the folders of the sweeps, by name.
    """
    notices = dict.fromkeys(filter(None, (_notice(folder) for folder in folders.values())))
    parts = [
        "# The claims of the study",
        _METHOD,
        *(f"**{notice}**" for notice in notices),
        "| | claim | verdict |\n| --- | --- | --- |\n"
        + "\n".join(f"| {one.number} | {one.claim} | **{one.verdict}** |" for one in results),
        *(_section(one) for one in results),
        "## Runs",
        "`seamline reproduce --claims` trains all runs and writes this page.",
        "| sweep | images | settings | seeds | runs | failed | time of all runs |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(_row(*pair) for pair in folders.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(one: ClaimResult) -> str:
    """Return the section of a claim: its sentence, and a table of effects."""
    lines = [f"## {one.number}. {one.claim}", one.sentence]
    if one.effects:
        rows = ["| effect | over seeds | over images |", "| --- | --- | --- |"]
        rows += [f"| {each.what} | {_cell(each, images=False)} | {_cell(each, images=True)} |" for each in one.effects]
        lines.append("\n".join(rows))
    return "\n\n".join(lines)


def _cell(one: Effect, *, images: bool) -> str:
    """Return the difference of an effect over seeds or over images."""
    return one.parts[int(images)] or "not measured"


def _row(name: str, folder: SweepFolder) -> str:
    """Return the row of a sweep."""
    results = read_sweep(folder)
    info, first = results.info, results.runs[0].info
    failed = sum(run.state == "failed" for run in info.runs)
    seconds = sum(run.seconds for run in info.runs)
    names = "; ".join(f"`{one.name}`" for one in info.settings)
    fixed = "".join(f", {key} {setting(value)}" for key, value in info.fixed.items())
    height, width = first.model.input_size[:2]
    return (
        f"| {name} | {first.dataset.title}, {width} x {height}{fixed} | {names} | {len(info.seeds)} | "
        f"{pluralize(len(results.runs), 'run')} | {failed} | {duration(seconds)} on {first.machine}, {info.jobs} at a "
        f"time with {pluralize(first.threads, 'thread')} |"
    )


def _notice(folder: SweepFolder) -> str | None:
    """Return the sentence about synthetic images, where these are some."""
    return read_sweep(folder).runs[0].info.notice
