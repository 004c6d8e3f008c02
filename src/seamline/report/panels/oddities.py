"""What is odd about the images."""

from seamline.report.contents import Contents
from seamline.report.panels.panel import Panel


def oddities(run: Contents) -> Panel | None:
    """List what was odd about the images when they were read; None where nothing was."""
    odd = run.run["dataset"].get("odd") or []
    return Panel("oddities", "What is odd about the images", {"odd": list(odd)}) if odd else None
