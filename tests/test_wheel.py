"""The wheel holds all that a prediction needs, and predicts from another folder without a network."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from run_factories import save_photo
from seamline.inference.pretrained import PRETRAINED

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    assert wheel.stat().st_size < 20_000_000
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "site")
    return folder / "site"


def test_all_files_that_are_no_programs_are_in_it(unpacked: Path) -> None:
    here, there = ROOT / "src" / "seamline", unpacked / "seamline"
    files = {file.relative_to(here) for file in here.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert files == {file.relative_to(there) for file in there.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", PRETRAINED)
def test_it_predicts_from_another_folder_with_the_network_cut_off(unpacked: Path, tmp_path: Path, name: str) -> None:
    photo = save_photo(tmp_path / "photo.jpg", 300, 400)
    cut = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*cut, "true"], capture_output=True).returncode:
        cut = []  # no namespaces here: the proxies below still refuse
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    settings = os.environ | nowhere | {"PYTHONPATH": str(unpacked), "SEAMLINE_DATA": "", "OMP_NUM_THREADS": "1"}
    words = [*cut, sys.executable, "-m", "seamline", "predict", name, str(photo)]
    done = subprocess.run(words, cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "predictions" / name / "predictions.json").is_file()
    where = "import seamline; print(seamline.__file__)"
    found = subprocess.run([sys.executable, "-c", where], cwd=tmp_path, env=settings, capture_output=True, text=True)
    assert found.stdout.startswith(str(unpacked))
