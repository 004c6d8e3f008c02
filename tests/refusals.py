"""How tests look at what a user is told."""

from collections.abc import Callable

import pytest

from seamline.data.errors import UserError


def refusal(action: Callable[[], object], kind: type[UserError] = UserError) -> str:
    """The one line with which an action refuses, with just this kind of error."""
    with pytest.raises(UserError) as error:
        action()
    assert error.type is kind
    text = str(error.value)
    assert "\n" not in text
    return text
