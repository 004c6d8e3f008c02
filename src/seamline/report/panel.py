"""The parts of the page: what a panel is, and what it shows of a run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seamline.report.run_data import SPLITS, RunData
from seamline.report.svg import Drawing


@dataclass(frozen=True)
class Content:
    """What a panel shows of a run."""

    values: Mapping[str, Any]  # variables of its template
    # file name without its ending -> figure, to be written as SVG and PNG
    figures: Mapping[str, Drawing] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """A part of the page: a row of the table `PANELS`."""

    # its anchor on the page, and its folder: `panels/NAME/` holds the code, `panel.html`, and `panel.css` and
    # `panel.js` where it needs them
    name: str
    title: str  # its heading
    build: Callable[[RunData], Content | None]  # prepares its content; None where the run has nothing to show


def split_tabs(splits: Iterable[str]) -> dict[str, str]:
    """Return the title of the tab of each split, by the split's name."""
    return {split: f"{SPLITS[split].capitalize()} images" for split in splits}
