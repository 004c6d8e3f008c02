"""Findings that only the study makes: a run beside the results of others, and its claim about layer 1."""

from seamline.evaluation.text import count, join_and
from seamline.run_folder import ABSENT, Estimate, Finding, ReferenceImage, ReferenceResult, RunFolder

REQUIRED_AP = 0.45
"""The mean average precision that the course asked for."""

REFERENCE_IMAGES = {
    "facades": (
        ReferenceImage(name="test_dev/eecs442_0061.jpg", note="the success that the study shows"),
        ReferenceImage(name="test_dev/eecs442_0097.jpg", note="the failure that the study shows"),
    )
}
"""Dataset -> images that the study shows."""

LAYER1_RECALL = 0.6
"""The recall that the study reports of layer 1 alone on some classes."""


def reference_sentence(mean_ap: Estimate, results: tuple[ReferenceResult, ...]) -> str:
    """State where a mean average precision lies relative to the best result of others.

    Args:
        mean_ap: mean average precision by logits on the test images.
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


def reference_comparison(run: RunFolder) -> Finding | None:
    """Compare a run with the results of others on the same images; None without any."""
    info, test = run.info.read(), run.metrics.read().held_out
    mean_ap = test.overall.get("mean_ap", ABSENT)
    results = tuple(
        result
        for result in info.dataset.reference_results
        if (result.images, result.input_size) == (test.images, info.model.input_size[:2])
    )
    if not (sentence := reference_sentence(mean_ap, results)):
        return None
    values = {"mean_ap": mean_ap, "references": {result.name: result.overall for result in results}}
    return Finding(name="reference_comparison", sentence=sentence, values=values, panel="classes")


def reference_ranks(run: RunFolder) -> Finding | None:
    """State the ranks by mean IoU of the images that the study shows; None without any."""
    results = run.results("test").read_optional()
    ranks = {one.name: rank for rank, one in enumerate(results.per_image if results else (), 1)}
    shown = [one for one in run.info.read().dataset.reference_images if one.name in ranks]
    if results is None or not shown:
        return None
    metrics = {one.name: one.mean_iou for one in results.per_image}
    parts = [f"{one.name}, {one.note}, has rank {ranks[one.name]} ({metrics[one.name]:.3f})" for one in shown]
    sentence = f"Of {count(len(ranks))} test images, ranked by mean IoU, {join_and(parts)}."
    values = {one.name: {"rank": ranks[one.name], "mean_iou": metrics[one.name]} for one in shown}
    return Finding(name="reference_ranks", sentence=sentence, values=values, panel="examples")


def layer1_recall(run: RunFolder) -> Finding | None:
    """State on which classes the recall of a probe of layer 1 is significantly above `LAYER1_RECALL`."""
    probes = run.linear_probes.read_optional()
    layer1 = next((probe.per_class for probe in (probes.probes if probes else ()) if probe.name == "layer 1"), None)
    if layer1 is None:
        return None
    reached = [name for name, recall in layer1.items() if recall.low > LAYER1_RECALL]
    names = f": {join_and(reached)}" if reached else ""
    sentence = (
        f"On {len(reached)} of {len(layer1)} classes the recall of a linear probe of layer 1 is significantly above "
        f"{100 * LAYER1_RECALL:.0f} %{names}."
    )
    return Finding(name="layer1_recall", sentence=sentence, values={"classes": reached}, panel="linear_probes")


def add_findings(run: RunFolder) -> bool:
    """Add the findings of the study to those of an evaluated run; none is added twice.

    Args:
        run: an evaluated run.

    Returns:
        Whether any was added.
    """
    findings = run.findings.read()
    known = {finding.name for finding in findings}
    claims = (reference_comparison(run), reference_ranks(run), layer1_recall(run))
    added = [one for one in claims if one and one.name not in known]
    if added:
        run.findings.write((*findings, *added))
    return bool(added)


def replace_finding(run: RunFolder, finding: Finding) -> None:
    """Write a finding of an evaluated run, in place of that of the same name or as the last."""
    findings = run.findings.read()
    names = [one.name for one in findings]
    index = names.index(finding.name) if finding.name in names else len(findings)
    run.findings.write((*findings[:index], finding, *findings[index + 1 :]))
