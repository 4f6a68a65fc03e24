"""How many examples a property test tries."""

from __future__ import annotations

from hypothesis import settings


def examples(number: int) -> int:
    """`number` in the whole suite, a quarter of it in the check before a commit (the profiles in `conftest.py`)."""
    return max(1, number * settings.default.max_examples // 100)
