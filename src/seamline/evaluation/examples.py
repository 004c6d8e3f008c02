"""Images that the report shows: of a classifier a sheet of each confusion cell's, of a segmenter the best and worst."""

import io
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from seamline.data.image_io import encode_jpeg
from seamline.data.masks import Color, downscale_mask, encode_mask
from seamline.data.preprocess import downscale
from seamline.evaluation.bootstrap import ratio
from seamline.evaluation.calibration import confidences
from seamline.evaluation.evaluate import Evaluation
from seamline.run_folder import MAX_PER_CELL, ExampleSheet, ImageMetrics, MaskExample, SheetExample

SAMPLE_PIXELS = 1_000_000
"""Pixels up to which a random sample fills a sheet: 1,275 images of 28 x 28 pixels, 244 of 64 x 64."""

COLUMNS = 32
THUMBNAIL_SIDE = 64
"""The longer side of an image on a sheet."""

PER_BUCKET = 2
"""Examples shown of the best, of the median and of the worst images of a segmenter."""

MAX_SIDE = 512
_JPEG_QUALITY = 88


def choose_examples(
    evaluation: Evaluation, temperature: float, count: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Choose images cell by cell, row by row of the confusion matrix, the most confident of each cell first.

    Args:
        evaluation: of a classifier on a split.
        temperature: what logits are divided by.
        count: a random sample, the same each time, is added to the most confident ones of each cell up to this number.

    Returns:
        (M,) int64 indices of the chosen images, and (N,) confidences of all images.
    """
    confidence = confidences(evaluation.sample.logits[:, :, 0].astype(np.float64), temperature)
    cell = evaluation.split.labels * len(evaluation.classes) + evaluation.predicted
    order = np.lexsort((-confidence, cell))  # by cell, the most confident first
    sorted_cells = cell[order]
    rank_in_cell = np.arange(len(order)) - np.searchsorted(sorted_cells, sorted_cells)
    chosen = rank_in_cell < MAX_PER_CELL
    others = np.flatnonzero(~chosen)
    n_others = min(len(others), max(0, count - int(chosen.sum())))
    chosen[np.random.default_rng(0).choice(others, n_others, replace=False)] = True
    return order[chosen], confidence


def example_sheet(evaluation: Evaluation, temperature: float, *, sample: bool = False) -> tuple[ExampleSheet, bytes]:
    """Return examples of each cell of the confusion matrix, and their images as one PNG.

    Args:
        evaluation: of a classifier on a split.
        temperature: what logits are divided by before a confidence is read from them.
        sample: whether all images are shown where these have at most `SAMPLE_PIXELS` pixels, else a random sample too.

    Returns:
        What `evaluation/SPLIT.json` holds of the sheet, and `evaluation/SPLIT.png`.
    """
    split = evaluation.split
    pixels = downscale(np.asarray(split.images[0]), THUMBNAIL_SIDE)[..., 0].size
    chosen, confidence = choose_examples(evaluation, temperature, SAMPLE_PIXELS // pixels if sample else 0)
    images = np.stack([downscale(image, THUMBNAIL_SIDE) for image in split.images[chosen]])
    examples = [
        SheetExample(
            name=split.names[i],
            ground_truth=int(split.labels[i]),
            prediction=int(evaluation.predicted[i]),
            confidence=round(float(confidence[i]), 4),
        )
        for i in chosen
    ]
    height, width = images.shape[1:3]
    return ExampleSheet(tile=(height, width), columns=COLUMNS, examples=tuple(examples)), sheet_png(images, COLUMNS)


def sheet_png(images: NDArray[np.uint8], columns: int) -> bytes:
    """Lay images out row by row without gaps, as a PNG.

    Args:
        images: (M, H, W, C) uint8.
        columns: images per row.

    Returns:
        The file.
    """
    buffer = io.BytesIO()
    sheet_image(images, columns).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def sheet_jpeg(images: NDArray[np.uint8], columns: int) -> bytes:
    """Lay photos (M, H, W, C) uint8 out as `sheet_png` does, as a JPEG."""
    buffer = io.BytesIO()
    sheet_image(images, columns).save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def sheet_image(images: NDArray[np.uint8], columns: int) -> Image.Image:
    """Lay images (M, H, W, C) uint8 out row by row without gaps; arguments as for `sheet_png`."""
    count, height, width, channels = images.shape
    rows = max(1, -(-count // columns))
    padded = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    padded[:count] = images
    sheet = padded.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet)


def rank_images(evaluation: Evaluation) -> tuple[list[int], tuple[ImageMetrics, ...]]:
    """Rank the images with a pixel that counts by the mean IoU of the classes that they show or that are predicted.

    Args:
        evaluation: of a segmenter on a split.

    Returns:
        Their indices, the highest mean IoU first, and what `evaluation/SPLIT.json` holds of each.
    """
    matrices, split = evaluation.counts.matrices, evaluation.split
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    union = matrices.sum(1) + matrices.sum(2) - hits
    mean_iou = ratio(np.nansum(ratio(hits, union), axis=1), np.count_nonzero(union, axis=1))
    accuracy = ratio(hits.sum(1), matrices.sum((1, 2)))
    order = [i for i in np.argsort(-mean_iou, kind="stable").tolist() if union[i].any()]
    return order, tuple(
        ImageMetrics(
            name=split.names[i],
            group=int(split.groups[i]),
            accuracy=round(float(accuracy[i]), 6),
            mean_iou=round(float(mean_iou[i]), 6),
        )
        for i in order
    )


def choose_buckets(count: int) -> list[tuple[str, int]]:
    """Choose which of `count` ranked images are shown: (bucket, rank from 0), none of them twice.

    The best and the worst take precedence where there are too few for all.
    """
    middle = (count - PER_BUCKET) // 2
    wanted = {
        "best": range(PER_BUCKET),
        "worst": range(count - 1, count - 1 - PER_BUCKET, -1),
        "median": range(middle, middle + PER_BUCKET),
    }
    buckets: dict[int, str] = {}
    for bucket, ranks in wanted.items():
        for rank in ranks:
            if 0 <= rank < count:
                buckets.setdefault(rank, bucket)
    return [(bucket, rank) for rank, bucket in sorted(buckets.items())]


def mask_examples(
    evaluation: Evaluation,
    order: Sequence[int],
    images: Sequence[ImageMetrics],
    palette: Sequence[Color],
    references: Sequence[str] = (),
) -> tuple[tuple[MaskExample, ...], dict[str, bytes]]:
    """Return the best, the median and the worst images, then reference images, each with its masks.

    Args:
        evaluation: of a segmenter on a split.
        order: indices of its images, the best first.
        images: their metrics, in this order.
        palette: K colors of the classes.
        references: names of images that are always shown; those that are not in the split are left out, and none is
            shown twice.

    Returns:
        What `evaluation/SPLIT.json` holds of them, and their files by name.
    """
    examples, files = [], {}
    numbers: Counter[str] = Counter()
    split = evaluation.split
    chosen = choose_buckets(len(order))
    others = {one.name: rank for rank, one in enumerate(images) if rank not in {rank for _, rank in chosen}}
    chosen += [("reference", others[name]) for name in references if name in others]
    for bucket, rank in chosen:
        index, metrics = order[rank], images[rank]
        numbers[bucket] += 1
        stem = f"{bucket}-{numbers[bucket]}"
        example = MaskExample(
            name=metrics.name,
            bucket=bucket,  # type: ignore[arg-type]
            rank=rank + 1,
            accuracy=metrics.accuracy,
            mean_iou=metrics.mean_iou,
            image=f"{stem}.jpg",
            ground_truth=f"{stem}.ground_truth.png",
            prediction=f"{stem}.prediction.png",
        )
        files[example.image] = encode_jpeg(split.images[index], MAX_SIDE, _JPEG_QUALITY)
        masks = split.labels[index].astype(np.uint8), evaluation.predicted[index].astype(np.uint8)
        for name, mask in zip((example.ground_truth, example.prediction), masks, strict=True):
            files[name] = encode_mask(downscale_mask(mask, MAX_SIDE), palette)
        examples.append(example)
    return tuple(examples), files
