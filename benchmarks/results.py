"""What a benchmark hands back."""

from __future__ import annotations

from typing import TypedDict

# One measurement: what was done, and its figures.
Row = dict[str, object]
# The rows of a benchmark, and its ratios by name.
Measured = tuple[list[Row], dict[str, float]]


class Result(TypedDict):
    """A benchmark as it is told: on which machine, and what came out."""

    name: str
    machine: str
    rows: list[Row]
    ratios: dict[str, float]
