"""The analysis of classes as evaluation writes it, from made-up numbers."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from PIL import Image

from seamline.run_folder import ABSENT, ClassAnalysis, ClassPair, ClassProperties, Estimate, RunFolder


def class_analysis(classes: Sequence[str], side: int = 12, *, outlines: bool = True) -> ClassAnalysis:
    """Return an analysis in which the first pair is confused most often."""

    def estimate(value: float) -> Estimate:
        return Estimate(value, value - 0.02, value + 0.02)

    pairs = [
        ClassPair(
            classes=pair,
            confused=60 - 5 * rank,
            overlap=estimate(0.8 - 0.05 * rank),
            outline_overlap=estimate(0.9 - 0.05 * rank) if outlines else ABSENT,
        )
        for rank, pair in enumerate(list(combinations(range(len(classes)), 2))[:12])
    ]
    return ClassAnalysis(
        images=480,
        tile=(side, side),
        outlines=outlines,
        classes={
            name: ClassProperties(
                recall=estimate(0.8),
                recall_by_sharpness=tuple(estimate(0.7 + 0.1 * part) for part in range(3)),
                edges=estimate(0.3 / (1 + k)),
                spread=estimate(0.5 / (1 + k)),
                orientations={"vertical": estimate(0.3), "horizontal": estimate(0.2)},
            )
            for k, name in enumerate(classes)
        },
        pairs=tuple(pairs),
        n_confused=min(1, len(pairs)),
        overlap_difference=estimate(0.3) if len(pairs) > 1 else ABSENT,
        outline_difference=estimate(0.4) if outlines and len(pairs) > 1 else ABSENT,
        accuracy_by_sharpness=tuple(estimate(0.7 + 0.1 * part) for part in range(3)),
        sharpness_difference=estimate(0.2),
        spread_correlation=Estimate(-0.3, -0.7, 0.2),
    )


def write_class_analysis(folder: RunFolder, classes: Sequence[str], side: int = 12) -> None:
    """Write the analysis and the sheet of means of a classifier's run."""
    folder.class_analysis.write(class_analysis(classes, side))
    Image.fromarray(np.full((2 * side, len(classes) * side), 90, np.uint8)).save(folder.class_means_sheet)
