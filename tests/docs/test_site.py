"""The documentation site builds without a warning and offline, and its diagram shows the imports as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import architecture_diagram

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the extra docs is not installed")
    flags = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--doctree-dir", str(tmp_path / "doctrees")]
    proxies = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *flags, str(DOCS), str(tmp_path / "site")],
        env=os.environ | proxies,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "site" / "index.html").is_file()


def test_the_diagram_shows_the_imports() -> None:
    drawn = architecture_diagram.draw()
    stored = architecture_diagram.FILE.read_text(encoding="utf-8")
    assert drawn == stored, "run python docs/_ext/architecture_diagram.py"
