"""The page of `bench/buildings.py`, and its pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import building_metrics as metrics
from results_store import IMAGES
from seamline.data.image_io import read_image
from seamline.run_folder import Front

CREDITS = {
    "streets": "https://github.com/a-hwang/building-facade-segmentation, CC BY 4.0",
    "windows": "https://github.com/Urban-Research-Lab/building-facades-advertising-dataset, CC0 1.0",
}
SHOWN = 12
CELLS = {"streets": (320, 320), "windows": (400, 250)}
"""Width and height of a photo in a picture, in pixels."""

LABEL = (108, 17)
"""Width and height of the text on a front."""

FRONT, WINDOW, OTHER_OPENING, TRUE = (255, 220, 0), (255, 110, 0), (255, 0, 255), (255, 255, 255)

INTRODUCTION = """
Fronts are measured as `seamline measure` does, and compared with the annotations of two datasets: `streets`, photos of
Swiss streets with polygons, and `windows`, street fronts of Saint Petersburg with boxes. Their splits are by scene.
Rules and thresholds were chosen and intervals fitted on the validation photos. Parentheses give 95 % bootstrap
intervals over scenes. `python bench/buildings.py --val --test --synthetic 500 --speed` with `SEAMLINE_DATA` set writes
this page.
""".strip()

FRONTS = """
A true front is a facade's polygon with the windows, balconies and shops on it, from 3 % of the photo on, or 10 %
without windows. A polygon may outline a building with two sides, so the fronts measured on it match it together if
their IoU with it is 0.5 or more; `one front` is the fraction for which one front alone has that IoU. What trees and
vehicles hide does not count. The true ratio is that of the polygons after the same rectification. A front without a
match counts as wrong. For `corners by hand` four corners of a rectangle on the wall were marked by eye in 30 test
photos, half of them of each dataset, before the program was run. The windows of `windows` are boxes there, which are
nearly outlines, because its fronts are nearly frontal, and shop windows count as windows.
""".strip()

WINDOWS = """
Windows match at an IoU of 0.5, the most probable first: with polygons in `streets`, with boxes in `windows`. In
`windows` shop windows have boxes too, so that they count as windows, and windows that the photo's edge cuts off do not
count. `number` is the fraction of photos in which the number of windows is off by at most 10 % or one.
""".strip()

STOREYS = """
Storeys were counted by eye before the program was run; `bench/truth/storeys.json` states the rule. The synthetic fronts
are houses of the synthetic facades under random perspective, seen from 10 to 50 degrees to the side. They are
measured from their true labels, so that they show the errors of the geometry alone.
""".strip()


def page(results: Mapping[str, Any]) -> str:
    """Return the text of the page."""
    splits = {name: results[name] for name in ("val", "test") if name in results}
    parts = [
        "# Measures of buildings",
        INTRODUCTION.replace("\n", " "),
        f"{results.get('machine', '')}.",
        "## Window-to-wall ratios",
        FRONTS.replace("\n", " "),
        _front_table(splits),
        _interval_text(splits),
        "## Windows",
        WINDOWS.replace("\n", " "),
        _window_table(splits),
        "## Storeys and rectification",
        STOREYS.replace("\n", " "),
        _storey_table(splits, results.get("synthetic")),
        *_synthetic_text(results.get("synthetic")),
        *_speed_text(results.get("speed")),
        *_pictures_text(results.get("pictures")),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_table(splits: Mapping[str, Any]) -> str:
    rows = ["| photos | fronts | found | one front | within 0.05 | within 0.10 |", "| --- " * 6 + "|"]
    for split, of in splits.items():
        fronts = of["fronts"]
        cells = [estimate(fronts[name]) for name in ("coverage", "single", "close", "near")]
        rows.append(f"| {title(split)} of `streets` | {fronts['count']} | {' | '.join(cells)} |")
        if (corners := of["corners"])["count"]:
            cells = [estimate(corners[name]) for name in ("close", "near")]
            rows.append(f"| {title(split)}, corners by hand | {corners['count']} | | | {' | '.join(cells)} |")
    return "\n".join(rows)


def _interval_text(splits: Mapping[str, Any]) -> str:
    sentences = []
    for split, of in splits.items():
        fronts = of["fronts"]
        if fronts["median_error"] is not None:
            sentences.append(f"The median error of matched fronts is {fronts['median_error']:.3f} on {title(split)}.")
        if fronts["width"] is not None:
            covered = estimate(fronts["intervals"]["covered"])
            sentences.append(
                f"The 90 % intervals contain the truth of {covered} of {fronts['intervals']['count']} fronts on "
                f"{title(split)}; their mean width is {fronts['width']:.3f}."
            )
    if len(sentences) > len(splits):
        sentences.append(
            "The level is approximate: the validation photos show eight scenes, and intervals that are guaranteed to "
            "contain the truth with 90 % need nine."
        )
    return " ".join(sentences)


def _window_table(splits: Mapping[str, Any]) -> str:
    rows = ["| photos | precision | recall | number |", "| --- " * 4 + "|"]
    for split, of in splits.items():
        for dataset, windows in of["windows"].items():
            number = estimate(of["numbers"]["close"]) if dataset == "windows" else ""
            cells = [estimate(windows["precision"]), estimate(windows["recall"]), number]
            rows.append(f"| {title(split)} of `{dataset}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def _storey_table(splits: Mapping[str, Any], synthetic: Mapping[str, Any] | None) -> str:
    rows = ["| fronts | number | exact | within one |", "| --- " * 4 + "|"]
    named = [(f"{title(split)} of both datasets", of["storeys"]) for split, of in splits.items()]
    for name, of in [*named, *([("synthetic", synthetic)] if synthetic else [])]:
        rows.append(f"| {name} | {of['count']} | {estimate(of['exact'])} | {estimate(of['within_one'])} |")
    return "\n".join(rows)


def _synthetic_text(synthetic: Mapping[str, Any] | None) -> list[str]:
    if not synthetic:
        return []
    found = estimate(synthetic["rectified"]["rectified"])
    return [
        "The homography of synthetic fronts is known. The median angle between the axes of the rectified plane and the "
        f"true verticals and horizontals in it is {synthetic['median_degrees']:.2f}°. Vanishing points are found in "
        f"{found} of the fronts."
    ]


def _speed_text(speed: Mapping[str, Any] | None) -> list[str]:
    if not speed:
        return []
    seconds = sorted(speed["seconds"])
    return [
        "## Time",
        f"`seamline measure` takes {seconds[len(seconds) // 2]:.1f} s ({seconds[0]:.1f} to {seconds[-1]:.1f} in "
        f"{len(seconds)} runs) for a photo of {speed['width']} × {speed['height']} pixels, from a cold start to all "
        "files.",
    ]


def _pictures_text(split: str | None) -> list[str]:
    if not split:
        return []
    text = [
        f"## Twelve {title(split)} of each dataset",
        "Evenly from the worst to the best: in `streets` by the largest error of a ratio, in `windows` by the windows "
        "that are wrong or missed. Fronts are yellow, windows orange, doors and shop windows magenta, the true windows "
        "white.",
    ]
    for dataset, credit in CREDITS.items():
        text += [f"![Twelve photos of {dataset} with fronts](../images/buildings-{dataset}.jpg)", f"Photos: {credit}."]
    return text


def title(split: str) -> str:
    """Return the name of a split's photos."""
    return {"val": "validation photos", "test": "test photos"}[split]


