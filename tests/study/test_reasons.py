from pathlib import Path

import msgspec
import numpy as np
import pytest

from report.why_factories import class_analysis
from seamline.data.dataset import Dataset, Split
from seamline.run_folder import ABSENT, ClassAnalysis, Estimate, RunFolder
from seamline.study import reasons
from seamline.study.reasons import above, add_reasons
from seamline.study.resolution import ResolutionEffect
from seamline.training.plan import RunOptions

CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
EFFECT = ResolutionEffect(0.1, 0.12, (0.01, 0.02, 0.03), Estimate(0.02, -0.01, 0.05), (0.9, 0.89))


def garments() -> Dataset:
    """Draw squares of the width of a class: tops are wide and trousers narrow."""
    rng = np.random.default_rng(0)

    def split(count: int, first_group: int) -> Split:
        labels = np.arange(count) % 10
        images = np.zeros((count, 28, 28, 1), np.uint8)
        for image, label in zip(images, labels, strict=True):
            half = (3 if label == 1 else 10) + int(rng.integers(2))
            image[4:24, 14 - half : 14 + half] = 200
        names = tuple(f"{first_group + i}" for i in range(count))
        return Split(images, labels, names, first_group + np.arange(count))

    return Dataset("garments", "Garments", CLASSES, split(40, 0), split(40, 40), "a test", task="classification")


def analysis() -> ClassAnalysis:
    """Return an analysis in which shirts vary as much as coats, and sandals have fewer edges than boots."""
    base = class_analysis(CLASSES)
    replace = msgspec.structs.replace
    classes = {name: replace(one, spread=Estimate(0.3, 0.2, 0.4)) for name, one in base.classes.items()}
    for name, edges in (("Sandal", 0.2), ("Sneaker", 0.1), ("Ankle boot", 0.3)):
        classes[name] = replace(classes[name], edges=Estimate(edges, edges - 0.01, edges + 0.01))
    vertical = {"vertical": Estimate(0.5, 0.45, 0.55)}
    classes["Trouser"] = replace(classes["Trouser"], orientations=vertical)
    return replace(base, classes=classes)


def write(folder: Path, of: ClassAnalysis) -> RunFolder:
    run = RunFolder(folder)
    run.findings.write(())
    run.class_analysis.write(of)
    return run


def test_each_reason_gets_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons.ReasonInputs, "effect_of_resolution", lambda inputs: EFFECT)
    run = write(tmp_path, analysis())
    assert add_reasons(run, garments(), RunOptions())
    findings = {one.name: one for one in run.findings.read()}
    assert {name: one.values["verdict"] for name, one in findings.items()} == {
        "reason_outline": "supported",
        "reason_resolution": "not decided",
        "reason_fabric": "supported",
        "reason_spread": "not decided",
        "reason_edges": "contradicted",
        "reason_filters": "supported",
    }
    assert {one.panel for one in findings.values()} == {"why"}
    outline = findings["reason_outline"].values
    assert outline["others"]["value"] == pytest.approx((0.34 + 6) / 7, abs=0.05)  # Trouser: 6 or 8 of 20 or 22 columns
    assert findings["reason_edges"].values["difference"]["value"] == pytest.approx(0.2 - 0.3)
    assert findings["reason_filters"].values["difference"]["value"] == pytest.approx(0.5 - 0.3)
    assert findings["reason_resolution"].sentence == (
        "The resolution hides what tells Shirt from T-shirt/top and Coat: not decided. Of the test images of Shirt, "
        "T-shirt/top and Coat, 10.0 % are confused between Shirt and the other two at 28 × 28 pixels and 12.0 % at "
        "14 × 14, the means of 3 networks each: a difference of +2.0 points (−1.0 to +5.0). The accuracy over all "
        "classes is 90.0 % and 89.0 %."
    )
    assert (
        "The least favorable comparison is with Ankle boot: a difference of −10.0 points"
        in findings["reason_edges"].sentence
    )
    assert not add_reasons(run, garments(), RunOptions())


def around(value: float, margin: float = 0.02) -> Estimate:
    return Estimate(value, value - margin, value + margin)


def test_above_all_needs_each_difference_and_below_one_a_correction() -> None:
    margin = 0.02 * 2**0.5  # of a difference
    sign, name, difference = above(around(0.5), {"a": around(0.3), "b": around(0.47), "c": around(0.4)})
    assert (sign, name) == (1, "b")
    assert difference.low == pytest.approx(0.03 - margin)
    sign, name, difference = above(around(0.5), {"a": around(0.53), "b": around(0.52)})
    assert (sign, name) == (0, "a")
    assert difference.low == pytest.approx(-0.03 - margin * 2.2414 / 1.96, abs=1e-4)  # at 1 - 0.05 / 2
    sign, name, difference = above(around(0.5), {"a": around(0.55), "b": around(0.52)})
    assert (sign, name) == (-1, "a")
    assert difference.value == pytest.approx(-0.05)
    assert above(around(0.5), {"a": around(0.53)}).sign == -1


def test_equal_classes_seldom_contradict_a_reason() -> None:
    rng = np.random.default_rng(0)
    signs = [
        above(around(own), {str(k): around(one) for k, one in enumerate(others)}).sign
        for own, *others in rng.normal(0, 0.02 / 1.96, (1000, 10))
    ]
    assert signs.count(-1) / len(signs) < 0.025 + 2 * (0.025 * 0.975 / len(signs)) ** 0.5


def test_reasons_without_numbers_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons.ReasonInputs, "effect_of_resolution", lambda inputs: EFFECT)
    base = analysis()
    replace = msgspec.structs.replace
    classes = {name: replace(one, orientations={}, edges=ABSENT) for name, one in base.classes.items()}
    run = write(tmp_path, replace(base, classes=classes))
    assert add_reasons(run, garments(), RunOptions())
    names = {one.name for one in run.findings.read()}
    assert names == {"reason_outline", "reason_resolution", "reason_fabric", "reason_spread"}


def test_other_classes_have_no_reasons(tmp_path: Path) -> None:
    run = write(tmp_path, class_analysis(("left", "right", "both")))
    assert not add_reasons(run, garments(), RunOptions())
    run.class_analysis.path.unlink()
    assert not add_reasons(run, garments(), RunOptions())
