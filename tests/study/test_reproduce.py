"""Both halves of the study in one go, on small images that stand in for the synthetic ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers import Lines
from seamline.api.training import evaluate
from seamline.data.dataset import Dataset
from seamline.errors import DatasetUnavailableError, SeamlineError
from seamline.study import photos, reproduce
from seamline.study.measures import MEASURES

pytestmark = pytest.mark.usefixtures("no_figure_files")

QUICK: dict[str, Any] = {"epochs": 1}


@pytest.fixture
def asked(sides: Dataset, streets: Dataset, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path | None]]:
    """Let no real images be had, and small ones stand in for the synthetic ones; what is asked for is kept."""
    calls: list[tuple[str, Path | None]] = []

    def load(name: str, folder: Path | None = None, **others: Any) -> Dataset:
        calls.append((name, folder))
        if not name.startswith("synthetic"):
            raise DatasetUnavailableError(f"{name} is not on this machine")
        return sides if name == "synthetic-fashion" else streets

    def library_photo() -> tuple[Any, Any]:
        return np.full((60, 80, 3), 90, dtype=np.uint8), np.zeros((60, 80), dtype=np.uint8)

    monkeypatch.setattr(reproduce, "load", load)
    monkeypatch.setattr(photos, "library_photo", library_photo)
    return calls


def test_both_halves_are_run_and_linked(asked: list[tuple[str, Path | None]], tmp_path: Path) -> None:
    teller = Lines()
    runs = reproduce.reproduce(**QUICK, out=tmp_path, threads=1, progress=teller)
    assert [run.path.name for run in runs] == ["sides-fast", "walls-fast"]
    assert [name for name, _ in asked] == [
        "fashion-mnist",
        "synthetic-fashion",
        "facades",
        "cmp-facades",
        "synthetic-facades",
    ]
    told = "\n".join(teller.lines)
    assert "The real garments are not available: fashion-mnist is not on this machine" in told
    assert "The real facades are not available: facades is not on this machine" in told
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    for run in runs:
        assert f"{run.path.name}/report.html" in index
    with Image.open(runs[1].path / "predictions" / "synthetic-library-front.mask.png") as mask:
        assert (mask.mode, mask.size) == ("P", (80, 60))
    report = runs[1].report.read_text(encoding="utf-8")
    assert "library-front" in report
    assert (runs[1].path / "measures" / "measures.json").is_file()
    assert 'href="measures/report.html"' in report
    assert runs[1].folder.findings.read()[-1].name == MEASURES

    written = {file: file.stat().st_mtime_ns for run in runs for file in run.path.rglob("*") if file.is_file()}
    reproduce.reproduce(**QUICK, out=tmp_path, threads=1)
    assert {file: file.stat().st_mtime_ns for file in written} == written  # what is finished is used again


def test_one_half_alone_with_a_photo_of_the_users_own(
    asked: list[tuple[str, Path | None]], streets: Dataset, tmp_path: Path
) -> None:
    photo = tmp_path / "my house.jpg"
    Image.new("RGB", (50, 40), (180, 170, 160)).save(photo)
    (run,) = reproduce.reproduce(**QUICK, out=tmp_path / "runs", study="facades", images=(photo,), threads=1)
    assert (run.path / "predictions" / "my house.overlay.png").is_file()
    measures = run.folder.measures.read()
    files = [one.file for one in measures.photos] + [one.file for one in measures.errors]
    assert files == [str(photo)]  # a plain wall, or nothing
    assert sum(finding.name == MEASURES for finding in run.folder.findings.read()) == 1
    before = run.folder.findings.read()
    evaluate(run, streets)  # again
    assert run.folder.findings.read() == before
    with pytest.raises(SeamlineError, match="--study shoes: no such study; the studies are garments, facades"):
        reproduce.reproduce(out=tmp_path / "runs", study="shoes")
    with pytest.raises(SeamlineError, match=r"--image .*applies to the facades only"):
        reproduce.reproduce(out=tmp_path / "runs", study="garments", images=(photo,))
    with pytest.raises(SeamlineError, match=r"nowhere\.jpg: not found"):
        reproduce.reproduce(out=tmp_path / "runs", images=(tmp_path / "nowhere.jpg",))


def test_the_folder_holds_a_folder_for_each_set(asked: list[tuple[str, Path | None]], tmp_path: Path) -> None:
    with pytest.raises(SeamlineError, match="contains none of the folders fashion-mnist, facades, cmp-facades"):
        reproduce.reproduce(**QUICK, out=tmp_path / "runs", data_dir=tmp_path)
    (tmp_path / "facades").mkdir()
    reproduce.reproduce(**QUICK, out=tmp_path / "runs", data_dir=tmp_path, study="facades", threads=1)
    assert asked[:2] == [("facades", tmp_path / "facades"), ("cmp-facades", None)]
