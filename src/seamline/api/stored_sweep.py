"""How a sweep goes on: what its folder holds is compared with what it is to train now."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from seamline.data.class_map.files import read_class_map
from seamline.errors import SeamlineError
from seamline.run_folder import ClassMap, SweepFolder, SweepInfo
from seamline.training.config import format_settings, format_value
from seamline.training.plan import RunOptions


def stored_options(options: RunOptions) -> dict[str, str]:
    """Return the options that decide which images and weights runs start with, as a sweep stores them."""
    maps = {
        f"map of {name}": one if isinstance(one, ClassMap) else read_class_map(Path(one).expanduser())
        for name, one in (options.maps or {}).items()
    }
    values = {
        "image_size": options.image_size,
        "groups": options.groups,
        "near_duplicates": None if options.near_duplicates else "false",
        "init_from": options.init_from,
        **{name: msgspec.json.encode(one, order="sorted").decode() for name, one in maps.items()},
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def continue_sweep(folder: SweepFolder, new: SweepInfo) -> SweepInfo:
    """Return a sweep with the state of its folder: runs that are done there stay, and others may be added.

    Raises:
        SeamlineError: the folder holds another sweep.
    """
    old = folder.info.read_optional()
    if old is None or not any(folder.run(run.name).info.exists() for run in old.runs):  # none has been trained
        return new
    there, here = _fixed_parts(old), _fixed_parts(new)
    for name in there | here:
        stored, given = there.get(name, "the default"), here.get(name, "the default")
        if stored != given:
            raise SeamlineError(
                f"{folder.path}: holds another sweep, whose {name} {stored} and not {given}; name another folder "
                "with --out"
            )
    if new.halving:
        return msgspec.structs.replace(old, jobs=new.jobs, command=new.command)
    dropped = [run for run in old.runs if run.name not in {one.name for one in new.runs}]
    if dropped:
        raise SeamlineError(
            f"{folder.path}: holds another sweep, with {len(dropped)} runs that this one lacks, such as "
            f"{dropped[0].name}; name another folder with --out, or add to the sweep"
        )
    states = {run.name: run for run in old.runs}
    runs = tuple(
        msgspec.structs.replace(run, state=was.state, reason=was.reason, seconds=was.seconds)
        if (was := states.get(run.name))
        else run
        for run in new.runs
    )
    return msgspec.structs.replace(new, runs=runs, threads=old.threads)


def _fixed_parts(info: SweepInfo) -> dict[str, str]:
    """Return what stays the same when a sweep goes on: name with its verb -> text. With rungs, no setting is added."""
    names = {"data": "data is", "preset": "preset is", "fixed": "fixed fields are", "method": "method is"}
    names |= {"search_seed": "search seed is", "halving": "halving is", "folds": "number of folds is"}
    names |= {"varied": "varied fields are"} if info.drawn else {}
    names |= {"trials": "number of trials is", "seeds": "seeds are", "metric": "metric is"} if info.halving else {}
    parts = {words: _shown(getattr(info, name)) for name, words in names.items()}
    if info.halving:
        settings = [one.name for one in info.settings if one.rung == 0]
        parts |= {"settings are": "; ".join(settings), "baseline is": settings[info.baseline]}
    return parts | {f"{name.replace('_', ' ')} is": value for name, value in info.options.items()}


def _shown(value: Any) -> str:
    """Return a value of a sweep as errors show it."""
    if isinstance(value, Mapping):
        return ", ".join(format_settings(value)) or "none"
    return format_value(value) if value not in ("", ()) else "none"
