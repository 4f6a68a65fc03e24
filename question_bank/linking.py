"""Linking: two calibrations are put on one scale through their common items.

θ_new = A θ_old + B, so a_new = a_old ÷ A and b_new = A b_old + B. Mean–sigma: Marco (1977);
characteristic curves: Stocking & Lord, *Developing a common metric in item response theory*,
Applied Psychological Measurement 7 (1983). See Kolen & Brennan, *Test Equating, Scaling, and
Linking* (3rd ed. 2014), ch. 6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from question_bank.irt import probability, quadrature


@dataclass(frozen=True)
class Link:
    """The line θ_new = `slope` × θ_old + `intercept`."""

    slope: float
    intercept: float

    def apply(self, a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Transforms (a, b) of the old scale to the new one."""
        return np.asarray(a, float) / self.slope, self.slope * np.asarray(b, float) + self.intercept


def _common(*columns: ArrayLike) -> list[np.ndarray]:
    arrays = [np.asarray(c, float) for c in columns]
    if len({c.shape for c in arrays}) != 1 or arrays[0].ndim != 1 or len(arrays[0]) < 2:
        raise ValueError("链接至少要有两道共同题，两边一一对应")
    if not all(np.isfinite(c).all() for c in arrays):
        raise ValueError("共同题里有没估出参数的，请先去掉")
    return arrays


def mean_sigma(b_old: ArrayLike, b_new: ArrayLike) -> Link:
    """The line from means and standard deviations of the locations. Raises ValueError without two
    common items, for missing parameters, or when the old locations don't differ."""
    old, new = _common(b_old, b_new)
    if old.std(ddof=1) < 1e-9:
        raise ValueError("共同题的难度都一样，定不出刻度")
    slope = float(new.std(ddof=1) / old.std(ddof=1))
    return Link(slope, float(new.mean() - slope * old.mean()))


def stocking_lord(
    a_old: ArrayLike, b_old: ArrayLike, a_new: ArrayLike, *, b_new: ArrayLike
) -> Link:
    """The line that brings the common items' test characteristic curves closest (weighted by
    N(0, 1)), started from mean–sigma."""
    a0, b0, a1, b1 = _common(a_old, b_old, a_new, b_new)
    theta, weight = quadrature()
    target = probability(a1, -a1 * b1, theta).sum(axis=0)
    start = mean_sigma(b0, b1)

    def distance(line: np.ndarray) -> float:
        a, b = Link(float(np.exp(line[0])), float(line[1])).apply(a0, b0)
        difference = target - probability(a, -a * b, theta).sum(axis=0)
        return float(np.dot(weight, difference**2))

    first = np.array([np.log(max(start.slope, 1e-3)), start.intercept])
    best = minimize(distance, first, method="BFGS", options={"gtol": 1e-9})
    return Link(float(np.exp(best.x[0])), float(best.x[1]))
