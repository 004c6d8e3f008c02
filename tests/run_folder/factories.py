"""Valid structs of a run folder, small and complete."""

import math
from typing import Any

import numpy as np

from seamline.run_folder import (
    AugmentedImages,
    BoundaryErrors,
    Calibration,
    CalibrationBin,
    ClassificationArrays,
    ConfigDecision,
    Curve,
    DatasetInfo,
    Epoch,
    ErrorAnalysis,
    Estimate,
    ExampleOutputs,
    ExampleSheet,
    ExportMetadata,
    FilterAnalysis,
    FilterFraction,
    FilterLayer,
    Finding,
    ImageMetrics,
    InitFrom,
    Integrity,
    LabelIssue,
    LabelIssues,
    LinearProbe,
    LinearProbes,
    MaskCase,
    MaskExample,
    MaskSheets,
    MetricInfo,
    Metrics,
    ModelInfo,
    PhotoError,
    PhotoPrediction,
    PredictionRecord,
    RandomSplit,
    RunInfo,
    SegmentationArrays,
    SheetExample,
    SplitCalibration,
    SplitInfo,
    SplitMetrics,
    SplitResults,
    Task,
    ThinRegions,
    TrainingImage,
    TrainingImages,
)

CLASSES = ("wall", "window", "door")
PALETTE = ((0, 0, 0), (0, 128, 255), (255, 0, 0))
HALF = Estimate(0.5, 0.4, 0.6)


def integrity(**files: str) -> Integrity:
    """Return checksums of files, and the logits of two images of one pixel and three classes."""
    logits = np.arange(6, dtype="<f4").tobytes()
    examples = ExampleOutputs(size=(1, 1, 3), images=bytes(range(6)), logits=logits, tolerance=0.001)
    return Integrity(files=files, examples=examples).sealed()


def run_info(task: Task = "segmentation", **changes: Any) -> RunInfo:
    fields: dict[str, Any] = {
        "seamline": "1.0.0",
        "task": task,
        "preset": "fast, epochs=1",
        "config": {"model": "unet-fast", "epochs": 1, "class_weights": None},
        "dataset": DatasetInfo(
            name="facades",
            title="Facades",
            source="/data",
            fingerprint="0123456789abcdef" * 2,
            classes=CLASSES,
            palette=PALETTE if task == "segmentation" else (),
            train=80,
            val=9,
            test=11,
            warnings=("few images",),
        ),
        "split": SplitInfo(
            fraction=0.1,
            seed=0,
            groups=40,
            duplicate_images=70,
            largest_group=5,
            test_groups=11,
            excluded_train=("train/1",),
            random=RandomSplit(expected_split_groups=6.3, expected_val_leakage=0.81),
        ),
        "model": ModelInfo(name="unet-fast", parameters=92_000, input_size=(256, 256, 3)),
        "init_from": InitFrom(
            run="/runs/other", weights="00ff", shared_classes=("wall",), new_classes=("window", "door")
        ),
        "auto_config": (ConfigDecision(field="epochs", value=1, reason="few images"),),
        "seed": 0,
        "device": "cpu",
        "machine": "2 cores",
        "threads": 2,
        "versions": {"python": "3.11", "torch": "2.7"},
        "command": "seamline train facades",
    }
    return RunInfo(**fields | changes)


def epoch(number: int = 1) -> Epoch:
    return Epoch(
        epoch=number,
        train_loss=0.7,
        train_accuracy=0.6,
        val_loss=0.8,
        val_accuracy=0.5,
        learning_rate=1e-3,
        train_seconds=2.5,
        samples=80,
    )


def metrics() -> Metrics:
    split = SplitMetrics(
        images=11,
        groups=11,
        count=40_000,
        overall={"accuracy": HALF, "log_loss": Estimate(0.7)},
        per_class={name: {"iou": HALF, "ap": Estimate(math.nan)} for name in CLASSES},
        support=dict.fromkeys(CLASSES, 13_000),
    )
    definitions = {
        "accuracy": MetricInfo(title="Accuracy", definition="fraction that is right"),
        "log_loss": MetricInfo(title="Log loss", definition="nats", higher_is_better=False, format="decimal"),
    }
    return Metrics(test=split, val=split, train=split, definitions=definitions, intervals="95 %")


def calibration(temperature: float = 1.3) -> Calibration:
    bins = (CalibrationBin(lower=0.9, upper=1.0, count=11, confidence=0.95, accuracy=HALF),)
    names = (
        *("nll_raw", "nll_scaled", "nll_reduction", "ece_raw", "ece_scaled"),
        *("confidence_gap_raw", "confidence_gap_scaled"),
    )
    split = SplitCalibration(**dict.fromkeys(names, HALF), reliability_raw=bins, reliability_scaled=bins)
    return Calibration(temperature=Estimate(temperature), bins=10, test=split, val=split)


