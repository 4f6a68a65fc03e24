"""Draws that anybody can repeat with the seed, in any version of Python and in any other language."""

from __future__ import annotations

from collections.abc import Iterable

from question_bank.draw import by_seed


def shuffled(ids: Iterable[int], seed: int | str) -> list[int]:
    """Orders ids by the SHA-256 of "seed:id" (UTF-8); the first n are a draw of n."""
    return sorted(ids, key=lambda one: (by_seed(seed, str(one)), one))
