"""The page of the claims, in Markdown, from finished sweeps."""

from collections.abc import Mapping, Sequence

from seamline.evaluation.sweep import read_sweep
from seamline.evaluation.text import pluralize
from seamline.report.formatting import duration, setting
from seamline.run_folder import SweepFolder
from seamline.study.verdicts import MARGIN, ClaimResult, Effect

_METHOD = (
    "The course study draws conclusions from one run each. Here each claim is tested with several seeds, with the "
    "network and the settings of the preset `original`, but 10 epochs instead of 50 on garments, and facades at half "
    "or a quarter of their size. Nothing was chosen on test images, which were evaluated once for each run.",
    "Each difference has two 95 % intervals: one over seeds, and one over the test images, which all settings share. "
    "A claim is *confirmed* or *refuted* only where both say so; otherwise these images do not decide it.\n\n"
    "- That something is better, worse or more frequent is confirmed where both intervals lie on the side of 0 that is "
    "claimed, and refuted where both lie on the other side.\n"
    "- That something did not help is confirmed where both intervals exclude an improvement of "
    f"{MARGIN:g} (one percentage point of recall) or more, and refuted where both lie on the side of an "
    "improvement.\n"
    "- That something helped substantially is confirmed where both intervals exclude every improvement of less than "
    f"{MARGIN:g}, and refuted where both exclude every larger one.\n\n"
    f"The margin of {MARGIN:g} was set before the runs; the rule that a substantial improvement exceeds it was added "
    "after them.",
    "Over seeds, intervals are paired t intervals with a standard deviation of at least what one label changes; over "
    "images, they are bootstrap intervals over groups of related images; where more than five are corrected together, "
    "those for 95 % are widened as intervals of a normal distribution. Average precision needs the scores of all "
    "pixels, which are not stored, so the interval over images is that of IoU instead. Holm's procedure corrects the "
    "comparisons of the settings of a sweep, and those of Shirt with each other class, separately for each metric and "
    "for intervals over seeds and over images. The change from full to half resolution is a single comparison and is "
    "not corrected.",
    "Claim 2 needs each larger kernel to be worse, and the first part of claim 6 each other class to have a higher "
    "recall. The accuracy of pillars in claim 5 is their recall. Claim 7 is measured on validation images; it needs a "
    "class whose t interval over seeds, corrected for the number of classes, and Wilson interval in each run, "
    "uncorrected, are above 60 %.",
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
        *_METHOD,
        *(f"**{notice}**" for notice in notices),
        "| | claim | verdict |\n| --- | --- | --- |\n"
        + "\n".join(f"| {one.number} | {one.claim} | {_verdicts(one)} |" for one in results),
        *(_section(one) for one in results),
        "## Runs",
        "`seamline reproduce --claims` trains all runs and judges the claims.",
        "| sweep | images | settings | seeds | runs | failed | time of all runs |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(_row(*pair) for pair in folders.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _verdicts(one: ClaimResult) -> str:
    """Return the verdict on a claim, or that on each of its parts."""
    return "; ".join(f"{part.name}: **{part.verdict}**" if part.name else f"**{part.verdict}**" for part in one.parts)


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
        f"{len(results.runs)} | {failed} | {duration(seconds)} on {first.machine}, {info.jobs} at a "
        f"time with {pluralize(first.threads, 'thread')} |"
    )


def _notice(folder: SweepFolder) -> str | None:
    """Return the sentence about synthetic images, where these are some."""
    return read_sweep(folder).runs[0].info.notice
