"""Answers that are more alike than chance makes them: a hint to a person, never a verdict.

Error-similarity analysis: Bellezza & Bellezza, *Detection of cheating on multiple-choice tests by using
error-similarity analysis*, Teaching of Psychology 16 (1989). Of the items that two persons both got wrong,
how many did they get wrong in the same way? Chance is taken item by item from how often each wrong
option was chosen by all, so that a popular wrong option counts little; the sum of such trials is
Poisson-binomial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from question_bank.responses import NOT_ADMINISTERED, OMITTED, Responses

MIN_WRONG = 5


@dataclass(frozen=True)
class Pair:
    """Two persons of one group: items both got wrong, of which in the same way, how many were to be
    expected, and the probability of so many or more; `corrected`: times the number of pairs looked at."""

    first: str
    second: str
    both_wrong: int
    same: int
    expected: float
    p: float
    corrected: float


def upper_tail(chances: Sequence[float], count: int) -> float:
    """P(at least `count` successes) of independent trials with these chances."""
    table = np.zeros(len(chances) + 1)
    table[0] = 1.0
    for p in chances:
        table[1:] = table[1:] * (1 - p) + table[:-1] * p
        table[0] *= 1 - p
    return float(min(table[count:].sum(), 1.0))


def similar_pairs(data: Responses, group_of: Mapping[str, str], level: float = 0.05) -> list[Pair]:
    """Pairs within a group whose corrected probability is at most `level`, the least likely first.

    ValueError (Chinese) for data without a key.
    """
    if not data.key:
        raise ValueError("要有答案文件,才知道哪些是错的")
    wrong = np.zeros(data.codes.shape, dtype=bool)
    chance = np.zeros(data.codes.shape[1])
    for j, right in enumerate(data.key):
        other = np.array([t not in (OMITTED, NOT_ADMINISTERED, right) for t in data.levels[j]])
        wrong[:, j] = other[data.codes[:, j]]
        counts = np.bincount(data.codes[wrong[:, j], j], minlength=len(other)).astype(float)
        if counts.sum():
            chance[j] = float(((counts / counts.sum()) ** 2).sum())
    members: dict[str, list[int]] = {}
    for i, person in enumerate(data.persons):
        members.setdefault(group_of.get(person, ""), []).append(i)
    members.pop("", None)
    found, looked_at = [], 0
    for own in members.values():
        for a, b in combinations(own, 2):
            both = np.flatnonzero(wrong[a] & wrong[b])
            if len(both) < MIN_WRONG:
                continue
            looked_at += 1
            same = int((data.codes[a, both] == data.codes[b, both]).sum())
            chances = chance[both]
            p = upper_tail(chances.tolist(), same)
            found.append((a, b, len(both), same, float(chances.sum()), p))
    pairs = [
        Pair(data.persons[a], data.persons[b], n, same, expected, p, min(p * looked_at, 1.0))
        for a, b, n, same, expected, p in found
        if p * looked_at <= level
    ]
    return sorted(pairs, key=lambda pair: pair.p)
