"""A run -> one ONNX file that gives the same answers elsewhere, checked before it is written."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import onnx

from seamline.data.dataset import Split
from seamline.errors import SeamlineError
from seamline.export.quantize import CALIBRATION_PIXELS, quantise
from seamline.export.to_onnx import trace
from seamline.export.verify import AGREEMENT, CLOSE, Check, answers_of, check, some_of
from seamline.inference.backends import ENGINES, PORTION, open_graph
from seamline.inference.forward import predict_scores
from seamline.inference.predictor import description_of
from seamline.inference.tiled import Ask
from seamline.inference.tta import TTA
from seamline.io import atomic_write
from seamline.training.run_dir import Run

MOST = 1.0
"""Points of accuracy, or of mean average precision, that a faster network may cost."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        file: the ONNX file.
        size: its bytes.
        checks: how it compares with the run's own network, in each engine.
        figure: what `before` and `after` are: `accuracy` or `mean_ap`.
        before: of the run's network on the validation images; None where nothing was made faster.
        after: of the network in the file.
        looks: how it looks at an image, where that is less often than the run's network does.
    """

    file: Path
    size: int
    checks: tuple[Check, ...]
    figure: str
    before: float | None = None
    after: float | None = None
    looks: str | None = None

    @property
    def cost(self) -> float | None:
        """Points, hundredths, that being faster costs."""
        return None if self.before is None or self.after is None else 100 * (self.before - self.after)


def export_run(
    run: Run,
    learned: Split,
    aside: Split,
    out: Path,
    *,
    quick: bool = False,
    int8: bool = False,
    most: float = MOST,
    told: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write a run's network as ONNX.

    Args:
        run: finished.
        learned: the images that it learned from; ranges of whole numbers are found on them.
        aside: its validation images; the file is checked on them, and what is faster is judged by them.
        out: the file to write.
        quick: whether to look at an image as rarely as `most` allows.
        int8: whether to work with whole numbers of eight bits.
        most: points that these may cost together.
        told: called with a line before each long step.

    Raises:
        SeamlineError: the file's answers are not those of the network, or being faster costs too much; nothing is written.
    """
    network = TTA(run.network(), run.recipe().flip)
    if quick and not network.reduced():
        raise SeamlineError(
            f"{out}: not written, because the model uses no test-time augmentation; leave --reduce-tta out"
        )
    ask = partial(predict_scores, network)
    judged = quick or int8
    before = answers_of(ask, aside).worth if judged else math.nan
    best = -math.inf

    def allowed(worth: float) -> bool:
        return not judged or 100 * (before - worth) <= most

    with atomic_write(out) as unchecked:
        for one in network.reduced() if quick else [network]:
            described, after, ask = description_of(run), before, partial(predict_scores, one)
            if quick:
                told(f"trying {one.description}")
                answers = answers_of(ask, aside)
                after = answers.worth
                described |= {"temperature": answers.temperature, "looks": one.description}
                del answers  # of many pixels it is large
            if allowed(after):
                graph, checks = _checked(one, described, ask, aside, unchecked, out, told)
                if int8:
                    after = _in_whole_numbers(graph, learned, aside, unchecked, told)
                    checks = [_check(unchecked, name, ask, described, aside) for name in ENGINES]
            if allowed(after):
                size = unchecked.stat().st_size
                made = Exported(out, size, tuple(checks), _figure(aside), looks=described.get("looks"))
                return replace(made, before=before, after=after) if judged else made
            best = max(best, after)
        what = " and ".join(["reduced test-time augmentation"] * quick + ["whole numbers of eight bits"] * int8)
        raise SeamlineError(
            f"{out}: not written, because with {what} {100 * (before - best):.2f} points of {_figure(aside)} are lost "
            f"on the validation images ({before:.4f} to {best:.4f}); raise --max-drop above {most:g} to allow it"
        )


def _check(file: Path, engine: str, ask: Ask, described: Mapping[str, Any], aside: Split) -> Check:
    return check(file, engine, ask, described["temperature"], aside.images, segments=bool(described["colours"]))


def _checked(
    network: TTA,
    described: Mapping[str, Any],
    ask: Ask,
    aside: Split,
    file: Path,
    out: Path,
    told: Callable[[str], None],
) -> tuple[onnx.ModelProto, list[Check]]:
    """Write a network's graph into `file`, and see in each engine that it answers as the network does."""
    told("tracing the network")
    graph = trace(network, described)
    onnx.save(graph, file)
    checks = []
    for engine, one in ENGINES.items():
        told(f"checking it in {one.title}")
        checks.append(_check(file, engine, ask, described, aside))
        if not checks[-1].passes:
            raise SeamlineError(
                f"{out}: not written, because it would answer otherwise than the run ({checks[-1]}; at most "
                f"{CLOSE:g} and at least {AGREEMENT:.1%} are asked for); use the run folder itself"
            )
    return graph, checks


def _in_whole_numbers(
    graph: onnx.ModelProto, learned: Split, aside: Split, file: Path, told: Callable[[str], None]
) -> float:
    """Write a graph into `file` with whole numbers of eight bits; return what it is worth."""
    told("finding the ranges of whole numbers")
    height, width = learned.images.shape[1:3]
    together = max(1, PORTION // (height * width))
    onnx.save(quantise(graph, some_of(learned.images, CALIBRATION_PIXELS), together), file)
    told("measuring what they cost")
    return answers_of(open_graph(file)[1], aside).worth


def _figure(split: Split) -> str:
    return "accuracy" if split.labels.ndim == 1 else "mean_ap"
