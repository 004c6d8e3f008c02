import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from measures_factories import changed_front, house_photo, measures_record
from seamline.buildings.files.tables import TABLES
from seamline.run_folder import Interval, MeasuresRecord, PhotoError

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBERS = st.floats(-1e14, 1e14)
RECORD = measures_record()
HOUSE = house_photo(fronts=house_photo().fronts[:1])


def rows(name: str, record: MeasuresRecord) -> list[dict[str, str]]:
    """The rows of a table as the csv module reads them."""
    content = TABLES[name].content(record).decode()
    return list(csv.DictReader(io.StringIO(content, newline=""), strict=True))


def text_of(cell: str) -> str:
    """The text that a cell stands for."""
    return cell.removeprefix("'")


def test_a_front_with_a_scale_has_all_its_measures() -> None:
    row = rows("measures.csv", measures_record())[0]
    assert row == {
        "photo": "street/house.jpg",
        "front": "1",
        "building": "Main Street 1",
        "method": "vanishing points",
        "windows": "8",
        "storeys": "3",
        "columns": "4",
        "doors": "1",
        "shops": "1",
        "wwr": "0.1325",
        "wwr_low": "0.1",
        "wwr_high": "0.17",
        "balcony_fraction": "0.02",
        "hidden_fraction": "0.05",
        "window_aspect": "0.8",
        "width_m": "16.0",
        "height_m": "12.0",
        "area_m2": "192.0",
        "window_area_m2": "25.44",
        "azimuth": "181.5",
        "direction": "S",
        "latitude": "48.137154",
        "longitude": "11.576124",
        "gps_accuracy_m": "4.5",
        "windows_exact": "0.62",
        "windows_within_one": "0.85",
        "storeys_exact": "0.9",
        "storeys_within_one": "0.99",
        "cut_off": "",
        "usable": "1.0",
        "residual_degrees": "0.25",
        "inferred_windows": "1",
        "dropped": "3",
        "novelty": "0.7",
        "notes": "The door is one by its position. One window is hidden by a tree.",
    }


def test_what_is_unknown_is_an_empty_cell() -> None:
    _, garage, yard = rows("measures.csv", measures_record())
    assert garage["cut_off"] == "right bottom"
    assert {name for name, cell in yard.items() if not cell} == {
        "building", "wwr_low", "wwr_high", "window_aspect", "width_m", "height_m", "area_m2", "window_area_m2",
        "azimuth", "direction", "latitude", "longitude", "gps_accuracy_m", "windows_exact", "windows_within_one",
        "storeys_exact", "storeys_within_one", "cut_off", "residual_degrees", "notes",
    }  # fmt: skip


def test_storeys_totals_and_failures_have_tables_of_their_own() -> None:
    record = measures_record()
    storeys = rows("storeys.csv", record)
    assert [(row["front"], row["storey"], row["ground"], row["windows"], row["wwr"]) for row in storeys] == [
        ("1", "0", "true", "1", "0.05"),
        ("1", "1", "false", "4", "0.2"),
        ("1", "2", "false", "3", "0.1475"),
        ("2", "0", "false", "3", "0.16"),
        ("2", "1", "false", "3", "0.16"),
    ]
    assert [row["height_m"] for row in storeys] == ["4.0", "4.0", "4.0", "", ""]
    assert [(row["direction"], row["windows"], row["assumed"]) for row in rows("buildings.csv", record)] == [
        ("S", "8", ""),
        ("N", "", "mean of the storeys above the ground floor"),
        ("all", "14", ""),
    ]
    assert rows("failed.csv", record) == [{"photo": "street/sky.jpg", "reason": "street/sky.jpg: shows no building"}]


@pytest.mark.parametrize("name", TABLES)
def test_a_record_without_photos_is_the_row_of_names(name: str) -> None:
    empty = structs.replace(measures_record(), photos=(), errors=(), totals=())
    content = TABLES[name].content(empty).decode()
    assert content == ",".join(column.name for column in TABLES[name].columns) + "\r\n"


@pytest.mark.parametrize("name", TABLES)
def test_each_column_has_a_name_of_its_own_and_a_sentence(name: str) -> None:
    columns = TABLES[name].columns
    assert len({column.name for column in columns}) == len(columns)
    assert all(column.description.endswith(".") for column in columns)


@given(st.text() | st.sampled_from(FORMULAS).flatmap(lambda first: st.text().map(lambda rest: first + rest)))
def test_no_text_is_a_formula_and_each_comes_back(text: str) -> None:
    record = structs.replace(RECORD, errors=(PhotoError(file=text, reason=text),))
    (row,) = rows("failed.csv", record)
    assert not row["photo"].startswith(FORMULAS)
    assert text_of(row["photo"]) == text_of(row["reason"]) == text


@given(
    st.fixed_dictionaries(
        {
            "building": st.none() | st.text(min_size=1),
            "notes": st.lists(st.text(), max_size=3).map(tuple),
            "wwr": st.builds(Interval, NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS),
            "windows": st.integers(0, 10**14),
            "balcony_fraction": st.floats(0, 1),
            "width_m": st.none() | st.floats(0, 1e14, exclude_min=True),
            "azimuth": st.none() | st.floats(0, 360, exclude_max=True),
        }
    )
)
def test_every_number_and_text_comes_back(fields: dict[str, Any]) -> None:
    (row,) = rows("measures.csv", structs.replace(RECORD, photos=(changed_front(HOUSE, **fields),)))
    assert text_of(row["building"]) == (fields["building"] or "")
    assert text_of(row["notes"]) == " ".join(fields["notes"])
    assert int(row["windows"]) == fields["windows"]
    numbers = {"wwr": fields["wwr"].value, "wwr_low": fields["wwr"].low, "wwr_high": fields["wwr"].high}
    numbers |= {name: fields[name] for name in ("balcony_fraction", "width_m", "azimuth")}
    assert {name: float(row[name]) if row[name] else None for name in numbers} == numbers
