"""What a panel is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seamline.report.drawing import Drawing


@dataclass(frozen=True)
class Panel:
    """One part of the page.

    Attributes:
        name: its anchor on the page, and its template: `templates/panels/NAME.html`.
        title: its heading.
        values: what the template shows.
        drawings: file name without its ending -> figure, to be written for a paper.
    """

    name: str
    title: str
    values: Mapping[str, Any]
    drawings: Mapping[str, Drawing] = field(default_factory=dict)
