"""Several runs on the same test images -> one page that sets them side by side."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from seamline.errors import SeamlineError
from seamline.io import write_text
from seamline.measure.comparison import Changed, Compared, Comparison, compare_runs
from seamline.report import figures
from seamline.report.contents import Contents, read_contents
from seamline.report.drawing import inline_svg
from seamline.report.page import render
from seamline.report.words import ABSENT, count, listed, number, percent, plain, points, several

SHOWN = 40
"""Images that changed, shown in each table at most."""


def write_comparison(runs: Sequence[Path], out: Path) -> tuple[Path, list[str]]:
    """Compare runs with the first of them, and write a page.

    Args:
        runs: two or more measured run folders, tested on the same images.
        out: the page to write.

    Returns:
        The page, and what it says, sentence by sentence.

    Raises:
        SeamlineError: there are fewer than two, one is not measured, or they were not tested on the same images.
    """
    if len(runs) < 2:
        raise SeamlineError(f"a comparison needs two runs or more, got {len(runs)}")
    contents = [read_contents(run) for run in runs]
    names = _names(runs)
    found = [compare_runs(runs[0], run) for run in runs[1:]]
    told = [_told(names[0], name, one) for name, one in zip(names[1:], found, strict=True)]
    page = render(
        "compared.html",
        (),
        title=f"{names[0]} and {listed(names[1:])}",
        dataset=contents[0].run["dataset"]["title"],
        images=count(found[0].images),
        names=names,
        fields=_fields(contents),
        plots=_curves(names, contents),
        pairs=[_pair(name, one, sentences) for name, one, sentences in zip(names[1:], found, told, strict=True)],
    )
    try:
        write_text(out, page)
    except OSError as fault:
        raise SeamlineError(f"{out}: cannot be written ({fault.strerror}); name another place with --out") from fault
    return out, [sentence for sentences in told for sentence in sentences]


def _names(runs: Sequence[Path]) -> list[str]:
    """Return a short name for each run: its folder's, with as much of the path as tells them apart."""
    for depth in range(1, 8):
        names = ["/".join(run.absolute().parts[-depth:]) for run in runs]
        if len(set(names)) == len(names):
            return names
    raise SeamlineError(f"{runs[0]}: is named twice; a run is compared with others")


def _told(first: str, second: str, found: Comparison) -> list[str]:
    """Say what differs, as far as the intervals tell."""
    sentences = []
    whole = [one for one in found.figures if not one.of]
    for one in whole:
        if not one.sure:
            continue
        better = "better" if one.sure > 0 else "worse"
        sentences.append(
            f"{second} is {better} than {first} in {one.name}: {_value(one, one.second)} against "
            f"{_value(one, one.first)}, a difference of {_change(one)} ({_range(one)})."
        )
    if not sentences:
        told = next((one for one in whole if not math.isnan(one.change.low)), None)
        span = f": the interval of the difference in {told.name} is {_range(told)}" if told else ""
        sentences.append(
            f"No difference between {second} and {first} can be told on {count(found.images)} images{span}."
        )
    for sign, verb in ((1, "gained"), (-1, "lost")):
        classes = [one.of for one in found.figures if one.of and one.sure == sign]
        if classes:
            sentences.append(f"With {second} {listed(classes)} {verb}, beyond chance.")
    gained, lost = found.counts
    if found.figures and any(one.name == "log loss" for one in found.figures):
        sentences.append(
            f"{several(gained, 'image')} changed from wrong to right and {count(lost)} from right to wrong."
        )
    return sentences


def _in_percent(one: Compared) -> bool:
    """Tell how a figure is written: accuracies in percent, AP, IoU and losses as numbers."""
    return one.name.endswith("accuracy")


def _value(one: Compared, value: float) -> str:
    return percent(value) if _in_percent(one) else number(value)


def _change(one: Compared) -> str:
    """Print a difference with its sign."""
    if not _in_percent(one):
        return f"{one.change.value:+.3f}".replace("-", "−")
    return f"{'+' if one.change.value >= 0 else '−'}{points(abs(one.change.value))}"


def _range(one: Compared) -> str:
    """Print a difference's interval."""
    low, high = one.change.low, one.change.high
    if math.isnan(low):
        return "no interval"
    scale, digits = (100, 1) if _in_percent(one) else (1, 3)
    return f"{scale * low:+.{digits}f} to {scale * high:+.{digits}f}".replace("-", "−")


def _fields(contents: Sequence[Contents]) -> list[tuple[str, list[str]]]:
    """Return what differs in how the runs were made: name, and a value a run."""
    made = []
    for run in contents:
        network, learned = run.run["network"], run.run["dataset"].get("train")
        fields: dict[str, Any] = {
            "recipe": run.run["recipe_name"],
            "network": network.get("name"),
            "weights": count(network["parameters"]) if network.get("parameters") else None,
            "seed": run.run.get("seed"),
            **{key: value for key, value in run.run["recipe"].items() if key != "network"},
            "training images": None if learned is None else count(learned),
            "epochs trained": len(run.history),
            "seconds of training": f"{sum(one.get('seconds') or 0 for one in run.history):.1f}",
        }
        made.append(fields)
    keys = list(dict.fromkeys(key for fields in made for key in fields))
    rows = [
        (key.replace("_", " "), [ABSENT if fields.get(key) is None else plain(fields[key]) for fields in made])
        for key in keys
    ]
    return [(key, values) for key, values in rows if len(set(values)) > 1]


def _curves(names: Sequence[str], contents: Sequence[Contents]) -> list[str]:
    """Draw the validation curves of all runs over each other."""
    most = max(len(run.history) for run in contents)
    epochs = list(range(1, most + 1))
    plots = []
    for key, title, share in (("val_loss", "Validation loss", False), ("val_accuracy", "Validation accuracy", True)):
        series = {name: _padded(run.history, key, most) for name, run in zip(names, contents, strict=True)}
        shortened = {name if len(name) <= 16 else f"…{name[-15:]}": values for name, values in series.items()}
        draw = partial(figures.curves, epochs=epochs, series=shortened, title=title, share=share)
        plots.append(inline_svg(draw, key.replace("_", "-"), f"{title} of {listed(list(names))} over the epochs."))
    return plots


def _padded(history: Sequence[Mapping[str, Any]], key: str, most: int) -> list[float]:
    values = [float("nan") if one[key] is None else float(one[key]) for one in history]
    return values + [float("nan")] * (most - len(values))


def _pair(name: str, found: Comparison, sentences: list[str]) -> dict[str, Any]:
    """Prepare what the page shows of one run beside the first."""
    rows = [
        {
            "name": one.name,
            "of": one.of,
            "first": _value(one, one.first),
            "second": _value(one, one.second),
            "change": ABSENT if math.isnan(one.change.value) else _change(one),
            "range": _range(one),
            "sure": one.sure,
        }
        for one in found.figures
    ]
    labels = any(one.true for one in (*found.gained, *found.lost))
    return {
        "name": name,
        "sentences": sentences,
        "rows": rows,
        "labels": labels,
        "changed": [
            _images("From wrong to right" if labels else "Most better", found.gained, found.counts[0]),
            _images("From right to wrong" if labels else "Most worse", found.lost, found.counts[1]),
        ],
    }


def _images(title: str, images: Sequence[Changed], total: int) -> dict[str, Any]:
    return {"title": title, "images": images[:SHOWN], "more": max(0, total - SHOWN), "total": count(total)}
