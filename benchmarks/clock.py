"""Timing of the benchmarks."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds_of(function: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def best(function: Callable[[], object], repeat: int = 3) -> float:
    """Seconds of the fastest of several runs."""
    return min(seconds_of(function) for _ in range(repeat))