def finding() -> Finding:
    return Finding(name="overall", sentence="It is right.", values={"accuracy": HALF, "images": 11}, panel="confusion")


def filter_analysis() -> FilterAnalysis:
    layer = FilterLayer(
        name="layer 1",
        shape=(2, 1, 1, 2),
        weights=(0.1, -0.2, 0.3, 0.0),
        types=("edge", "mixed"),
        correlations=(0.9, 0.2),
        fractions={name: FilterFraction(count=1, fraction=HALF) for name in ("edge", "mixed")},
    )
    return FilterAnalysis(rule="the best match", threshold=0.64, null_rate=0.05, layers=(layer,))


def linear_probes() -> LinearProbes:
    probe = LinearProbe(name="pixels", n_features=784, accuracy=HALF, per_class=dict.fromkeys(CLASSES, HALF))
    return LinearProbes(rule="logistic regression", probes=(probe,))


def results(task: Task = "segmentation") -> SplitResults:
    confusion = ((5, 1, 0), (0, 3, 0), (1, 0, 1))
    if task == "classification":
        examples = (SheetExample(name="test/1", ground_truth=0, prediction=1, confidence=0.9),)
        return SplitResults(
            classes=CLASSES, confusion=confusion, sheet=ExampleSheet(tile=(28, 28), columns=32, examples=examples)
        )
    example = MaskExample(
        name="test/1",
        bucket="best",
        rank=1,
        accuracy=0.9,
        mean_iou=0.8,
        image="best-1.jpg",
        ground_truth="best-1.truth.png",
        prediction="best-1.prediction.png",
    )
    errors = ErrorAnalysis(
        boundary=BoundaryErrors(pixels=3, fraction=HALF, boundary_fraction=HALF),
        thin_regions={"door": ThinRegions(regions=31, top=HALF, middle=HALF, bottom=HALF)},
    )
    return SplitResults(
        classes=CLASSES,
        confusion=confusion,
        examples=(example,),
        curves={"raw": {"wall": Curve(recall=(0.0, 1.0), precision=(1.0, 0.5))}},
        errors=errors,
        masks=MaskSheets(tile=(4, 4), columns=16, cases=(MaskCase(rank=1, cells=((0, 1, 9), (2, 2, 1))),)),
        per_image=(ImageMetrics(name="test/1", group=3, accuracy=0.9, mean_iou=math.nan),),
    )


def training_images() -> TrainingImages:
    augmented = AugmentedImages(tile=(4, 4), images=(1,), epochs=(1, 2))
    images = (TrainingImage(name="train/1", label=0), TrainingImage(name="train/2"))
    return TrainingImages(tile=(8, 8), columns=12, images=images, augmented=augmented)


def label_issues() -> LabelIssues:
    issue = LabelIssue(name="val/1", split="val", label=0, predicted=1, probability=0.9, margin=0.8)
    return LabelIssues(checked={"val": 9}, folds=3, n_agree=8, tile=(28, 28), n_shown=1, issues=(issue,))


def record(task: Task = "segmentation") -> PredictionRecord:
    photo = PhotoPrediction(
        file="a.jpg", width=640, height=480, mask="a.mask.png", class_fractions=dict.fromkeys(CLASSES, 0.3)
    )
    if task == "classification":
        photo = PhotoPrediction(file="a.jpg", width=640, height=480, label="door", probability=0.9)
    return PredictionRecord(
        model="runs/facades-fast",
        task=task,
        dataset="Facades",
        preset="fast",
        classes=CLASSES,
        palette=PALETTE if task == "segmentation" else (),
        photos=(photo,),
        errors=(PhotoError(file="b.txt", reason="not an image"),),
    )


def metadata() -> ExportMetadata:
    return ExportMetadata(
        seamline="1.0.0",
        name="facades-fast",
        task="segmentation",
        dataset="Facades",
        preset="fast",
        classes=CLASSES,
        palette=PALETTE,
        input_size=(256, 256, 3),
        temperature=1.3,
        fingerprint="00ff",
    )


def classification_arrays(images: int = 4) -> ClassificationArrays:
    return ClassificationArrays(
        names=tuple(f"test/{number}" for number in range(images)),
        groups=np.arange(images),
        confusion=np.eye(len(CLASSES), dtype=np.int64),
        labels=np.arange(images) % len(CLASSES),
        logits=np.zeros((images, len(CLASSES)), np.float32),
    )


def segmentation_arrays(images: int = 4) -> SegmentationArrays:
    return SegmentationArrays(
        names=tuple(f"test/{number}" for number in range(images)),
        groups=np.arange(images),
        confusion=np.eye(len(CLASSES), dtype=np.int64),
        confusions=np.zeros((images, len(CLASSES), len(CLASSES)), np.int64),
        losses=np.zeros(images),
        predicted=np.zeros((images, 5, 7), np.uint8),
    )
