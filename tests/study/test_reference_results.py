from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import seamline
from run_folder import factories
from seamline.data import registry
from seamline.data.dataset import Dataset
from seamline.run_folder import ABSENT, Estimate, RunFolder
from seamline.study.reference_results import REFERENCE_RESULTS, add_reference_finding, fill_registry, reference_sentence

FACADES = REFERENCE_RESULTS["facades"]


@pytest.mark.parametrize(
    ("mean", "says"),
    [
        (Estimate(0.7, 0.68, 0.72), "0.700, above the best documented course result, 0.63;"),
        (Estimate(0.5, 0.48, 0.52), "0.500, below the best documented course result, 0.63;"),
        (Estimate(0.7), "0.700, without an interval; the best documented course result is 0.63;"),
        (Estimate(0.62, 0.6, 0.64), "0.620, and its interval contains the best documented course result, 0.63;"),
    ],
)
def test_a_claim_against_others_needs_its_interval(mean: Estimate, says: str) -> None:
    sentence = reference_sentence(mean, FACADES)
    assert says in sentence
    assert sentence.endswith("the course required 0.45.")


def test_nothing_is_said_without_a_value_or_a_result() -> None:
    assert reference_sentence(ABSENT, FACADES) == ""
    assert reference_sentence(Estimate(0.5), ()) == ""


def test_every_result_has_every_class() -> None:
    assert all(len(one.per_class) == 5 for one in FACADES)
    assert FACADES[0].per_class["pillar"] == 0.26


def test_a_loaded_dataset_carries_the_results(streets: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(registry.DATASETS["facades"], load=lambda folder, progress, timeout: streets)
    monkeypatch.setitem(registry.DATASETS, "facades", spec)
    fill_registry()
    assert seamline.load_dataset("facades").reference_results == FACADES


def test_a_run_on_the_same_images_gets_one_finding(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    info, metrics = factories.run_info(), factories.metrics()
    overall = {**metrics.test.overall, "mean_ap": Estimate(0.7, 0.68, 0.72)}
    test = msgspec.structs.replace(metrics.test, images=114, overall=overall)
    model = msgspec.structs.replace(info.model, input_size=(256, 256, 3))
    run.metrics.write(msgspec.structs.replace(metrics, test=test))
    run.findings.write((factories.finding(),))
    run.info.write(msgspec.structs.replace(info, model=model))
    assert not add_reference_finding(run)  # no reference results
    dataset = msgspec.structs.replace(info.dataset, reference_results=FACADES)
    run.info.write(msgspec.structs.replace(info, model=model, dataset=dataset))
    assert add_reference_finding(run)
    assert not add_reference_finding(run)
    first, finding = run.findings.read()
    assert first.sentence == factories.finding().sentence
    assert finding.sentence.startswith("The mean average precision is 0.700, above")
    assert finding.values["references"] == {"Course, 0.63": 0.63, "Course, 0.624": 0.624}
