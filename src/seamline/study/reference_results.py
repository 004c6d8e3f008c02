"""The best documented course results on the test images of the mini facade set."""

from dataclasses import replace

from seamline.data.registry import DATASETS
from seamline.run_folder import ABSENT, Estimate, Finding, ReferenceResult, RunFolder

CLASSES = ("other", "facade", "pillar", "window", "balcony")
"""Classes of the mini facade set."""

REQUIRED_AP = 0.45
"""The mean average precision that the course asked for."""

FINDING = "reference_comparison"
"""Name of the finding that compares a run with these results."""


def _course_result(overall: float, *per_class: float) -> ReferenceResult:
    return ReferenceResult(
        name=f"Course, {overall:g}",
        source="a best documented course result on the same images",
        note="ranked by raw scores",
        images=114,
        input_size=(256, 256),
        metric="ap",
        overall=overall,
        per_class=dict(zip(CLASSES, per_class, strict=True)),
    )


REFERENCE_RESULTS: dict[str, tuple[ReferenceResult, ...]] = {
    "facades": (
        _course_result(0.63, 0.59, 0.72, 0.26, 0.87, 0.71),
        _course_result(0.624, 0.685, 0.792, 0.227, 0.843, 0.574),
    )
}
"""Name of a dataset -> the results on its test images."""


def fill_registry() -> None:
    """Add the results to the datasets of the registry, so that reports show them."""
    for name, results in REFERENCE_RESULTS.items():
        DATASETS[name] = replace(DATASETS[name], reference_results=results)


def reference_sentence(mean_ap: Estimate, results: tuple[ReferenceResult, ...]) -> str:
    """State where a mean average precision lies relative to the best result of others.

    Args:
        mean_ap: mean average precision by raw scores on the test images.
        results: results of others on the same images.

    Returns:
        A sentence; empty if there is nothing to compare. It claims an order only where the interval excludes the
        other result.
    """
    if not results or not mean_ap.present:
        return ""
    best = max(one.overall for one in results)
    if not mean_ap.has_interval:
        relation = f"without an interval; the best documented course result is {best:g}"
    elif mean_ap.low > best:
        relation = f"above the best documented course result, {best:g}"
    elif mean_ap.high < best:
        relation = f"below the best documented course result, {best:g}"
    else:
        relation = f"and its interval contains the best documented course result, {best:g}"
    return f"The mean average precision is {mean_ap.value:.3f}, {relation}; the course required {REQUIRED_AP}."


def add_reference_finding(run: RunFolder) -> bool:
    """Add a finding that compares a run with the results of others to its findings.

    Args:
        run: an evaluated run.

    Returns:
        Whether a finding was added. None is added twice, or without results on the same images.
    """
    info, findings = run.info.read(), run.findings.read()
    if any(finding.name == FINDING for finding in findings):
        return False
    test = run.metrics.read().test
    mean_ap = test.overall.get("mean_ap", ABSENT)
    results = tuple(
        result
        for result in info.dataset.reference_results
        if (result.images, result.input_size) == (test.images, info.model.input_size[:2])
    )
    sentence = reference_sentence(mean_ap, results)
    if sentence:
        values = {"mean_ap": mean_ap, "references": {result.name: result.overall for result in results}}
        run.findings.write((*findings, Finding(name=FINDING, sentence=sentence, values=values, panel="classes")))
    return bool(sentence)
