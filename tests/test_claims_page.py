"""The page of the claims is copied into the documentation."""

import sys
from pathlib import Path

import msgspec
import pytest

import claims_page
import results_store
from sweep_factories import write_sweep


def test_the_page_says_where_it_was_measured_and_is_in_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, docs = tmp_path / "runs" / "claims", tmp_path / "docs"
    for name in ("garments", "garments-half"):
        folder = write_sweep(claims / name, [{}], [[0.8, 0.9]], [[0.8, 0.9]])  # two seconds a run
        for run in folder.info.read().runs:
            info = folder.run(run.name).info
            info.write(msgspec.structs.replace(info.read(), machine="a machine"))
    (claims / "claims.md").write_text("# The claims\n\nThe method.\n\n## 1. A claim\n")
    docs.mkdir()
    (docs / "index.md").write_text("# Results\n\n```{toctree}\nresults\nstreets\n```\n")
    monkeypatch.setattr(results_store, "PAGES", docs)
    monkeypatch.setattr(sys, "argv", ["claims_page.py", str(tmp_path / "runs")])
    claims_page.main()
    head, measured, rest = (docs / "claims.md").read_text().split("\n\n", 2)
    assert head == "# The claims"
    assert "measured this on a machine, with Seamline 0: 4 runs in 2 sweeps, whose times add up to 8.0 s." in measured
    assert rest == "The method.\n\n## 1. A claim\n"
    claims_page.main()
    assert (docs / "index.md").read_text() == "# Results\n\n```{toctree}\nresults\nclaims\nstreets\n```\n"