def estimate(of: Mapping[str, float | None]) -> str:
    """Return `0.85 (0.80 to 0.90)`, and a dash for nothing to measure."""
    if of["value"] is None or np.isnan(of["value"]):
        return "–"
    if of["low"] is None or of["high"] is None:
        return f"{of['value']:.2f}"
    return f"{of['value']:.2f} ({of['low']:.2f} to {of['high']:.2f})"


def draw_pictures(photos: Mapping[str, Sequence[tuple[Path, Sequence[Front], metrics.Truth]]]) -> None:
    """Draw twelve photos of each dataset, evenly spaced in their order."""
    for dataset, ranked in photos.items():
        rows = np.linspace(0, len(ranked) - 1, SHOWN).round().astype(int)
        cells = [
            draw_photo(file, fronts, truth, CELLS[dataset]) for file, fronts, truth in (ranked[row] for row in rows)
        ]
        grid = np.vstack([np.hstack(cells[start : start + 3]) for start in range(0, SHOWN, 3)])
        Image.fromarray(grid).save(IMAGES / f"buildings-{dataset}.jpg", quality=82)


def draw_photo(
    file: Path, fronts: Sequence[Front], truth: metrics.Truth, cell_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Draw fronts and windows over a photo, with the ratio and the storeys of each front: a cell of the picture."""
    photo, (width, height) = read_image(file), cell_size
    scale = min(width / photo.shape[1], height / photo.shape[0])
    size = round(scale * photo.shape[1]), round(scale * photo.shape[0])
    drawn = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    for window in truth.windows:
        _draw_outline(drawn, scale * window, TRUE, 1)
    for front in fronts:
        for opening in front.openings:
            color = WINDOW if opening.kind == "window" else OTHER_OPENING
            _draw_outline(drawn, scale * np.array(opening.photo_outline), color, 1)
        outline = scale * np.array(front.outline)
        _draw_outline(drawn, outline, FRONT, 2)
        x, y = np.clip(outline.min(0).astype(int), 0, (size[0] - LABEL[0], size[1] - LABEL[1])).tolist()
        cv2.rectangle(drawn, (x, y), (x + LABEL[0], y + LABEL[1]), (0, 0, 0), -1)
        text = f"{front.wwr.value:.2f}, {len(front.storeys)} storeys"
        cv2.putText(drawn, text, (x + 4, y + LABEL[1] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, FRONT, 1, cv2.LINE_AA)
    cell = np.full((height, width, 3), 255, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = drawn
    return cell


def _draw_outline(
    image: NDArray[np.uint8], points: NDArray[np.float64], color: tuple[int, int, int], width: int
) -> None:
    fixed = [np.rint(16 * (points - 0.5)).astype(np.int32)]  # with four binary places
    cv2.polylines(image, fixed, True, color, width, cv2.LINE_AA, 4)
