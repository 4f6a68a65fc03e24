"""Equating of raw scores of two forms (random groups), so that a pass mark means the same on both.

Kolen & Brennan, *Test Equating, Scaling, and Linking* (3rd ed. 2014), ch. 2: linear and
equipercentile equating with percentile ranks of the discrete scores spread over ±0.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def linear(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """(slope, intercept) of the line that gives the scores of form X the mean and standard deviation
    of form Y. Raises ValueError for fewer than two scores, or when the scores of X don't differ."""
    old, new = np.asarray(x, float), np.asarray(y, float)
    if len(old) < 2 or len(new) < 2 or old.std(ddof=1) < 1e-12:
        raise ValueError("两张卷各要有两个以上不同的分数才能等值")
    slope = float(new.std(ddof=1) / old.std(ddof=1))
    return slope, float(new.mean() - slope * old.mean())


def percentile_ranks(counts: ArrayLike) -> np.ndarray:
    """Percentile rank (0–100) of each integer score from its frequencies, 0 to the maximum."""
    n = np.asarray(counts, float)
    if n.ndim != 1 or n.sum() <= 0 or (n < 0).any():
        raise ValueError("频数要是不小于 0 的数，且不能全是 0")
    share = n / n.sum()
    ranks: np.ndarray = 100 * (np.cumsum(share) - share / 2)
    return ranks


def equipercentile(x_counts: ArrayLike, y_counts: ArrayLike) -> np.ndarray:
    """The score on form Y that has the same percentile rank, for each score of form X.

    `x_counts`, `y_counts`: frequencies of the scores 0, 1, … of each form. Results lie between
    −0.5 and the maximum of Y + 0.5.
    """
    ranks = percentile_ranks(x_counts)
    y = np.asarray(y_counts, float)
    percentile_ranks(y)
    below = np.concatenate([[0.0], 100 * np.cumsum(y) / y.sum()])
    result = np.empty(len(ranks))
    for i, rank in enumerate(ranks):
        # The lowest Y score whose cumulative percentage exceeds the rank.
        u = int(np.searchsorted(below[1:], rank, side="right"))
        u = min(u, len(y) - 1)
        while u > 0 and below[u + 1] - below[u] <= 0:
            u -= 1
        width = below[u + 1] - below[u]
        result[i] = u - 0.5 + (rank - below[u]) / width if width > 0 else u
    return np.clip(result, -0.5, len(y) - 0.5)
