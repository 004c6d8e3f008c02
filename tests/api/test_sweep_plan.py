"""Plans of sweeps: the rungs of successive halving, and the command that repeats a sweep."""

import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from helpers import refusal
from seamline.api.sweep_plan import SweepOptions, SweepPlan, next_rung, plan_sweep, sweep_command
from seamline.training.plan import RunOptions
from seamline.training.search_space import parse_setting


def plan(vary: Any, search: SweepOptions, **fixed: Any) -> SweepPlan:
    return plan_sweep("synthetic-fashion", "fast", vary, (0,), search, RunOptions(), fixed)


@pytest.mark.parametrize(
    ("settings", "epochs", "rungs"),
    [
        (9, 9, [(9, 1), (3, 3), (1, 9)]),
        (9, 10, [(9, 1.111), (3, 3.333), (1, 10)]),
        (8, 7, [(8, 1.75), (4, 3.5), (2, 7)]),
    ],
)
def test_the_last_rung_has_all_epochs(settings: int, epochs: float, rungs: list[tuple[int, float]]) -> None:
    halving = 3 if settings == 9 else 2
    info = plan({"lr": [1 + number for number in range(settings)]}, SweepOptions(halving=halving), epochs=epochs).info
    sizes = [(len(info.settings), info.settings[0].fields["epochs"])]
    while longer := next_rung(
        info, [n for n, one in enumerate(info.settings) if one.rung == len(sizes) - 1], len(sizes) - 1
    ):
        info = msgspec.structs.replace(info, settings=(*info.settings, *longer))
        sizes.append((len(longer), longer[0].fields["epochs"]))
    assert sizes == rungs


def test_the_command_of_a_list_has_the_settings_as_the_user_gave_them() -> None:
    settings = [{}, {"lr": 0.1}, {"class_weights": (1.0, 4.0)}]
    for search in (SweepOptions(), SweepOptions(halving=3)):
        words = shlex.split(sweep_command(plan(settings, search, epochs=9), Path("out"), search))
        texts = [words[place + 1] for place, word in enumerate(words) if word == "--setting"]
        assert [parse_setting(text) for text in texts] == settings


def test_the_command_has_the_class_maps(tmp_path: Path) -> None:
    file = tmp_path / "classes.toml"
    file.write_text('ignore = ["Bag"]')
    options = RunOptions(maps={"synthetic-fashion": file})
    planned = plan_sweep("synthetic-fashion", "fast", {"lr": [1]}, (0,), SweepOptions(), options, {})
    assert f"--map synthetic-fashion={file}" in sweep_command(planned, Path("out"), SweepOptions())


def test_settings_that_change_the_size_of_photos_are_refused(tmp_path: Path) -> None:
    def plan_photos(data: Any, vary: Any, **options: Any) -> SweepPlan:
        return plan_sweep(data, "fast", vary, (0,), SweepOptions(), RunOptions(**options), {})

    vary = {"pretrained": [True, False]}
    line = refusal(lambda: plan_photos(tmp_path, vary))
    assert line.startswith("--vary pretrained: settings are ranked on the same images, whose size it changes;")
    assert line.endswith("--image-size")
    assert refusal(lambda: plan_photos(tmp_path, [{"model": "cnn"}, {}])).startswith("--vary model: ")
    assert len(plan_photos(tmp_path, vary, image_size=64).info.settings) == 2
    assert len(plan_photos(tmp_path, {"pretrained": [False]}).info.settings) == 1
    assert len(plan_photos("synthetic-fashion", vary).info.settings) == 2  # which come in one size


def test_a_baseline_is_named_as_the_page_names_it() -> None:
    settings = [{"lr": 0.1}, {"class_weights": (1.0, 4.0), "lr": 0.2}]
    for text in ("class_weights=1.0/4.0 lr=0.2", "lr=0.2,class_weights=1/4"):
        assert plan(settings, SweepOptions(baseline=text)).info.baseline == 1


def test_a_baseline_is_the_setting_that_is_named_in_full() -> None:
    settings = [{"lr": 0.01, "hflip": True}, {"lr": 0.01}, {}]
    for text, number in (("lr=0.01", 1), ("default", 2), ("hflip=true", 0)):
        assert plan(settings, SweepOptions(baseline=text)).info.baseline == number
    assert "no setting of the sweep has it" in refusal(lambda: plan(settings[:2], SweepOptions(baseline="default")))
