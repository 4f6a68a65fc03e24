"""Model fit: item fit S-X² and local dependence Q3.

S-X²: Orlando & Thissen, *Likelihood-based item-fit indices for dichotomous item response theory
models*, Applied Psychological Measurement 24 (2000); expected proportions by the recursion of Lord
& Wingersky (1984). Q3: Yen, *Effects of local item dependence*, Applied Psychological Measurement
8 (1984).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from question_bank.irt import ItemParameters, calibrated, probability, quadrature

MIN_EXPECTED = 1.0


@dataclass(frozen=True)
class ItemFit:
    """S-X² of one item: statistic, degrees of freedom, p. None where it can't be computed."""

    id: str
    s_x2: float | None
    df: int
    p: float | None


def score_distribution(p: np.ndarray) -> np.ndarray:
    """P(sum score | θ): (items + 1) × points, by the recursion of Lord & Wingersky."""
    table = np.zeros((len(p) + 1, p.shape[1]))
    table[0] = 1.0
    for number, row in enumerate(p):
        upper = table[: number + 1] * row
        table[: number + 1] *= 1 - row
        table[1 : number + 2] += upper
    return table


def _curves(items: Sequence[ItemParameters], theta: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Indices of the calibrated items, and their P(right) at `theta`."""
    pairs = calibrated(items)
    a, b = np.array(list(pairs.values()), float).reshape(-1, 2).T
    return list(pairs), probability(a, -a * b, theta)


def item_fit(
    scores: np.ndarray, items: Sequence[ItemParameters], parameters: int = 2
) -> list[ItemFit]:
    """S-X² per item, from persons who had all items.

    Sum scores are pooled until each cell has an expected count of at least one right and one wrong
    response. `parameters`: estimated parameters per item, subtracted from the degrees of freedom.
    """
    rows = scores[~np.isnan(scores).any(axis=1)].astype(np.int64)
    theta, weight = quadrature()
    known, p = _curves(items, theta)
    rows = rows[:, known]
    totals = rows.sum(axis=1)
    whole = score_distribution(p) @ weight
    persons = np.bincount(totals, minlength=len(known) + 1).astype(float)
    fits = {}
    for position, j in enumerate(known):
        rest_scores = score_distribution(np.delete(p, position, axis=0))
        expected = np.zeros(len(known) + 1)
        expected[1:] = (rest_scores * p[position]) @ weight
        share = np.divide(expected, whole, out=np.zeros_like(expected), where=whole > 0)
        right = np.bincount(totals, weights=rows[:, position], minlength=len(known) + 1)
        fits[j] = _statistic(items[j].id, persons, right, share=share, parameters=parameters)
    return [fits.get(j, ItemFit(item.id, None, 0, None)) for j, item in enumerate(items)]


def _statistic(
    name: str, persons: np.ndarray, right: np.ndarray, *, share: np.ndarray, parameters: int
) -> ItemFit:
    inner = slice(1, len(persons) - 1)
    cells, group = [], np.zeros(3)
    for n, r, e in zip(persons[inner], right[inner], (persons * share)[inner], strict=True):
        group += (n, r, e)
        if group[2] >= MIN_EXPECTED and group[0] - group[2] >= MIN_EXPECTED:
            cells.append(group)
            group = np.zeros(3)
    if group[0] and cells:
        cells[-1] = cells[-1] + group
    df = len(cells) - parameters
    if df < 1:
        return ItemFit(name, None, df, None)
    table = np.array(cells)
    n, r, e = table.T
    value = float((((r - e) ** 2 / e) + ((r - e) ** 2 / (n - e))).sum())
    return ItemFit(name, value, df, float(chi2.sf(value, df)))


def q3(scores: np.ndarray, items: Sequence[ItemParameters], theta: np.ndarray) -> np.ndarray:
    """Correlations between items of the residuals x − P(θ̂); NaN where an item is not calibrated.

    Values far above the mean of the others (say by 0.2) suggest local dependence.
    """
    m = len(items)
    result = np.full((m, m), np.nan)
    known, p = _curves(items, np.asarray(theta, float))
    residual = scores[:, known] - p.T
    given = ~np.isnan(residual)
    x = np.where(given, residual, 0.0)
    g = given.astype(float)
    n = g.T @ g
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (x.T @ g) / n
        square = ((x**2).T @ g) / n - mean**2
        covariance = (x.T @ x) / n - mean * mean.T
        correlation = covariance / np.sqrt(square * square.T)
    np.fill_diagonal(correlation, 1.0)
    result[np.ix_(known, known)] = correlation
    return result
