"""Run folders of both tasks as the other packages write them, from made-up numbers that agree with each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image

from report.why_factories import write_class_analysis
from run_folder import factories as small
from seamline.evaluation.examples import sheet_jpeg, sheet_png
from seamline.evaluation.mask_sheets import mask_sheet
from seamline.evaluation.metrics import metric_infos
from seamline.run_folder import (
    AugmentedImages,
    BoundaryErrors,
    Calibration,
    CalibrationBin,
    ClassificationArrays,
    Curve,
    Epoch,
    ErrorAnalysis,
    Estimate,
    ExampleSheet,
    FilterAnalysis,
    FilterFraction,
    FilterLayer,
    Finding,
    FractionCalibration,
    FractionIntervals,
    ImageMetrics,
    LabelIssue,
    LabelIssues,
    LinearProbe,
    LinearProbes,
    MaskCase,
    MaskExample,
    MaskSheets,
    Metrics,
    ModelInfo,
    Novelty,
    PhotoError,
    PhotoPrediction,
    PredictionRecord,
    RandomSplit,
    ReferenceResult,
    RunFolder,
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
    prediction_record,
)

CLASSES = ("Top", "Coat", "Shirt", "Bag", "Boot", "Dress")
FACADE_CLASSES = ("other", "facade", "pillar", "window", "balcony")
PALETTE = ((0, 0, 0), (0, 128, 255), (128, 255, 128), (255, 128, 0), (255, 0, 0))
TYPES = ("top edge", "left edge", "vertical line", "blob", "mixed", "nearly uniform")
PER_CELL = 12
REFERENCES = tuple(
    ReferenceResult(
        name=f"Course, {overall}",
        source="a course result",
        note="by logits",
        images=12,
        input_size=(256, 256),
        metric="ap",
        overall=overall,
        per_class=dict(zip(FACADE_CLASSES, values, strict=True)),
    )
    for overall, values in ((0.63, (0.59, 0.72, 0.26, 0.87, 0.71)), (0.624, (0.685, 0.792, 0.227, 0.843, 0.574)))
)
Triple = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def write_classification_run(
    path: Path,
    *,
    classes: Sequence[str] = CLASSES,
    side: int = 12,
    channels: int = 1,
    images: int = 240,
    epochs: int = 6,
    signal: float = 3.2,
    notice: str | None = None,
) -> Path:
    """Write a whole finished run of `images` validation images and twice as many test images."""
    folder, rng, classes = RunFolder(path), np.random.default_rng(7), tuple(classes)
    splits: dict[str, SplitMetrics] = {}
    calibrations: dict[str, Any] = {}
    for split, number in (("val", images), ("test", 2 * images)):
        labels = np.arange(number) % len(classes)
        logits = random_logits(rng, labels, len(classes), signal)
        splits[split] = _write_sheet(folder, split, classes, labels, logits, numbered_images(labels, side, channels))
        calibrations[split] = split_calibration(labels, logits)
    train = split_metrics(9 * images, {"accuracy": fraction(0.95, 9 * images)})
    _write_metrics(folder, "classification", train, splits)
    folder.calibration.write(Calibration(temperature=Estimate(1.65, 1.5, 1.8), bins=10, **calibrations))
    folder.novelty.write(Novelty(images=images, groups=images, flagged=fraction(0.06, 2 * images)))
    folder.info.write(run_info("classification", classes, images, notice=notice))
    folder.history.write(history(epochs))
    folder.kernels.write(filter_analysis(rng, channels))
    folder.linear_probes.write(linear_probes(classes, images))
    write_class_analysis(folder, classes)
    _write_training_images(folder, len(classes), side, channels)
    panels = ("training", "confusion", "classes", "examples", "why", "kernels", "linear_probes", "calibration")
    folder.findings.write(findings(classes, panels))
    folder.weights_file.write_bytes(b"weights")
    return path


def _write_training_images(folder: RunFolder, n_classes: int, side: int, channels: int) -> None:
    """Write two training images of each class, and the first and the last of them in three epochs."""
    labels = np.repeat(np.arange(n_classes), 2)
    images = numbered_images(labels, side, channels)
    for is_augmented, shown in ((False, images), (True, np.concatenate([images[[0] * 3], images[[-1] * 3]]))):
        file, _ = folder.training_sheet_files("classification", augmented=is_augmented)
        file.write_bytes(sheet_png(shown, 3 if is_augmented else 12))
    augmented = AugmentedImages(tile=(side, side), images=(0, len(labels) - 1), epochs=(1, 2, 3))
    names = tuple(TrainingImage(name=f"train/{i:05d}", label=int(label)) for i, label in enumerate(labels))
    folder.training_images.write(TrainingImages(tile=(side, side), columns=12, images=names, augmented=augmented))


def _write_training_masks(folder: RunFolder, shown: Sequence[Triple], palette: Sequence[tuple[int, int, int]]) -> None:
    """Write three training images with masks, none of them augmented."""
    photos, masks = (np.stack([triple[part] for triple in shown[:3]]) for part in (0, 1))
    photo_file, mask_file = folder.training_sheet_files("segmentation")
    photo_file.write_bytes(sheet_jpeg(photos, 12))
    mask_file.write_bytes(mask_sheet(masks, 12, palette))
    names = tuple(TrainingImage(name=f"train/image_{i:04d}.jpg") for i in range(3))
    folder.training_images.write(TrainingImages(tile=photos.shape[1:3], columns=12, images=names))


def _write_mask_sheets(
    folder: RunFolder, split: str, shown: Sequence[Triple], palette: Sequence[tuple[int, int, int]]
) -> MaskSheets:
    """Write all images, the best first, with their masks."""
    photos, *masks = (np.stack([triple[part] for triple in shown]) for part in range(3))
    contents = (sheet_jpeg(photos, 16), *(mask_sheet(one, 16, palette) for one in masks))
    for file, content in zip(folder.mask_sheet_files(split), contents, strict=True):
        file.write_bytes(content)
    confusions = [confusion_matrix(truth, prediction, len(palette)) for _, truth, prediction in shown]
    return MaskSheets(
        tile=photos.shape[1:3],
        columns=16,
        cases=tuple(
            MaskCase(
                rank=position + 1,
                cells=tuple((int(true), int(label), int(matrix[true, label])) for true, label in np.argwhere(matrix)),
            )
            for position, matrix in enumerate(confusions)
        ),
    )


def _write_metrics(folder: RunFolder, task: Task, train: SplitMetrics, splits: dict[str, SplitMetrics]) -> None:
    """Write the metrics of all splits."""
    definitions = dict(metric_infos(task))
    folder.metrics.write(
        Metrics(train=train, definitions=definitions, intervals="95 %", val=splits["val"], test=splits["test"])
    )


def fraction_calibration(classes: Sequence[str]) -> FractionCalibration:
    """Return intervals of fractions, one of them missing."""
    intervals = FractionIntervals(level=0.9, quantiles=dict.fromkeys(classes[:-1], 1.5), images=90, groups=60)
    coverage = dict.fromkeys(classes[:-1], fraction(0.88, 114))
    return FractionCalibration(intervals=intervals, coverage=coverage, width=dict.fromkeys(classes[:-1], 0.075))


def write_segmentation_run(
    path: Path,
    *,
    classes: Sequence[str] = FACADE_CLASSES,
    palette: Sequence[tuple[int, int, int]] = PALETTE,
    title: str = "Made-up facades",
    images: int = 12,
    triples: Sequence[Triple] | None = None,
    notice: str | None = None,
) -> Path:
    """Write a whole finished run; `triples` are photos, true and predicted masks to show instead of random ones."""
    folder, rng, classes, palette = RunFolder(path), np.random.default_rng(3), tuple(classes), tuple(palette)
    shown = list(triples) if triples else [random_triple(rng, len(classes)) for _ in range(images)]
    splits: dict[str, SplitMetrics] = {}
    calibrations: dict[str, Any] = {"fractions": fraction_calibration(classes)}
    for split in ("val", "test"):
        splits[split] = _write_masks(folder, split, shown, classes, palette)
        labels = np.arange(4000) % len(classes)
        calibrations[split] = split_calibration(labels, random_logits(rng, labels, len(classes)), 1800)
    train = split_metrics(90, {"accuracy": fraction(0.87, 4000), "mean_iou": fraction(0.6, 4000)})
    _write_metrics(folder, "segmentation", train, splits)
    folder.calibration.write(Calibration(temperature=Estimate(1.3, 1.2, 1.4), bins=10, **calibrations))
    _write_training_masks(folder, shown, palette)
    info = run_info("segmentation", classes, 10, notice=notice)
    dataset = replace(
        info.dataset, title=title, palette=palette, train=800, val=90, test=114,
        reference_results=REFERENCES if classes == FACADE_CLASSES else (),
    )  # fmt: skip
    model = ModelInfo(name="unet", parameters=93_322, input_size=(256, 256, 3))
    folder.info.write(replace(info, dataset=dataset, split=split_info(), model=model))
    folder.history.write(history(6))
    panels = ("pr_curves", "examples", "leakage", "classes", "confusion", "training", "calibration")
    folder.findings.write(findings(classes, panels))
    write_masks_record(folder.predictions_dir, classes, palette, [shown[0]])
    folder.weights_file.write_bytes(b"weights")
    return path


def fraction(value: float, count: float) -> Estimate:
    """Return a fraction with a plausible interval."""
    if not count:
        return Estimate(float("nan"))
    middle = (value * count + 2) / (count + 4)
    half = 1.96 * (middle * (1 - middle) / (count + 4)) ** 0.5
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Estimate(value, min(low, value), max(high, value))


def split_metrics(
    images: int, overall: dict[str, Estimate], per_class: dict[str, dict[str, Estimate]] | None = None, **fields: Any
) -> SplitMetrics:
    return SplitMetrics(
        images=images, groups=images, count=images, overall=overall, per_class=per_class or {}, **fields
    )


def random_logits(
    rng: np.random.Generator, labels: NDArray[np.int64], classes: int, signal: float = 3.2
) -> NDArray[np.float32]:
    """Return logits (N, K) that are mostly right; the third class is often predicted as the first one."""
    logits = rng.normal(0, 1, (len(labels), classes))
    logits[np.arange(len(labels)), labels] += signal
    if classes > 2:
        logits[labels == 2, 0] += 2.2
    return logits.astype(np.float32)


def numbered_images(labels: NDArray[np.int64], side: int, channels: int) -> NDArray[np.uint8]:
    """Return images (N, side, side, C), all different: a frame in the shade of the class around the index in bits."""
    number = len(labels)
    images = np.zeros((number, side, side, channels), np.uint8)
    shades = (60 + 20 * labels).astype(np.uint8)
    images[:, 0] = images[:, -1] = shades[:, None, None]
    images[:, :, 0] = images[:, :, -1] = shades[:, None, None]
    inner = images[:, 2:-2, 2:-2].reshape(number, -1, channels)
    bits = (np.arange(number)[:, None] >> np.arange(16)) & 1
    inner[:, :16] = (255 * bits)[..., None]
    images[:, 2:-2, 2:-2] = inner.reshape(number, side - 4, side - 4, channels)
    if channels == 3:
        images[..., 1] //= 2
    return images


def _softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = np.exp(logits.astype(np.float64) / temperature)
    probabilities /= probabilities.sum(1, keepdims=True)
    return probabilities


def _write_sheet(
    folder: RunFolder,
    split: str,
    classes: tuple[str, ...],
    labels: NDArray[np.int64],
    logits: NDArray[np.float32],
    images: NDArray[np.uint8],
) -> SplitMetrics:
    """Write results and example sheet of a split; return its metrics."""
    size, columns = len(classes), 16
    probabilities = _softmax(logits, 0.33)
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    confusion = np.bincount(size * labels + predicted, minlength=size * size).reshape(size, size)
    chosen: list[int] = []
    for pair in np.ndindex(size, size):
        cell = np.flatnonzero((labels == pair[0]) & (predicted == pair[1]))
        chosen += cell[np.argsort(-confidence[cell], kind="stable")][:PER_CELL].tolist()
    height, width, channels = images.shape[1:]
    sheet = np.zeros((-(-len(chosen) // columns) * height, columns * width, channels), np.uint8)
    for position, image in enumerate(chosen):
        top, left = position // columns * height, position % columns * width
        sheet[top : top + height, left : left + width] = images[image]
    examples = tuple(
        SheetExample(
            name=f"{split}/{i:05d}",
            ground_truth=int(labels[i]),
            prediction=int(predicted[i]),
            confidence=float(confidence[i]),
        )
        for i in chosen
    )
    folder.results(split).write(
        SplitResults(
            classes=classes,
            confusion=tuple(map(tuple, confusion.tolist())),
            sheet=ExampleSheet(tile=(height, width), columns=columns, examples=examples),
        )
    )
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(folder.sheet_file(split))
    names = tuple(f"{split}/{i:05d}" for i in range(len(labels)))
    folder.write_arrays(split, ClassificationArrays(names, np.arange(len(labels)), confusion, labels, logits))
    rows, given, hits = confusion.sum(1), confusion.sum(0), np.diagonal(confusion)
    per_class = {
        name: {
            "recall": fraction(hits[i] / max(rows[i], 1), rows[i]),
            "precision": fraction(hits[i] / max(given[i], 1), given[i]),
            "f1": fraction(2 * hits[i] / max(rows[i] + given[i], 1), rows[i] + given[i]),
        }
        for i, name in enumerate(classes)
    }
    log_loss = -np.log(_softmax(logits, 1.0)[np.arange(len(labels)), labels]).mean()
    overall = {"accuracy": fraction(hits.sum() / len(labels), len(labels)), "log_loss": Estimate(float(log_loss))}
    support = {name: int(rows[i]) for i, name in enumerate(classes)}
    return split_metrics(len(labels), overall, per_class, support=support)


def split_calibration(labels: NDArray[np.int64], logits: NDArray[np.float32], weight: int = 1) -> SplitCalibration:
    """Return the calibration of a split; each label counts `weight` times."""
    fields: dict[str, Any] = {"nll_reduction": Estimate(0.02, -0.01, 0.05)}
    for when, temperature in (("raw", 0.2), ("scaled", 0.33)):
        probabilities = _softmax(logits, temperature)
        confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
        bins = np.minimum((10 * confidence).astype(int), 9)
        rows = [
            CalibrationBin(
                lower=index / 10,
                upper=(index + 1) / 10,
                count=weight * int((bins == index).sum()),
                confidence=float(confidence[bins == index].mean()),
                accuracy=fraction(float(right[bins == index].mean()), int((bins == index).sum())),
            )
            for index in range(10)
            if (bins == index).any()
        ]
        gaps = [row.count * abs(row.confidence - row.accuracy.value) for row in rows]
        gap = float(confidence.mean() - right.mean())
        nll = float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())
        fields |= {
            f"reliability_{when}": tuple(rows),
            f"ece_{when}": Estimate(sum(gaps) / (weight * len(labels)), 0.0, 0.1),
            f"confidence_gap_{when}": Estimate(gap, gap - 0.01, gap + 0.01),
            f"nll_{when}": Estimate(nll, 0.9 * nll, 1.1 * nll),
        }
    return SplitCalibration(**fields)


def run_info(task: Task, classes: tuple[str, ...], images: int, *, notice: str | None = None) -> RunInfo:
    """Return how a run was trained on as many images, one in ten of them for validation, without near-duplicates."""
    info = small.run_info(
        task, init_from=None, auto_config=(), notice=notice,
        config={"model": "cnn", "epochs": 6, "learning_rate": 0.001, "hflip": True, "class_weights": None},
        model=ModelInfo(name="cnn", parameters=93_322, input_size=(12, 12, 1)),
    )  # fmt: skip
    palette = tuple((i, i, i) for i in range(len(classes))) if task == "segmentation" else ()
    dataset = replace(
        info.dataset, title="Made-up garments", classes=classes, palette=palette, warnings=(),
        train=9 * images, val=images, test=2 * images,
    )  # fmt: skip
    split = replace(
        info.split, groups=9 * images, duplicate_images=0, largest_group=1, test_groups=2 * images, excluded_train=(),
        random=RandomSplit(expected_split_groups=0, expected_val_leakage=0),
    )  # fmt: skip
    return replace(info, dataset=dataset, split=split)


def split_info() -> SplitInfo:
    """Return a split by detected groups of near-duplicates, for which images were excluded."""
    return replace(
        small.run_info().split, groups_detected=True, groups=412, duplicate_images=780, largest_group=9, test_groups=88,
        excluded_train=tuple(f"train/image_{i:04d}" for i in range(16)),
        test_with_train_duplicates=("test/image_0001", "test/image_0007"),
        random=RandomSplit(expected_split_groups=63.4, expected_val_leakage=0.81),
    )  # fmt: skip


def history(epochs: int) -> tuple[Epoch, ...]:
    """Return a history whose training loss falls all the way, and whose validation loss turns at two thirds."""
    lines = []
    for epoch in range(1, epochs + 1):
        train = 0.13 + 0.75 * np.exp(-3.2 * epoch / epochs)
        val = 0.262 + 0.5 * np.exp(-6 * epoch / epochs) + 0.06 * max(0, epoch / epochs - 0.6)
        lines.append(
            replace(
                small.epoch(epoch),
                train_loss=round(train, 4),
                train_accuracy=round(0.995 - 0.36 * train, 4),
                val_loss=round(val, 4),
                val_accuracy=round(0.93 - 0.1 * (val - 0.262) - 0.18 * np.exp(-5 * epoch / epochs), 4),
            )
        )
    return tuple(lines)


def filter_analysis(rng: np.random.Generator, channels: int) -> FilterAnalysis:
    """Return a layer of 8 filters, and one of 20 filters on 20 channels."""
    layers = []
    for name, shape in (("layer 1", (8, channels, 5, 5)), ("layer 2", (20, 20, 5, 5))):
        number = shape[0] * shape[1]
        types = [str(one) for one in rng.choice(TYPES, number)]
        layers.append(
            FilterLayer(
                name=name,
                shape=shape,
                weights=tuple(round(float(weight), 5) for weight in rng.normal(0, 0.1, number * 25)),
                types=tuple(types),
                correlations=tuple(round(float(one), 3) for one in rng.random(number)),
                fractions={
                    one: FilterFraction(count=types.count(one), fraction=fraction(types.count(one) / number, number))
                    for one in TYPES
                    if one in types
                },
            )
        )
    return FilterAnalysis(rule="The best match gives the type.", threshold=0.64, null_rate=0.05, layers=tuple(layers))


def linear_probes(classes: Sequence[str], images: int) -> LinearProbes:
    each = images // len(classes)
    probes = tuple(
        LinearProbe(
            name=name,
            n_features=features,
            accuracy=fraction(value, images),
            per_class={label: fraction(max(value - 0.03 * i, 0.0), each) for i, label in enumerate(classes)},
        )
        for name, features, value in (
            ("pixels", 144, 0.55),
            ("layer 1", 1152, 0.71),
            ("layers 1 and 2", 1664, 0.82),
            ("whole network", None, 0.9),
        )
    )
    return LinearProbes(rule="Logistic regression, fitted on the training images.", probes=probes)


def findings(classes: Sequence[str], panels: Sequence[str]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            name=f"finding_{i}",
            sentence=f"{classes[i % len(classes)]} stands out in {panel}: {3 * i + 4}.0 % of 100 images.",
            values={"images": 3 * i + 4},
            panel=panel,
        )
        for i, panel in enumerate(panels)
    )


def write_label_issues(path: Path, *, folds: int = 0, side: int = 12, number: int = 5) -> None:
    """Add possible label errors to the run of a classifier."""
    folder = RunFolder(path)
    issues = tuple(
        LabelIssue(name=f"test/{i:05d}", split="test", label=i % 6, predicted=(i + 1) % 6, probability=0.99 - 0.02 * i,
                   margin=0.9)
        for i in range(number)
    )  # fmt: skip
    folder.label_issues.write(
        LabelIssues(
            checked={"val": 240, "test": 480}, folds=folds, n_agree=690, tile=(side, side), n_shown=3, issues=issues
        )
    )
    images = numbered_images(np.arange(3), side, 1)
    Image.fromarray(np.hstack(list(images[..., 0]))).save(folder.label_issues_sheet)


def random_triple(rng: np.random.Generator, classes: int, side: int = 64) -> Triple:
    """Return a photo (side, side, 3), its true mask, and a predicted mask with errors; the last row is ignored."""
    truth = np.zeros((side, side), np.uint8)
    truth[side // 8 :, side // 8 : -side // 8] = 1
    for index in range(2, classes):
        top, left = rng.integers(side // 8, side - 16, 2)
        truth[top : top + 12, left : left + 10] = index
    photo = 60 + 30 * (truth[..., None] % 6) + rng.integers(0, 25, (side, side, 3))
    prediction = np.roll(truth, int(rng.integers(0, 5)), axis=1)
    prediction[-2:] = 0
    truth[-1:] = 255
    return photo.astype(np.uint8), truth, prediction


def _write_masks(
    folder: RunFolder,
    split: str,
    shown: Sequence[Triple],
    classes: tuple[str, ...],
    palette: Sequence[tuple[int, int, int]],
) -> SplitMetrics:
    """Write results and six examples of a split; return its metrics."""
    size = len(classes)
    confusions = [confusion_matrix(truth, prediction, size) for _, truth, prediction in shown]
    mean_ious = [mean_iou(matrix) for matrix in confusions]
    order = sorted(range(len(shown)), key=lambda i: -mean_ious[i])
    per_image = tuple(
        ImageMetrics(
            name=f"{split}/image_{i:04d}", group=i // 2, accuracy=accuracy(confusions[i]), mean_iou=mean_ious[i]
        )
        for i in order
    )
    middle = len(order) // 2
    ranks = {"best": (0, 1), "median": (middle - 1, middle), "worst": (len(order) - 2, len(order) - 1)}
    examples, directory = [], folder.examples_dir(split)
    directory.mkdir(parents=True, exist_ok=True)
    for bucket, positions in ranks.items():
        for position in positions:
            stem, one = f"{bucket}-{position + 1}", per_image[position]
            photo, truth, prediction = shown[order[position]]
            Image.fromarray(photo).save(directory / f"{stem}.jpg", quality=88)
            write_mask(directory / f"{stem}.truth.png", truth, palette)
            write_mask(directory / f"{stem}.prediction.png", prediction, palette)
            examples.append(
                MaskExample(
                    name=one.name, bucket=bucket, rank=position + 1, accuracy=one.accuracy, mean_iou=one.mean_iou,  # type: ignore[arg-type]
                    image=f"{stem}.jpg", ground_truth=f"{stem}.truth.png", prediction=f"{stem}.prediction.png",
                )
            )  # fmt: skip
    total = np.sum(confusions, axis=0)
    metrics = mask_metrics(total, len(shown), classes)
    thin = ThinRegions(regions=31, top=fraction(0.31, 200), middle=fraction(0.52, 200), bottom=fraction(0.2, 200))
    folder.results(split).write(
        SplitResults(
            classes=classes,
            confusion=tuple(map(tuple, total.tolist())),
            examples=tuple(examples),
            curves={"raw": pr_curves(metrics, "ap"), "softmax": pr_curves(metrics, "ap_softmax")},
            errors=ErrorAnalysis(
                boundary=BoundaryErrors(pixels=3, fraction=fraction(0.41, 900), boundary_fraction=fraction(0.17, 900)),
                thin_regions={classes[2]: thin},
            ),
            per_image=per_image,
            masks=_write_mask_sheets(folder, split, [shown[i] for i in order], palette) if split == "test" else None,
        )
    )
    names, predicted = tuple(f"{split}/image_{i:04d}" for i in range(len(shown))), np.stack([one[2] for one in shown])
    groups, losses = np.arange(len(shown)), np.full(len(shown), 0.5)
    folder.write_arrays(split, SegmentationArrays(names, groups, total, np.stack(confusions), losses, predicted))
    return metrics


def write_mask(path: Path, mask: NDArray[np.uint8], palette: Sequence[Sequence[int]]) -> None:
    """Write a mask as a palette PNG."""
    picture = Image.fromarray(mask)
    picture.putpalette([channel for color in palette for channel in color] + [255] * (3 * (256 - len(palette))))
    picture.save(path)


def confusion_matrix(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], size: int) -> NDArray[np.int64]:
    """Count pixels, a row for each true class."""
    valid = truth < size
    pairs = size * truth[valid].astype(np.int64) + prediction[valid]
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def accuracy(matrix: NDArray[np.int64]) -> float:
    return float(np.diagonal(matrix).sum() / matrix.sum())


def mean_iou(matrix: NDArray[np.int64]) -> float:
    both, either = np.diagonal(matrix), matrix.sum(0) + matrix.sum(1) - np.diagonal(matrix)
    return float((both[either > 0] / either[either > 0]).mean())


def mask_metrics(matrix: NDArray[np.int64], images: int, classes: Sequence[str]) -> SplitMetrics:
    """Return the metrics of a segmenter's split; average precision is made up from the IoU."""
    rows, columns, hits = matrix.sum(1), matrix.sum(0), np.diagonal(matrix)
    per_class = {}
    for i, name in enumerate(classes):
        iou = hits[i] / max(rows[i] + columns[i] - hits[i], 1)
        per_class[name] = {
            "pixel_fraction": fraction(rows[i] / matrix.sum(), 800),
            "ap": fraction(iou**0.7, 400),
            "ap_softmax": fraction(iou**0.8, 400),
            "iou": fraction(iou, 400),
            "recall": fraction(hits[i] / max(rows[i], 1), 400),
            "precision": fraction(hits[i] / max(columns[i], 1), 400),
            "f1": fraction(2 * hits[i] / max(rows[i] + columns[i], 1), 400),
        }
    overall = {
        whole: fraction(float(np.mean([one[key].value for one in per_class.values()])), 1500)
        for whole, key in (("mean_ap", "ap"), ("mean_ap_softmax", "ap_softmax"), ("mean_iou", "iou"))
    }
    overall |= {"accuracy": fraction(accuracy(matrix), 1500), "log_loss": Estimate(0.55)}
    return SplitMetrics(
        images=images,
        groups=images // 2,
        count=int(matrix.sum()),
        overall=overall,
        per_class=per_class,
        support={name: int(rows[i]) for i, name in enumerate(classes)},
    )


