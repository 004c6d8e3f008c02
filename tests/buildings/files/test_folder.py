import sys
from pathlib import Path

import pytest

from measures_factories import measures_record
from seamline.buildings.files import missing_packages, write_files

OF_ALL = ["buildings.csv", "failed.csv", "fronts.geojson", "measures.csv", "storeys.csv", "windows.json"]
SVG = ["house.front-1.svg", "house.front-2.svg", "yard.front-1.svg"]
DXF = ["house.front-1.dxf", "house.front-2.dxf", "yard.front-1.dxf"]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_folder_holds_a_file_of_each_format(tmp_path: Path) -> None:
    for package in ("ezdxf", "shapely"):
        pytest.importorskip(package, reason="the extra `buildings` is not installed")
    assert write_files(tmp_path, measures_record()) == ()
    assert names(tmp_path) == sorted([*OF_ALL, *SVG, *DXF, "house.city.json"])  # only the house has a scale


def test_files_that_need_a_missing_package_are_named_and_the_others_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("ezdxf", "shapely"):
        monkeypatch.setitem(sys.modules, package, None)
    sentences = write_files(tmp_path, measures_record())
    assert (
        sentences
        == missing_packages()
        == (
            "STEM.front-N.dxf: is not written: needs ezdxf, which is not installed; pip install 'seamline[buildings]'",
            "STEM.city.json: is not written: needs shapely, which is not installed; pip install 'seamline[buildings]'",
        )
    )
    assert names(tmp_path) == sorted([*OF_ALL, *SVG])
