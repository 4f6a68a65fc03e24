"""Rapid guessing: responses too quick to have been considered.

Wise & Kong (2005): a response below a time threshold is a rapid guess; response time effort is the share
of responses that are not. The threshold is the normative one of Wise & Ma (2012): a tenth of the item's
mean response time, at most ten seconds. Grounds for review, never a verdict: people who know their duties
well are quick too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

SHARE, MAX_SECONDS, MIN_RESPONSES = 0.1, 10.0, 20


@dataclass(frozen=True)
class Pace:
    """One person's responses to items with a threshold: `timed` in all, `rapid` ones, `median` seconds."""

    person: str
    timed: int
    rapid: int
    median: float

    @property
    def effort(self) -> float:
        """Response time effort: the share of responses that were not rapid."""
        return 1 - self.rapid / self.timed


def thresholds(times: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Item to the seconds below which a response is rapid, from person → item → seconds.

    Items with fewer than `MIN_RESPONSES` times have no threshold.
    """
    items: dict[str, list[float]] = {}
    for responses in times.values():
        for item, seconds in responses.items():
            items.setdefault(item, []).append(seconds)
    return {
        item: min(SHARE * fmean(values), MAX_SECONDS)
        for item, values in items.items()
        if len(values) >= MIN_RESPONSES
    }


def paces(times: Mapping[str, Mapping[str, float]]) -> list[Pace]:
    """Pace of each person, least effort first; persons without a response that has a threshold are left out."""
    limit = thresholds(times)
    result = []
    for person, responses in times.items():
        judged = {item: s for item, s in responses.items() if item in limit}
        if judged:
            rapid = sum(s < limit[item] for item, s in judged.items())
            result.append(Pace(person, len(judged), rapid, median(judged.values())))
    return sorted(result, key=lambda pace: (pace.effort, pace.person))
