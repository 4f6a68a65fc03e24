"""Answers that came too quickly to have been thought about.

Wise & Kong (2005): an answer within a threshold is a rapid guess, the share of the others is the response
time effort. The threshold is the normative one of Wise & Ma (2012): a tenth of the mean time that the item
took, at most ten seconds. A hint to look, never a verdict: who knows the duties well is quick too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

SHARE, MAX_SECONDS, MIN_RESPONSES = 0.1, 10.0, 20


@dataclass(frozen=True)
class Pace:
    """One person's answers with a known time, how many of them were rapid, and their median seconds."""

    person: str
    timed: int
    rapid: int
    median: float

    @property
    def effort(self) -> float:
        """Response time effort: the share of answers that were not rapid."""
        return 1 - self.rapid / self.timed


def thresholds(times: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Item to the seconds below which an answer is rapid, from person → item → seconds; items with fewer
    than `MIN_RESPONSES` times have none."""
    items: dict[str, list[float]] = {}
    for own in times.values():
        for item, seconds in own.items():
            items.setdefault(item, []).append(seconds)
    return {
        item: min(SHARE * fmean(found), MAX_SECONDS)
        for item, found in items.items()
        if len(found) >= MIN_RESPONSES
    }


def paces(times: Mapping[str, Mapping[str, float]]) -> list[Pace]:
    """Every person's pace, least effort first; those without a time that can be judged are left out."""
    limit = thresholds(times)
    found = []
    for person, own in times.items():
        judged = {item: s for item, s in own.items() if item in limit}
        if judged:
            rapid = sum(s < limit[item] for item, s in judged.items())
            found.append(Pace(person, len(judged), rapid, median(judged.values())))
    return sorted(found, key=lambda pace: (pace.effort, pace.person))
