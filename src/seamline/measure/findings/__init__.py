"""Figures turned into sentences. A sentence is only made where the interval supports it."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from seamline.measure.findings import labels, masks
from seamline.measure.findings.finding import Finding
from seamline.measure.findings.labels import Facts
from seamline.measure.findings.masks import MaskFacts

__all__ = ["FINDINGS", "MASK_FINDINGS", "Facts", "Finding", "MaskFacts", "find", "find_json"]


def find(facts: Facts | MaskFacts) -> list[Finding]:
    """Return every finding that the facts support, most important first."""
    if isinstance(facts, MaskFacts):
        found = [rule(facts) for rule in MASK_FINDINGS]
    else:
        found = [rule(facts) for rule in FINDINGS]
    return [finding for finding in found if finding is not None]


def find_json(facts: Facts | MaskFacts) -> list[dict[str, Any]]:
    """Return the findings as `findings.json` holds them."""
    return [asdict(finding) for finding in find(facts)]


FINDINGS: tuple[Callable[[Facts], Finding | None], ...] = (
    labels.overall,
    labels.hardest_class,
    labels.taken_for,
    labels.pairs,
    labels.easiest_classes,
    labels.first_layer,
    labels.confidence,
    labels.generalisation,
    labels.validation_and_test,
    labels.shapes_of_kernels,
)

MASK_FINDINGS: tuple[Callable[[MaskFacts], Finding | None], ...] = (
    masks.overall,
    masks.hardest_class,
    masks.taken_for,
    masks.false_alarms,
    masks.ends,
    masks.generalisation,
    masks.relatives,
    masks.borders,
    masks.confidence,
    masks.validation_and_test,
    masks.spread,
)
