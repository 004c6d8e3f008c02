"""What a finding is."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A sentence with its numbers.

    Attributes:
        name: what it is about, for programs.
        sentence: what it says, for people.
        numbers: the figures in the sentence, by name.
        panel: the panel of the page that shows it.
    """

    name: str
    sentence: str
    numbers: dict[str, Any]
    panel: str
