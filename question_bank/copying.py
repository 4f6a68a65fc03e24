"""Answer-copying index: responses more alike than chance explains. Grounds for review, never a verdict.

Error-similarity analysis: Bellezza & Bellezza, *Detection of cheating on multiple-choice tests by using
error-similarity analysis*, Teaching of Psychology 16 (1989). Among the items that both persons got wrong,
it counts identical wrong answers. The chance of an identical answer is estimated per item from how often
each distractor was chosen by everybody, so a popular distractor counts little. The sum of these trials is
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
    """Two persons of one group.

    `both_wrong`: items both got wrong. `same`: identical wrong answers among them. `expected`: their
    expected number. `p`: probability of `same` or more. `corrected`: `p` times the number of pairs
    compared (Bonferroni), at most 1.
    """

    first: str
    second: str
    both_wrong: int
    same: int
    expected: float
    p: float
    corrected: float


def upper_tail(chances: Sequence[float], count: int) -> float:
    """P(at least `count` successes) in independent trials with these probabilities."""
    distribution = np.zeros(len(chances) + 1)
    distribution[0] = 1.0
    for p in chances:
        distribution[1:] = distribution[1:] * (1 - p) + distribution[:-1] * p
        distribution[0] *= 1 - p
    return float(min(distribution[count:].sum(), 1.0))


def similar_pairs(data: Responses, group_of: Mapping[str, str], level: float = 0.05) -> list[Pair]:
    """Pairs within a group whose corrected probability is at most `level`, least likely first.

    Persons without a group are left out. Raises ValueError (Chinese) for data without a key.
    """
    if not data.key:
        raise ValueError("要有答案文件，才知道哪些是错的")
    wrong = np.zeros(data.codes.shape, dtype=bool)
    chance = np.zeros(data.codes.shape[1])
    for j, key in enumerate(data.key):
        is_distractor = np.array(
            [t not in (OMITTED, NOT_ADMINISTERED, key) for t in data.levels[j]]
        )
        wrong[:, j] = is_distractor[data.codes[:, j]]
        counts = np.bincount(data.codes[wrong[:, j], j], minlength=len(is_distractor)).astype(float)
        if counts.sum():
            chance[j] = float(((counts / counts.sum()) ** 2).sum())
    members: dict[str, list[int]] = {}
    for i, person in enumerate(data.persons):
        members.setdefault(group_of.get(person, ""), []).append(i)
    members.pop("", None)
    compared, comparisons = [], 0
    for group in members.values():
        for a, b in combinations(group, 2):
            both = np.flatnonzero(wrong[a] & wrong[b])
            if len(both) < MIN_WRONG:
                continue
            comparisons += 1
            same = int((data.codes[a, both] == data.codes[b, both]).sum())
            chances = chance[both]
            p = upper_tail(chances.tolist(), same)
            compared.append((a, b, len(both), same, float(chances.sum()), p))
    pairs = [
        Pair(data.persons[a], data.persons[b], n, same, expected, p, min(p * comparisons, 1.0))
        for a, b, n, same, expected, p in compared
        if p * comparisons <= level
    ]
    return sorted(pairs, key=lambda pair: pair.p)
