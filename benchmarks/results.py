"""Results of benchmarks."""

from __future__ import annotations

from typing import TypedDict

# One measurement: the step, and its figures.
Row = dict[str, object]
# (rows of a benchmark, its ratios by name).
Measured = tuple[list[Row], dict[str, float]]


class Result(TypedDict):
    """Result of a benchmark, with the machine that it ran on."""

    name: str
    machine: str
    rows: list[Row]
    ratios: dict[str, float]
