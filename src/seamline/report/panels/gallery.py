"""Show me: for each class the images that were confused with others, in both directions."""

from typing import Any

from seamline.report.contents import SPLITS, Contents, Example
from seamline.report.panels.panel import Panel
from seamline.report.pictures import Sheet, example_sheet
from seamline.report.words import count, several, surely

WRONG = 8
"""Wrong answers shown a class."""


def gallery(run: Contents) -> Panel | None:
    """Show one image labelled right, and the most confidently wrong ones, of each class."""
    if not run.answers:
        return None
    split = next(iter(run.answers))
    answers, sheet = run.answers[split], example_sheet(run.answers[split])
    rows = []
    for place, name in enumerate(run.classes):
        column, line = answers.confusion[:, place], answers.confusion[place]
        right = sheet.cells.get((place, place), ())[:1]
        rows.append(
            {
                "name": name,
                "place": place,
                "right": [_shot(one, sheet, name) for one in right],
                "taken_for": _wrong(sheet, place, run.classes, of_class=True),
                "missed": int(line.sum() - line[place]),
                "images": int(line.sum()),
                "mistaken": _wrong(sheet, place, run.classes, of_class=False),
                "intruders": int(column.sum() - column[place]),
            }
        )
    values = {"rows": rows, "split": split, "split_title": SPLITS[split], "sentence": _sentence(run, split, sheet)}
    return Panel("gallery", "Show me", values)


def _shot(example: Example, sheet: Sheet, caption: str) -> dict[str, Any]:
    """Prepare one image: where it stands on its sheet, and what is printed below it."""
    row, column = divmod(example.place, sheet.columns)
    return {
        "row": row,
        "column": column,
        "name": example.name,
        "caption": caption,
        "surely": surely(example.confidence),
    }


def _wrong(sheet: Sheet, place: int, classes: tuple[str, ...], *, of_class: bool) -> list[dict[str, Any]]:
    """Gather the wrong answers for one class, most confident first.

    Args:
        sheet: the examples.
        place: the class's number.
        classes: the class names.
        of_class: True for images of the class with what they were taken for; False for images taken for the class
            with what they truly are.
    """
    found = [
        example
        for (true, predicted), examples in sheet.cells.items()
        if true != predicted and place == (true if of_class else predicted)
        for example in examples
    ]
    found.sort(key=lambda one: (-one.confidence, one.place))
    return [_shot(one, sheet, classes[one.predicted if of_class else one.true]) for one in found[:WRONG]]


def _sentence(run: Contents, split: str, sheet: Sheet) -> str:
    """Name the most confident wrong answer."""
    wrong = [one for (true, predicted), cell in sheet.cells.items() if true != predicted for one in cell]
    if not wrong:
        return f"All {SPLITS[split]} images shown were labelled right."
    worst = max(wrong, key=lambda one: one.confidence)
    stated = surely(worst.confidence).replace(">", "over ")
    sure = sum(one.confidence >= 0.9 for one in wrong)
    return (
        f"The most confident wrong answer is {worst.name}: truly {run.classes[worst.true]}, taken for "
        f"{run.classes[worst.predicted]} with {stated}. Of the {several(len(wrong), 'wrong answer')} kept in this "
        f"page, {count(sure)} were given with 90\u00a0% or more."
    )
