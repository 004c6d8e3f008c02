"""Usage errors of the command line, with the form that was probably meant."""

import re
import shlex
from collections.abc import Collection, Sequence
from typing import Any

_SETTINGS = ("--set", "--vary", "--setting", "--baseline")
"""Options whose value is `FIELD=...`."""


def describe_usage_error(error: Any, words: Sequence[str]) -> str:
    """Return a line about an error of Typer in a command.

    Args:
        error: a `UsageError`.
        words: the words after `seamline`.
    """
    # Of the errors with an `option_name`, only that of an unknown option has `possibilities`. Its wording differs
    # between versions of Typer and Click.
    option = getattr(error, "option_name", None) if hasattr(error, "possibilities") else None
    if words[:1] in (["train"], ["sweep"], ["reproduce"]):
        from seamline.training.config import field_types, similar_field

        similarity = 1.0 if option and error.possibilities else 0.75
        if option and (field := similar_field(option, field_types(), similarity)):
            flag = f"--{field.replace('_', '-')}"
            known = error.ctx is not None and any(flag in parameter.opts for parameter in error.ctx.command.params)
            return f"{option}: no such option; did you mean {flag if known else f'--set {field}=VALUE'}?"
        if option is None and (setting := split_setting(words, field_types())):
            return setting
    if option and error.possibilities:
        return f"{option}: no such option; did you mean {' or '.join(sorted(error.possibilities))}?"
    return f"{f'{option}: no such option' if option else error.format_message().rstrip('.')}; see seamline --help"


def split_setting(words: Sequence[str], fields: Collection[str]) -> str | None:
    """Return a line about a setting whose field and value are different words, None where there is none."""
    for position, word in enumerate(words):
        name = re.fullmatch(r"(\w+)\s*[:=]?", word)
        if words[position - 1 : position] == ["--set"] and name and name[1] in fields:
            rest = [follower for follower in words[position + 1 :] if follower not in ("=", ":")][:1]
            if rest and not rest[0].startswith("--"):
                value = rest[0].lstrip("=:")
                return f"--set {word} {rest[0]}: write it as --set {shlex.quote(f'{name[1]}={value}')}"
        field = re.fullmatch(r"(\w+)=.+", word)
        if position and words[position - 1] not in _SETTINGS and field and field[1] in fields:
            return f"{word}: write it as --set {shlex.quote(word)}"
    return None
