"""Validation of input text against the values a column allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from training_records.errors import Refused

K = TypeVar("K", bound=str)


def choice(values: Iterable[K], text: str, refusal: str) -> K:
    """Returns the value equal to `text`. Raises `Refused` with the message `refusal` if there is none."""
    for value in values:
        if value == text:
            return value
    raise Refused(refusal)
