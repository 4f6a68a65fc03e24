"""Item and test information under the 2PL (Birnbaum, in Lord & Novick 1968, ch. 20)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike


def item_information(a: ArrayLike, b: ArrayLike, theta: ArrayLike) -> np.ndarray:
    """a² P (1 − P), items × points of θ."""
    slope, location = np.atleast_1d(np.asarray(a, float)), np.atleast_1d(np.asarray(b, float))
    points = np.atleast_1d(np.asarray(theta, float))
    z = np.clip(slope[:, None] * (points[None, :] - location[:, None]), -35, 35)
    p = 1 / (1 + np.exp(-z))
    information: np.ndarray = slope[:, None] ** 2 * p * (1 - p)
    return information


def of_parameters(
    parameters: Mapping[str, tuple[float, float]], items: Sequence[str], theta: ArrayLike
) -> np.ndarray:
    """Information of items by their id, items × points of θ; 0 for those without (a, b)."""
    pairs = [parameters.get(item, (0.0, 0.0)) for item in items]
    return item_information([p[0] for p in pairs], [p[1] for p in pairs], theta)


def total_information(a: ArrayLike, b: ArrayLike, theta: ArrayLike) -> np.ndarray:
    """Test information at each θ, the sum over items; 1 ÷ its square root is the standard error of θ."""
    total: np.ndarray = item_information(a, b, theta).sum(axis=0)
    return total
