"""How tests look at what a user is told."""

from collections.abc import Callable

import pytest

from seamline.errors import SeamlineError
from seamline.progress import Reporter


def refusal(action: Callable[[], object], kind: type[SeamlineError] = SeamlineError) -> str:
    """The one line with which an action refuses, with just this kind of error."""
    with pytest.raises(SeamlineError) as error:
        action()
    assert error.type is kind
    text = str(error.value)
    assert "\n" not in text
    return text


class Lines(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)
