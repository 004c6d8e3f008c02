"""How tests look at what a user is told."""

from collections.abc import Callable

import pytest

from seamline.console import Teller
from seamline.data.errors import UserError


def refusal(action: Callable[[], object], kind: type[UserError] = UserError) -> str:
    """The one line with which an action refuses, with just this kind of error."""
    with pytest.raises(UserError) as error:
        action()
    assert error.type is kind
    text = str(error.value)
    assert "\n" not in text
    return text


class Lines(Teller):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)
