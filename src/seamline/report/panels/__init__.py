"""The panels, in the order in which a person asks: run contents -> Panel, or None where nothing is known."""

from collections.abc import Callable

from seamline.report.contents import Contents
from seamline.report.panels.audit import audit
from seamline.report.panels.calibration import calibration
from seamline.report.panels.cases import cases
from seamline.report.panels.classes import classes
from seamline.report.panels.confusion import confusion
from seamline.report.panels.gallery import gallery
from seamline.report.panels.kernels import kernels
from seamline.report.panels.labels import labels
from seamline.report.panels.oddities import oddities
from seamline.report.panels.panel import Panel
from seamline.report.panels.photos import photos
from seamline.report.panels.precision import precision
from seamline.report.panels.readouts import readouts
from seamline.report.panels.rerun import rerun
from seamline.report.panels.training import training

__all__ = ["PANELS", "Panel"]

PANELS: tuple[Callable[[Contents], Panel | None], ...] = (
    training,
    confusion,
    classes,
    precision,
    cases,
    gallery,
    labels,
    photos,
    kernels,
    readouts,
    calibration,
    oddities,
    audit,
    rerun,
)