def pr_curves(metrics: SplitMetrics, key: str) -> dict[str, Curve]:
    """Return curves whose area is about the average precision and that end at the class's fraction."""
    recall = np.linspace(0, 1, 101)
    curves = {}
    for name, one in metrics.per_class.items():
        area, base = one[key].value, one["pixel_fraction"].value
        power = max((1 - base) / max(area - base, 0.02) - 1, 0.05)
        falling = base + (1 - base) * (1 - recall ** (1 / power))
        curves[name] = Curve(recall=tuple(recall.round(4).tolist()), precision=tuple(falling.round(4).tolist()))
    return curves


def write_masks_record(
    folder: Path, classes: Sequence[str], palette: Sequence[tuple[int, int, int]], shown: Sequence[Triple]
) -> Path:
    """Write a folder of predicted masks, with one photo that could not be read."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for index, (photo, _, prediction) in enumerate(shown):
        stem = f"front-{index + 1}"
        Image.fromarray(photo).save(folder / f"{stem}.photo.jpg", quality=88)
        write_mask(folder / f"{stem}.mask.png", prediction, palette)
        counts = np.bincount(prediction.ravel(), minlength=len(classes)) / prediction.size
        photos.append(
            PhotoPrediction(
                file=f"pictures/{stem}.jpg",
                width=photo.shape[1],
                height=photo.shape[0],
                mask=f"{stem}.mask.png",
                overlay=f"{stem}.overlay.png",
                photo=f"{stem}.photo.jpg",
                class_fractions={name: float(counts[i]) for i, name in enumerate(classes)},
            )
        )
    prediction_record(folder).write(
        PredictionRecord(
            model="runs/facades-fast",
            task="segmentation",
            dataset="Made-up facades",
            preset="fast",
            classes=tuple(classes),
            palette=tuple(palette),
            photos=tuple(photos),
            errors=(PhotoError(file="pictures/notes.txt", reason="is no image"),),
        )
    )
    return folder


def write_labels_record(folder: Path, classes: Sequence[str], photos: int = 2) -> Path:
    """Write a folder of predicted classes, without photos."""
    folder.mkdir(parents=True, exist_ok=True)
    confidence = np.linspace(0.9, 0.5, photos)
    predictions = tuple(
        PhotoPrediction(
            file=f"item-{i}.png",
            width=28,
            height=28,
            label=classes[i],
            probability=float(confidence[i]),
            probabilities={
                name: float(confidence[i] if k == i else (1 - confidence[i]) / (len(classes) - 1))
                for k, name in enumerate(classes)
            },
        )
        for i in range(photos)
    )
    prediction_record(folder).write(
        PredictionRecord(
            model="runs/garments-fast",
            task="classification",
            dataset="Made-up garments",
            preset="fast",
            classes=tuple(classes),
            photos=predictions,
        )
    )
    return folder
