"""What a person sees: a function of the run folder alone.

The package carries the name of the public function `seamline.report`, and importing a package puts it in the place of
a function of the same name. So that it does not matter who imported what first, it can be called as that function.
"""

import sys
from pathlib import Path
from types import ModuleType


class _Report(ModuleType):
    def __call__(self, run: Path | str) -> Path:
        """Make a run's page again from its folder alone; return the page's path."""
        from seamline.report.page import write_report

        return write_report(Path(run))


sys.modules[__name__].__class__ = _Report
