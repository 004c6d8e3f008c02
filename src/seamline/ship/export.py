"""A run -> one ONNX file that gives the same answers elsewhere, checked before it is written."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx

from seamline.data.dataset import Split
from seamline.data.errors import UserError
from seamline.data.files import replacing
from seamline.learn.blocks import Network
from seamline.learn.runs import Run
from seamline.measure.inference import predict_scores
from seamline.measure.tiles import Ask
from seamline.ship.checks import AGREEMENT, CLOSE, Answers, Check, answers_of, check, some_of
from seamline.ship.engines import ENGINES, PORTION, open_graph
from seamline.ship.looks import fewer, look, looks_of
from seamline.ship.model import description_of
from seamline.ship.quantising import CALIBRATION_PIXELS, quantise
from seamline.ship.tracing import trace

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
        UserError: the file's answers are not those of the network, or being faster costs too much; nothing is written.
    """
    network = run.network()
    described = description_of(run)
    ask = partial(predict_scores, network)
    before = after = None
    if quick:
        told("choosing how often it looks at an image")
        before, chosen = _look_less(network, ask, aside, out, most)
        after = chosen.worth
        described |= {"temperature": chosen.temperature, "looks": str(looks_of(network))}
    segments, temperature = bool(described["colours"]), described["temperature"]
    told("tracing the network")
    graph = trace(network, described)
    with replacing(out) as unchecked:
        onnx.save(graph, unchecked)
        checks = []
        for engine, one in ENGINES.items():
            told(f"checking it in {one.title}")
            checks.append(check(unchecked, engine, ask, temperature, aside.images, segments=segments))
            if not checks[-1].passes:
                raise UserError(
                    f"{out}: not written, because it would answer otherwise than the run ({checks[-1]}; at most "
                    f"{CLOSE:g} and at least {AGREEMENT:.1%} are asked for); use the run folder itself"
                )
        if int8:
            told("finding the ranges of whole numbers")
            height, width = learned.images.shape[1:3]
            together = max(1, PORTION // (height * width))
            if before is None:
                before = answers_of(open_graph(unchecked)[1], aside).worth
            onnx.save(quantise(graph, some_of(learned.images, CALIBRATION_PIXELS), together), unchecked)
            told("measuring what they cost")
            after = answers_of(open_graph(unchecked)[1], aside).worth
            if not 100 * (before - after) <= most:
                what = f"whole numbers of eight bits{' and fewer looks' if quick else ''}"
                raise _too_dear(out, what, before, after, aside, most)
            checks = [check(unchecked, name, ask, temperature, aside.images, segments=segments) for name in ENGINES]
        size = unchecked.stat().st_size
    return Exported(out, size, tuple(checks), _figure(aside), before, after, described.get("looks"))


def _look_less(network: Network, ask: Ask, aside: Split, out: Path, most: float) -> tuple[float, Answers]:
    """Have a network look at an image as rarely as may be; return what it was worth, and what it says now."""
    usual = looks_of(network)
    if not fewer(usual):
        raise UserError(f"{out}: not written, because the network looks at an image only once; leave --quick out")
    before = answers_of(ask, aside).worth
    best = 0.0
    for looks in fewer(usual):
        look(network, looks)
        answers = answers_of(ask, aside)
        if 100 * (before - answers.worth) <= most:
            return before, answers
        best = max(best, answers.worth)
    raise _too_dear(out, "looking at an image less often", before, best, aside, most)


def _too_dear(out: Path, what: str, before: float, after: float, aside: Split, most: float) -> UserError:
    return UserError(
        f"{out}: not written, because with {what} {100 * (before - after):.2f} points of {_figure(aside)} are lost on "
        f"the validation images ({before:.4f} to {after:.4f}); --max-cost allows more than {most:g}"
    )


def _figure(split: Split) -> str:
    return "accuracy" if split.labels.ndim == 1 else "mean_ap"
