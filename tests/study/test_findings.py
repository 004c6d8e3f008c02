from pathlib import Path

import msgspec
import pytest

from run_folder import factories
from seamline.data.sources.facades import REFERENCE_RESULTS
from seamline.run_folder import (
    ABSENT,
    Estimate,
    ImageMetrics,
    LinearProbe,
    LinearProbes,
    RunFolder,
    SplitResults,
)
from seamline.study.findings import REFERENCE_IMAGES, add_findings, reference_sentence


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
    sentence = reference_sentence(mean, REFERENCE_RESULTS)
    assert says in sentence
    assert sentence.endswith("the course required 0.45.")


def test_nothing_is_said_without_a_value_or_a_result() -> None:
    assert reference_sentence(ABSENT, REFERENCE_RESULTS) == ""
    assert reference_sentence(Estimate(0.5), ()) == ""


def test_a_run_on_the_same_images_gets_one_finding(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    info, metrics = factories.run_info(), factories.metrics()
    overall = {**metrics.held_out.overall, "mean_ap": Estimate(0.7, 0.68, 0.72)}
    test = msgspec.structs.replace(metrics.held_out, images=114, overall=overall)
    model = msgspec.structs.replace(info.model, input_size=(256, 256, 3))
    run.metrics.write(msgspec.structs.replace(metrics, test=test))
    run.findings.write((factories.finding(),))
    run.info.write(msgspec.structs.replace(info, model=model))
    assert not add_findings(run)  # no reference results, no probes
    dataset = msgspec.structs.replace(info.dataset, reference_results=REFERENCE_RESULTS)
    run.info.write(msgspec.structs.replace(info, model=model, dataset=dataset))
    assert add_findings(run)
    assert not add_findings(run)
    first, finding = run.findings.read()
    assert first.sentence == factories.finding().sentence
    assert finding.sentence.startswith("The mean average precision is 0.700, above")
    assert finding.values["references"] == {"Course, 0.63": 0.63, "Course, 0.624": 0.624}


def test_the_images_that_the_study_shows_get_their_ranks(tmp_path: Path) -> None:
    run, info = RunFolder(tmp_path), factories.run_info()
    success, failure = REFERENCE_IMAGES["facades"]
    dataset = msgspec.structs.replace(info.dataset, reference_images=(success, failure))
    run.info.write(msgspec.structs.replace(info, dataset=dataset))
    run.metrics.write(factories.metrics())
    run.findings.write(())
    metrics = {"test_dev/eecs442_0003.jpg": 0.7, success.name: 0.61, failure.name: 0.25}
    per_image = tuple(
        ImageMetrics(name=name, group=index, accuracy=0.9, mean_iou=iou)
        for index, (name, iou) in enumerate(metrics.items())
    )
    run.results("test").write(SplitResults(classes=("a",), confusion=((1,),), per_image=per_image))
    assert add_findings(run)
    (finding,) = run.findings.read()
    assert finding.panel == "examples"
    assert finding.sentence == (
        "Of 3 test images, ranked by mean IoU, test_dev/eecs442_0061.jpg, the success that the study shows, has rank 2 "
        "(0.610) and test_dev/eecs442_0097.jpg, the failure that the study shows, has rank 3 (0.250)."
    )


def test_layer_1_reaches_a_recall_only_where_the_interval_does(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.info.write(factories.run_info())
    run.metrics.write(factories.metrics())
    run.findings.write(())
    per_class = {"T-shirt": Estimate(0.62, 0.59, 0.65), "Bag": Estimate(0.9, 0.88, 0.92)}
    probe = LinearProbe(name="layer 1", n_features=9, accuracy=Estimate(0.76), per_class=per_class)
    run.linear_probes.write(LinearProbes(rule="", probes=(probe,)))
    assert add_findings(run)
    (finding,) = run.findings.read()
    assert finding.values == {"classes": ["Bag"]}
    assert finding.panel == "linear_probes"
    assert finding.sentence == (
        "On 1 of 2 classes the recall of a linear probe of layer 1 is significantly above 60 %: Bag."
    )
