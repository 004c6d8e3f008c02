from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from evaluation.factories import CLASSES, Mixed, mask_split
from helpers import Lines
from run_folder.factories import run_info
from seamline.data.dataset import Split
from seamline.evaluation.findings import FINDINGS, Claim, FindingInputs, FindingRule
from seamline.evaluation.write import EvaluationData, evaluate_model
from seamline.run_folder import Finding, RunFolder, SegmentationArrays, SplitInfo

PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0))


@pytest.fixture(scope="module")
def splits() -> dict[str, Split]:
    sizes = {"train": 20, "val": 10, "test": 14}
    return {name: mask_split(size, seed, groups=6) for seed, (name, size) in enumerate(sizes.items())}


def data(splits: dict[str, Split], split: SplitInfo | None = None) -> EvaluationData:
    return EvaluationData(
        "segmentation", CLASSES, splits["train"], splits["val"], splits["test"], palette=PALETTE, split=split
    )


@pytest.fixture(scope="module")
def run(splits: dict[str, Split], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    evaluate_model(folder, Mixed(2.0), data(splits))
    return folder


def test_the_files_are_those_of_the_contract(run: RunFolder) -> None:
    names = {path.name for path in run.path.iterdir()}
    assert names == {"metrics.json", "calibration.json", "findings.json", "evaluation"}
    names = {path.name for path in (run.path / "evaluation").iterdir()}
    sheets = {f"test.{name}" for name in ("photos.jpg", "ground_truth.png", "prediction.png")}
    assert names == sheets | {f"{split}{end}" for split in ("val", "test") for end in (".npz", ".json", "-examples")}
    written = [path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()]
    assert min(written) == run.metrics.path.stat().st_mtime_ns
    assert max(written) == run.findings.path.stat().st_mtime_ns


def test_metrics_come_first_and_an_interrupted_analysis_is_no_evaluation(
    run: RunFolder, splits: dict[str, Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, reporter = RunFolder(tmp_path), Lines()
    evaluate_model(folder, Mixed(2.0), data(splits))
    folder.report_file.write_text("the old page")
    monkeypatch.setattr("seamline.evaluation.write.calibrate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        evaluate_model(folder, Mixed(1.0), data(splits), reporter=reporter)
    assert folder.metrics.path.read_bytes() != run.metrics.path.read_bytes()
    assert not folder.evaluated
    assert not folder.report_file.exists()
    assert [line.split()[0] for line in reporter.lines] == ["evaluating", "test"]
    monkeypatch.undo()
    evaluate_model(folder, Mixed(2.0), data(splits))
    assert folder.evaluated
    assert folder.metrics.path.read_bytes() == run.metrics.path.read_bytes()


def test_findings_that_another_program_added_stay(run: RunFolder, splits: dict[str, Split], tmp_path: Path) -> None:
    folder, own = RunFolder(tmp_path), run.findings.read()
    evaluate_model(folder, Mixed(2.0), data(splits))
    added = Finding(name="reference_ranks", sentence="By another program.", values={"rank": 3}, panel="examples")
    stale = replace(own[0], sentence="Of an earlier evaluation.")
    folder.findings.write((stale, *own[1:], added))
    evaluate_model(folder, Mixed(2.0), data(splits))
    assert folder.findings.read() == (*own, added)
    folder.findings.path.write_text("[{")
    evaluate_model(folder, Mixed(2.0), data(splits))
    assert folder.findings.read() == own


def test_of_many_training_masks_a_sample_is_evaluated(
    run: RunFolder, splits: dict[str, Split], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = splits["train"].labels[0].size
    monkeypatch.setattr("seamline.evaluation.write.MAX_TRAIN_PIXELS", 8 * area + 1)
    rule = FindingRule("sample", lambda inputs: Claim(f"{inputs.train_sampled}", {}), {"segmentation": "classes"})
    evaluate_model(RunFolder(tmp_path), Mixed(2.0), data(splits), [rule])
    sampled, whole = (folder.metrics.read() for folder in (RunFolder(tmp_path), run))
    assert (sampled.train.images, whole.train.images) == (8, 20)
    assert (sampled.val, sampled.test) == (whole.val, whole.test)
    (finding,) = RunFolder(tmp_path).findings.read()
    assert finding.sentence == "True"


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_metrics_hold_what_the_contract_says(run: RunFolder, splits: dict[str, Split]) -> None:
    metrics = run.metrics.read()
    whole = ["mean_ap", "mean_ap_softmax", "mean_iou", "accuracy", "log_loss"]
    assert list(metrics.train.overall) == whole[2:]
    assert metrics.train.per_class == {}
    for name, measured in (("val", metrics.val), ("test", metrics.held_out)):
        assert list(measured.overall) == whole
        assert measured.images == len(splits[name])
        assert measured.groups == 6
        assert measured.count == (splits[name].labels != 255).sum() == sum(measured.support.values())
        assert list(measured.per_class) == list(CLASSES)
    assert set(metrics.definitions) == {*whole, *metrics.held_out.per_class["sky"]}
    assert "1,000 resamples" in metrics.intervals


def test_results_hold_what_the_contract_says(run: RunFolder, splits: dict[str, Split]) -> None:
    info = run_info()
    dataset = replace(info.dataset, classes=CLASSES, palette=PALETTE)
    arrays = run.read_arrays("test", replace(info, dataset=dataset))
    assert isinstance(arrays, SegmentationArrays)
    assert arrays.names == splits["test"].names
    assert arrays.predicted.dtype == np.uint8
    assert arrays.predicted.shape == splits["test"].labels.shape
    assert np.array_equal(arrays.confusion, arrays.confusions.sum(0))
    assert arrays.losses.sum() / arrays.confusion.sum() == pytest.approx(
        run.metrics.read().held_out.overall["log_loss"].value
    )
    results = run.results("test").read()
    assert np.array_equal(results.confusion, arrays.confusion)
    assert set(results.curves) == {"raw", "softmax"}
    assert set(results.curves["raw"]) == set(CLASSES)
    assert results.errors is not None
    assert len(results.per_image) == 14
    assert results.masks is not None
    assert [case.rank for case in results.masks.cases] == list(range(1, 15))
    assert run.results("val").read().masks is None
    for example in results.examples:
        for name in (example.image, example.ground_truth, example.prediction):
            with Image.open(run.examples_dir("test") / name) as picture:
                assert picture.size == (12, 16)


def test_findings_are_those_of_masks(run: RunFolder) -> None:
    names = {rule.name for rule in FINDINGS if "segmentation" in rule.panels}
    found = run.findings.read()
    assert found[0].name == "overall"
    assert {finding.name for finding in found} <= names
    assert {finding.panel for finding in found} <= {
        "training", "confusion", "classes", "examples", "pr_curves", "calibration", "leakage",
    }  # fmt: skip


def test_the_same_weights_give_the_same_bytes(run: RunFolder, splits: dict[str, Split], tmp_path: Path) -> None:
    evaluate_model(RunFolder(tmp_path), Mixed(2.0), data(splits))
    for path in run.path.rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(run.path)).read_bytes() == path.read_bytes(), path


def test_how_images_were_split_becomes_a_finding(splits: dict[str, Split], tmp_path: Path) -> None:
    split = replace(run_info().split, duplicate_images=20, excluded_train=(), test_with_train_duplicates=())
    evaluate_model(RunFolder(tmp_path), Mixed(), data(splits, split))
    found = {finding.name: finding for finding in RunFolder(tmp_path).findings.read()}
    assert "20 training images have near-duplicates among the others" in found["leakage"].sentence
    assert found["leakage"].panel == "leakage"


def test_findings_can_be_added(splits: dict[str, Split], tmp_path: Path) -> None:
    def largest(inputs: FindingInputs) -> Claim | None:
        return Claim(f"{inputs.classes[0]} comes first.", {"classes": len(inputs.classes)})

    rule = FindingRule("first_class", largest, {"segmentation": "classes"})
    evaluate_model(RunFolder(tmp_path), Mixed(), data(splits), (*FINDINGS, rule))
    added = RunFolder(tmp_path).findings.read()[-1]
    assert (added.name, added.sentence, added.values) == ("first_class", "Wall comes first.", {"classes": 4})
