import dataclasses
import itertools
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import seamline.run_folder
from run_folder_reference import FILES, MEASURES, SUGGESTIONS, SWEEP, describe, fields_of, reference
from seamline.run_folder import Estimate, JsonFile, RunFolder, Task

STRUCTS = [
    type_
    for type_ in vars(seamline.run_folder).values()
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct)
]


@pytest.mark.parametrize("type_", STRUCTS, ids=lambda type_: type_.__name__)
def test_every_field_is_described(type_: type[msgspec.Struct]) -> None:
    assert set(describe(type_)) == set(type_.__struct_fields__)


def test_every_struct_belongs_to_a_file() -> None:
    used: dict[type, str] = {Estimate: ""}
    for type_ in (*(type_ for file in FILES for type_ in file.types), MEASURES, SUGGESTIONS, SWEEP):
        expanded: dict[type, str] = {type_: ""}
        list(fields_of(type_, expanded))
        used |= expanded
    assert used.keys() >= set(STRUCTS)


def test_every_path_of_a_run_folder_is_in_the_table() -> None:
    folder = RunFolder(Path("run"))
    files: list[JsonFile[Any]] = [
        *(
            folder.info,
            folder.history,
            folder.metrics,
            folder.calibration,
            folder.novelty,
            folder.findings,
            folder.model_summary,
            folder.kernels,
            folder.integrity,
            folder.building_calibration,
        ),
        *(
            folder.linear_probes,
            folder.class_analysis,
            folder.before_after,
            folder.label_issues,
            folder.training_images,
            folder.results("SPLIT"),
            folder.predictions,
            folder.measures,
        ),
    ]
    paths = [file.path for file in files] + [
        *(folder.weights_file, folder.checkpoint_dir, folder.arrays_file("SPLIT"), folder.sheet_file("SPLIT")),
        *(folder.index_file, folder.stored_images_file, *folder.mask_sheet_files("SPLIT")),
        *(
            path
            for task, augmented in itertools.product(get_args(Task), (False, True))
            for path in folder.training_sheet_files(task, augmented=augmented)[: 1 + (task == "segmentation")]
        ),
        *(
            folder.examples_dir("SPLIT"),
            folder.label_issues_sheet,
            folder.class_means_sheet,
            folder.report_file,
            folder.figures_dir,
        ),
        *(folder.onnx_file(reduced_tta=reduced, int8=int8) for reduced in (False, True) for int8 in (False, True)),
    ]
    listed = {path.rstrip("/") for file in FILES for path in file.path.split(", ")}
    assert {path.relative_to("run").as_posix() for path in paths} == listed


def test_fields_are_named_by_their_path() -> None:
    fields = {field.path: field for file in FILES for type_ in file.types for field in fields_of(type_)}
    assert fields["layers[].fractions.*.fraction"].type == "estimate"
    assert fields["curves.*.*.recall"].type == "list of number"
    assert fields["model.input_size"].type == "list of 3 × whole number from 1"
    assert (
        fields["train"].description
        == "of the training images, or of a sample of them, by the final weights; its fields are those of `test`."
    )
    assert fields["logits"].description == "(N, K) float32."


def test_the_reference_has_a_row_for_each_field_and_a_section_for_each_file() -> None:
    text = reference()
    assert text.count("\n### ") == len(FILES)
    assert "| `dataset.classes` | list of string | class names; label i means `classes[i]`. |" in text
    assert "object at" not in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all(line.count("|") == 4 for line in rows)
    assert len(rows) == sum(1 for file in FILES for type_ in file.types for _ in fields_of(type_))
    assert all(dataclasses.is_dataclass(type_) or issubclass(type_, msgspec.Struct) for f in FILES for type_ in f.types)
