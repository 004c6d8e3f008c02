"""The wheel, installed without extras: it predicts, serves and reports without PyTorch."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PIL import Image

from report.factories import write_classification_run
from run_factories import save_photo
from seamline.inference.pretrained import PRETRAINED
from server_fixture import served

ROOT = Path(__file__).parent.parent
PYTHON = (sys.executable, "-S")
"""The interpreter without its own installed packages; those of `PYTHONPATH` are the environment."""
RUN_COMMANDS = """
import json, sys
from seamline.cli import app
from seamline.errors import SeamlineError
for words in json.load(sys.stdin):
    try:
        answer = app(words, standalone_mode=False)
    except SeamlineError as error:
        answer = str(error)
    print(json.dumps([" ".join(words), answer]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def site(wheel: Path) -> Path:
    """The packages of an environment after `pip install` of the wheel: it is installed, what it requires is linked."""
    folder = wheel.parent / "site"
    words = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *words, "--target", str(folder), str(wheel)], check=True)
    (installed,) = distributions(path=[str(folder)])
    pending, linked = [*requirements(installed)], set[str]()
    while pending:
        package = distribution(pending.pop())
        if package.name not in linked:
            linked.add(package.name)
            pending += requirements(package)
            for name in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
                if not (folder / name).exists():
                    (folder / name).symlink_to(str(package.locate_file(name)))
    return folder


def requirements(package: Distribution) -> Iterator[str]:
    """The names of the packages that one requires here without extras."""
    for requirement in map(Requirement, package.requires or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


@pytest.fixture
def installed(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of `site` for subprocesses of `PYTHON`, in an empty working folder, which is returned."""
    settings = {"PYTHONPATH": str(site), "SEAMLINE_DATA": "", "OMP_NUM_THREADS": "1"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_files_that_are_no_programs_are_in_it(wheel: Path) -> None:
    assert wheel.stat().st_size < 40_000_000
    source = ROOT / "src"
    files = (file.relative_to(source) for file in source.rglob("*") if file.is_file())
    here = {file for file in files if "__pycache__" not in file.parts}
    with zipfile.ZipFile(wheel) as content:
        there = {Path(name) for name in content.namelist() if ".dist-info/" not in name}
    assert here == there


@pytest.mark.usefixtures("installed")
def test_the_environment_has_no_pytorch_and_its_help_loads_no_backend(site: Path) -> None:
    script = "import sys, seamline; from seamline.cli import app; app(['--help'], standalone_mode=False)\n"
    script += "print({'torch', 'onnxruntime'} & {*sys.modules}, seamline.__file__)"
    done = subprocess.run([*PYTHON, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"set() {site / 'seamline' / '__init__.py'}"
    assert subprocess.run([*PYTHON, "-c", "import torch"], capture_output=True).returncode


@pytest.mark.parametrize("name", PRETRAINED)
def test_it_predicts_from_another_folder_with_the_network_cut_off(installed: Path, name: str) -> None:
    photo = save_photo(installed / "photo.jpg", 300, 400)
    cut = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*cut, "true"], capture_output=True).returncode:
        cut = []  # no namespaces here: the proxies below still refuse
    nowhere = os.environ | {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    words = [*cut, *PYTHON, "-m", "seamline", "predict", name, str(photo)]
    done = subprocess.run(words, env=nowhere, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads((installed / "predictions" / name / "predictions.json").read_text())
    assert len(record["photos"]) == 1


def answers(commands: Sequence[str]) -> dict[str, object]:
    """Run commands in one process of the environment; return their exit status, None for 0, or the line they end in."""
    request = json.dumps([command.split() for command in commands])
    done = subprocess.run([*PYTHON, "-c", RUN_COMMANDS], input=request, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stderr.splitlines() if line.startswith("["))


def test_commands_without_pytorch(installed: Path) -> None:
    write_classification_run(installed / "run")
    shutil.copytree(installed / "run", installed / "same")
    photo = save_photo(installed / "photo.jpg", 300, 400)
    for index in range(8):
        file = installed / "images" / "ab"[index % 2] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.open(photo).rotate(40 * index).save(file)
    commands = ["list", "inspect images", "report run", "compare run same"]
    commands += ["verify garments", "verify facades", "verify streets", "predict garments photo.jpg --report"]
    assert answers(commands) == dict.fromkeys(commands)
    for page in ("run/report.html", "comparison.html", "predictions/garments/report.html"):
        assert (installed / page).is_file()


def test_commands_that_need_pytorch_name_the_command_that_installs_it(installed: Path) -> None:
    write_classification_run(installed / "run")
    save_photo(installed / "photo.jpg")
    needs = "needs torch, which is not installed; pip install 'seamline[train]'"
    export = "run `seamline export run` where PyTorch is installed, or pip install 'seamline[train]'"
    expected = {
        "train images": f"train: {needs}",
        "train images --dry-run": f"train: {needs}",
        "reproduce": f"reproduce: {needs}",
        "evaluate run": f"evaluate: {needs}",
        "export run": "export: needs onnx, which is not installed; pip install 'seamline[export]'",
        "predict garments photo.jpg --backend pytorch": f"--backend pytorch: {needs}",
        "predict garments photo.jpg --device cuda": f"--device cuda: {needs}",
        "predict garments photo.jpg --backend openvino": "OpenVINO, which is not installed; pip install openvino",
        "predict garments images --ray-address local": "not installed; pip install 'seamline[cluster]'",
        "predict run photo.jpg": f"run/model.onnx: not found; ONNX Runtime needs it; {export}",
        "predict nothing photo.jpg": "nothing: not found; name a run folder",
        "predict . photo.jpg": "run.json: not found",
    }
    found = answers([*expected])
    for command, words in expected.items():
        assert words in str(found[command])


def test_it_serves(installed: Path) -> None:
    photo = save_photo(installed / "photo.jpg").read_bytes()
    with served(Path("garments"), python=PYTHON) as (_, port, _):
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/api/predict", photo)
        assert json.load(connection.getresponse())["label"]
        connection.close()
