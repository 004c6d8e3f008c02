"""Findings: claims in sentences, each made only where the intervals support it."""

from collections.abc import Sequence

from seamline.evaluation.findings.appearance import class_overlap, feature_spread, image_sharpness
from seamline.evaluation.findings.before_after import first_set
from seamline.evaluation.findings.confusions import confused_pairs, confused_with, false_positives
from seamline.evaluation.findings.errors import boundary_errors, thin_region_ends
from seamline.evaluation.findings.inputs import Claim, FindingInputs, FindingRule
from seamline.evaluation.findings.layers import filter_types, layer1_probe
from seamline.evaluation.findings.leakage import leakage, optimistic_split
from seamline.evaluation.findings.performance import (
    calibration,
    easiest_classes,
    generalization,
    hardest_class,
    no_test_images,
    overall,
    per_image_spread,
    val_test_gap,
)
from seamline.evaluation.text import capitalize_first
from seamline.run_folder import Finding, Task

__all__ = ["FINDINGS", "LAYER_FINDINGS", "Claim", "FindingInputs", "FindingRule", "find"]


def find(inputs: FindingInputs, rules: Sequence[FindingRule]) -> tuple[Finding, ...]:
    """Return every finding that the numbers support, the most important first.

    Args:
        inputs: what was measured.
        rules: the findings to look for, such as `FINDINGS`.

    Returns:
        What `findings.json` holds.
    """
    findings = []
    for rule in rules:
        if inputs.task in rule.panels and (claim := rule.claim(inputs)) is not None:
            panel = rule.panels[inputs.task]
            findings.append(
                Finding(name=rule.name, sentence=capitalize_first(claim.sentence), values=claim.values, panel=panel)
            )
    return tuple(findings)


def _both(panel: str) -> dict[Task, str]:
    return {"classification": panel, "segmentation": panel}


FINDINGS: tuple[FindingRule, ...] = (
    FindingRule("optimistic_split", optimistic_split, _both("leakage")),
    FindingRule("overall", overall, {"classification": "confusion", "segmentation": "pr_curves"}),
    FindingRule("first_set", first_set, _both("before_after")),
    FindingRule("no_test_images", no_test_images, _both("classes")),
    FindingRule("hardest_class", hardest_class, _both("classes")),
    FindingRule("confused_with", confused_with, _both("confusion")),
    FindingRule("confused_pairs", confused_pairs, {"classification": "confusion"}),
    FindingRule("false_positives", false_positives, {"segmentation": "confusion"}),
    FindingRule("thin_region_ends", thin_region_ends, {"segmentation": "confusion"}),
    FindingRule("easiest_classes", easiest_classes, {"classification": "classes"}),
    FindingRule("generalization", generalization, _both("training")),
    FindingRule("leakage", leakage, _both("leakage")),
    FindingRule("boundary_errors", boundary_errors, {"segmentation": "confusion"}),
    FindingRule("calibration", calibration, _both("calibration")),
    FindingRule("val_test_gap", val_test_gap, _both("classes")),
    FindingRule("class_overlap", class_overlap, {"classification": "why"}),
    FindingRule("image_sharpness", image_sharpness, {"classification": "why"}),
    FindingRule("feature_spread", feature_spread, {"classification": "why"}),
    FindingRule("per_image_spread", per_image_spread, {"segmentation": "examples"}),
)
"""The findings, the most important first."""

LAYER_FINDINGS: tuple[FindingRule, ...] = (
    FindingRule("layer1_probe", layer1_probe, {"classification": "linear_probes"}),
    FindingRule("filter_types", filter_types, {"classification": "kernels"}),
)
"""Findings on the layers of small classifiers."""
