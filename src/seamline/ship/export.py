"""A run -> one ONNX file that gives the same answers elsewhere, checked before it is written."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx

from seamline.data.dataset import Split
from seamline.data.errors import UserError
from seamline.data.files import replacing
from seamline.learn.runs import Run
from seamline.measure.inference import predict_scores
from seamline.ship.checks import AGREEMENT, CLOSE, Check, check, some_of, worth
from seamline.ship.engines import ENGINES, PORTION, open_graph
from seamline.ship.model import description_of
from seamline.ship.quantising import CALIBRATION_PIXELS, quantise
from seamline.ship.tracing import trace

MOST = 1.0
"""Points of accuracy, or of mean average precision, that whole numbers of eight bits may cost."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        file: the ONNX file.
        size: its bytes.
        checks: how it compares with the run's own network, in each engine.
        figure: what `before` and `after` are: `accuracy` or `mean_ap`.
        before: of the network of float32 on the validation images; None where nothing was made smaller.
        after: of the one with whole numbers of eight bits.
    """

    file: Path
    size: int
    checks: tuple[Check, ...]
    figure: str
    before: float | None = None
    after: float | None = None

    @property
    def cost(self) -> float | None:
        """Points, hundredths, that whole numbers of eight bits cost."""
        return None if self.before is None or self.after is None else 100 * (self.before - self.after)


def export_run(
    run: Run,
    learned: Split,
    aside: Split,
    out: Path,
    *,
    int8: bool = False,
    most: float = MOST,
    told: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write a run's network as ONNX.

    Args:
        run: finished.
        learned: the images that it learned from; ranges of whole numbers are found on them.
        aside: its validation images; the file is checked on them, and whole numbers are judged by them.
        out: the file to write.
        int8: whether to work with whole numbers of eight bits.
        most: points that these may cost.
        told: called with a line before each long step.

    Raises:
        UserError: the file's answers are not those of the network, or whole numbers cost too much; nothing is written.
    """
    network = run.network()
    described = description_of(run)
    segments, classes = bool(described["colours"]), len(described["classes"])
    ask = partial(predict_scores, network)
    told("tracing the network")
    graph = trace(network, described)
    figure = "mean_ap" if segments else "accuracy"
    with replacing(out) as unchecked:
        onnx.save(graph, unchecked)
        checks = []
        for engine, one in ENGINES.items():
            told(f"checking it in {one.title}")
            checks.append(check(unchecked, engine, ask, described["temperature"], aside.images, segments=segments))
            if not checks[-1].passes:
                raise UserError(
                    f"{out}: not written, because it would answer otherwise than the run ({checks[-1]}; at most "
                    f"{CLOSE:g} and at least {AGREEMENT:.1%} are asked for); use the run folder itself"
                )
        if not int8:
            size = unchecked.stat().st_size
            return Exported(out, size, tuple(checks), figure)
        told("finding the ranges of whole numbers")
        height, width = learned.images.shape[1:3]
        together = max(1, PORTION // (height * width))
        before = worth(open_graph(unchecked)[1], aside, classes)
        onnx.save(quantise(graph, some_of(learned.images, CALIBRATION_PIXELS), together), unchecked)
        told("measuring what they cost")
        after = worth(open_graph(unchecked)[1], aside, classes)
        if not 100 * (before - after) <= most:
            raise UserError(
                f"{out}: not written, because whole numbers of eight bits cost {100 * (before - after):.2f} points of "
                f"{figure} on the validation images ({before:.4f} to {after:.4f}); --max-cost allows more than {most:g}"
            )
        checks = [
            check(unchecked, name, ask, described["temperature"], aside.images, segments=segments) for name in ENGINES
        ]
        size = unchecked.stat().st_size
    return Exported(out, size, tuple(checks), figure, before, after)
