"""Text from outside as one of the values that a column takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from training_records.errors import Refused

K = TypeVar("K", bound=str)


def choice(values: Iterable[K], text: str, refusal: str) -> K:
    """The value that a text is; `Refused` with this sentence where it is none of them."""
    for value in values:
        if value == text:
            return value
    raise Refused(refusal)
