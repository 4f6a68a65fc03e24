"""Draws that anybody can repeat with the seed, in any version of Python and in any other language."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def shuffled(ids: Iterable[int], seed: int | str) -> list[int]:
    """Orders ids by the SHA-256 of "seed:id" (UTF-8); the first n are a draw of n."""
    return sorted(ids, key=lambda one: (hashlib.sha256(f"{seed}:{one}".encode()).digest(), one))
