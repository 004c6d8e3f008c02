"""The index page of `reproduce`: figures of the study beside those of the runs, and where each is told."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from seamline.evaluation.text import decimal, join_and, percent, pluralize
from seamline.report.index_page import ComparisonRow, ComparisonTable, write_index
from seamline.run_folder import ABSENT, Estimate, Finding, Metrics, RunFolder
from seamline.study.findings import REFERENCE_IMAGES, REQUIRED_AP
from seamline.study.measures import MEASURES
from seamline.study.reasons import REASONS, SANDAL, SHIRT, TROUSER

TITLE = "Classification and Segmentation: a course study reproduced"

INTRODUCTION = (
    "The study is a course project by Sofie Yang, CS 194-26, UC Berkeley, 2020. Its figures stand beside those of the "
    "runs below; each link leads to the panel of a report that tells more. The study states no intervals, and each of "
    "its conclusions rests on one run; to test them with several seeds, run seamline reproduce --claims."
)

EASIEST = (TROUSER, SANDAL, "Bag")

_NOT_KNOWN = "not preserved"


def write_overview(folder: Path, runs: Sequence[Path], others: Sequence[Path]) -> Path:
    """Write the index page of the study.

    Args:
        folder: where `index.html` is written.
        runs: folders of the runs that repeat the study, garments or facades or both.
        others: further runs that are linked.

    Returns:
        The path of the page.
    """
    tables = [comparison(RunFolder(run), run.relative_to(folder).as_posix()) for run in runs]
    return write_index(folder, [*runs, *others], title=TITLE, introduction=INTRODUCTION, tables=tables)


def comparison(run: RunFolder, address: str) -> ComparisonTable:
    """Return the figures of the study beside those of a run that repeats one of its parts.

    Args:
        run: an evaluated run.
        address: path of its folder, relative to the page.
    """
    info = run.info.read()
    garments = info.task == "classification"
    rows = (_garments if garments else _facades)(run.metrics.read(), {one.name: one for one in run.findings.read()})
    note = f"Preset {info.preset}, {info.dataset.title}."
    if info.dataset.synthetic:
        note += " A program drew these images, so the figures cannot be compared with those of the study."
    return ComparisonTable(
        title="Part 1: garments" if garments else "Part 2: facades",
        note=note,
        columns=("", "study", "this run"),
        rows=tuple(
            ComparisonRow(name, study, own, f"{address}/report.html#{panel}") for name, study, own, panel in rows if own
        ),
    )


_Rows = Iterable[tuple[str, str, str, str]]
"""What is compared, the study's figure, that of the run (empty where it has none), and the panel that tells more."""


def _garments(metrics: Metrics, findings: dict[str, Finding]) -> _Rows:
    """Return the figures of the garment classifier."""
    train, val, test = metrics.train, metrics.val, metrics.held_out
    yield "Training accuracy", "94.8 %", _percent(train.overall.get("accuracy", ABSENT)), "training"
    yield "Training loss", "0.134", _decimal(train.overall.get("log_loss", ABSENT)), "training"
    yield "Validation accuracy", "91.2 %", _percent(val.overall.get("accuracy", ABSENT)), "training"
    yield "Validation loss", "0.277", _decimal(val.overall.get("log_loss", ABSENT)), "training"
    yield "Test accuracy", _NOT_KNOWN, _percent(test.overall.get("accuracy", ABSENT)), "confusion"
    recalls = {name: one.get("recall", ABSENT) for name, one in test.per_class.items()}
    if SHIRT in recalls:
        yield f"Recall of {SHIRT}, the hardest class", "73 %", _percent(recalls[SHIRT]), "classes"
    if confused := findings.get("confused_with"):
        predicted = join_and(list(confused.values["predicted_as"]))
        own = f"{confused.values['class']} most often as {predicted}"
        yield "Hardest class is predicted as", "T-shirt/top and Coat", own, "confusion"
    for name in EASIEST:
        if name in recalls:
            yield f"Recall of {name}, an easiest class", "98 %", _percent(recalls[name]), "classes"
    if layer1 := findings.get("layer1_recall"):
        classes = layer1.values["classes"]
        number = pluralize(len(classes), "class", "classes") if classes else "no class"
        own = f"on {number} significantly above 60 %"
        yield "Layer 1 alone", "60 % on some classes, such as Bag", own, "linear_probes"
    if types := findings.get("filter_types"):
        edges = {name: _percent(_estimate(of["edges"])) for name, of in types.values.items()}
        yield "Filters of layer 1 that are edges", "many", edges.get("layer 1", ""), "kernels"
        uniform = _percent(_estimate(types.values.get("layer 2", {}).get("nearly_uniform", ABSENT)))
        yield "Filters of layer 2 that are nearly uniform", "some are almost uniform", uniform, "kernels"
    for name, text, _ in REASONS:
        if name in findings:
            yield text, "stated", findings[name].values["verdict"], "why"


def _facades(metrics: Metrics, findings: dict[str, Finding]) -> _Rows:
    """Return the figures of the facade segmenter."""
    test, notes = metrics.held_out, {one.name: one.note for of in REFERENCE_IMAGES.values() for one in of}
    best = findings["reference_comparison"].values["references"] if "reference_comparison" in findings else {}
    others = f"; best course results {join_and([f'{value:g}' for value in best.values()])}" if best else ""
    study = f"{_NOT_KNOWN}; the course required {REQUIRED_AP:g}{others}"
    yield "Mean average precision, by logits", study, _decimal(test.overall.get("mean_ap", ABSENT)), "pr_curves"
    pillar = test.per_class.get("pillar", {})
    wrong = _text("precision", pillar.get("precision", ABSENT))
    yield "Pillars", "also predicted where there are none", wrong, "classes"
    for title, name in (("Windows", "window"), ("Balconies", "balcony")):
        own = _text("average precision", test.per_class.get(name, {}).get("ap", ABSENT))
        yield title, "works on regular ones", own, "classes"
    if ranks := findings.get("reference_ranks"):
        for name, one in ranks.values.items():
            own = f"rank {one['rank']} by mean IoU ({one['mean_iou']:.3f})"
            yield name, notes.get(name, ""), own, "examples"
    if measures := findings.get(MEASURES):
        drawn = measures.values.get("drawn", {})
        if "pillar_recall_middles" in drawn:
            middles, ends = (100 * drawn[f"pillar_recall_{part}"] for part in ("middles", "ends"))
            own = f"on a drawn front {middles:.0f} % of middles, {ends:.0f} % of ends"
            yield "Pillars of an own photo", "middles found, ends missed", own, "measures"


def _percent(estimate: Estimate) -> str:
    return percent(estimate) if estimate.present else ""


def _decimal(estimate: Estimate) -> str:
    return decimal(estimate) if estimate.present else ""


def _text(metric: str, estimate: Estimate) -> str:
    """Return a metric of a class as text; average precision as a decimal."""
    if not estimate.present:
        return ""
    return f"{metric} {decimal(estimate) if metric == 'average precision' else percent(estimate)}"


def _estimate(value: object) -> Estimate:
    """Return an estimate among the values of a finding, which are read as a dict."""
    return value if isinstance(value, Estimate) else Estimate(**value)  # type: ignore[arg-type]
