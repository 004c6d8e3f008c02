"""docs/reliability.md, from what was found."""

from pathlib import Path
from typing import Any

from seamline.data.files import write_json

DOCS = Path(__file__).parent.parent / "docs"


def write(torture: dict[str, Any]) -> None:
    """Keep what the trials found, and write the page."""
    write_json(DOCS / "reliability.json", {"torture": torture})
