"""Overall model fit: M2 from the univariate and bivariate margins.

Maydeu-Olivares & Joe, *Limited- and full-information estimation and goodness-of-fit testing in
2^n contingency tables*, JASA 100 (2005); RMSEA2 and SRMSR: Maydeu-Olivares & Joe, *Assessing
approximate fit in categorical data analysis*, Multivariate Behavioral Research 49 (2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

from question_bank.irt import ItemParameters, Model, calibrated, probability, quadrature

MAX_ITEMS = 100


@dataclass(frozen=True)
class OverallFit:
    """M2 with its degrees of freedom and p; `rmsea` with its 90 % interval; `srmsr`: root mean square
    of the residual correlations of item pairs."""

    m2: float
    df: int
    p: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    srmsr: float

    @property
    def verdict(self) -> Literal["close", "fair", "poor"]:
        """Close up to RMSEA2 0.05 and SRMSR 0.05, fair up to 0.089 and 0.08 (the 2014 paper)."""
        if self.rmsea <= 0.05 and self.srmsr <= 0.05:
            return "close"
        return "fair" if self.rmsea <= 0.089 and self.srmsr <= 0.08 else "poor"


def m2(scores: np.ndarray, items: Sequence[ItemParameters], model: Model = "2pl") -> OverallFit:
    """M2 of a calibration, from the persons who had all of its items.

    `scores`: 0/1, persons × items, NaN = not administered. Raises ValueError (Chinese) for no degrees
    of freedom (fewer than 4 calibrated items, 3 for 1PL), more than `MAX_ITEMS` of them, fewer than two
    persons who had them all, or a singular covariance.
    """
    known = calibrated(items)
    n = len(known)
    free = n + 1 if model == "1pl" else 2 * n
    df = n + n * (n - 1) // 2 - free
    if df < 1 or n > MAX_ITEMS:
        raise ValueError(f"整体拟合要有 4 到 {MAX_ITEMS} 道估出参数的题")
    chosen = scores[:, list(known)]
    rows = chosen[~np.isnan(chosen).any(axis=1)]
    if len(rows) < 2:
        raise ValueError("没有人答过全部的题，算不出整体拟合")
    a, b = np.array(list(known.values())).T
    theta, weight = quadrature()
    p = probability(a, -a * b, theta)
    first, second = np.triu_indices(n, 1)
    joint = rows.T @ rows / len(rows)
    observed = np.concatenate([rows.mean(axis=0), joint[first, second]])
    margins = np.vstack([p, p[first] * p[second]])
    expected = margins @ weight
    slopes = _slopes(p, a, theta, weight=weight, first=first, second=second)
    if model == "1pl":
        slopes = np.column_stack([slopes[:, :n].sum(axis=1), slopes[:, n:]])
    covariance = _covariance(p, margins, expected, weight=weight, first=first, second=second)
    try:
        value = len(rows) * _distance(observed - expected, covariance, slopes)
    except np.linalg.LinAlgError:
        raise ValueError("有的题参数太极端，算不出整体拟合") from None
    low, high = _noncentral(value, df)
    scale = len(rows) * df
    return OverallFit(
        value,
        df,
        float(chi2.sf(value, df)),
        float(np.sqrt(max(value - df, 0) / scale)),
        float(np.sqrt(low / scale)),
        float(np.sqrt(high / scale)),
        _srmsr(observed, expected, first, second=second, n=n),
    )


def _slopes(
    p: np.ndarray,
    a: np.ndarray,
    theta: np.ndarray,
    *,
    weight: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
) -> np.ndarray:
    """Derivatives of the margins (rows) with respect to the slopes, then the intercepts (columns)."""
    n, pairs = len(a), np.arange(len(first))
    curve = p * (1 - p)
    result = np.zeros((n + len(first), 2 * n))
    for offset, change in ((0, curve * theta), (n, curve)):
        single = np.arange(n)
        result[single, offset + single] = change @ weight
        result[n + pairs, offset + first] = (change[first] * p[second]) @ weight
        result[n + pairs, offset + second] = (change[second] * p[first]) @ weight
    return result


def _covariance(
    p: np.ndarray,
    margins: np.ndarray,
    expected: np.ndarray,
    *,
    weight: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
) -> np.ndarray:
    """N times the covariance of the observed margins under the model.

    The joint probability of two margins contains each item once: a shared item's P is not squared.
    """
    n = len(p)
    joint = (margins * weight) @ margins.T
    holds = np.zeros((len(margins), n), dtype=bool)
    holds[np.arange(n), np.arange(n)] = True
    holds[n + np.arange(len(first)), first] = True
    holds[n + np.arange(len(first)), second] = True
    for item in range(n):
        sharing = np.flatnonzero(holds[:, item])
        # Two margins that share both items are the same margin; the diagonal is set below.
        remaining = margins[sharing] / p[item]
        joint[np.ix_(sharing, sharing)] = (remaining * (weight * p[item])) @ remaining.T
    np.fill_diagonal(joint, expected)
    result: np.ndarray = joint - np.outer(expected, expected)
    return result


def _distance(residual: np.ndarray, covariance: np.ndarray, slopes: np.ndarray) -> float:
    """r' C r with C = Ξ⁻¹ − Ξ⁻¹Δ(Δ'Ξ⁻¹Δ)⁻¹Δ'Ξ⁻¹."""
    solved = np.linalg.solve(covariance, np.column_stack([residual, slopes]))
    inverse_r, inverse_d = solved[:, 0], solved[:, 1:]
    cross = slopes.T @ inverse_r
    return float(residual @ inverse_r - cross @ np.linalg.solve(slopes.T @ inverse_d, cross))


def _noncentral(value: float, df: int) -> tuple[float, float]:
    """90 % interval of the noncentrality parameter."""

    def bound(share: float) -> float:
        if chi2.cdf(value, df) <= share:
            return 0.0
        high = max(value, 1.0)
        while ncx2.cdf(value, df, high) > share:
            high *= 2
        return float(brentq(lambda x: ncx2.cdf(value, df, x) - share, 1e-9, high))

    return bound(0.95), bound(0.05)


def _srmsr(
    observed: np.ndarray, expected: np.ndarray, first: np.ndarray, *, second: np.ndarray, n: int
) -> float:
    def correlations(margin: np.ndarray) -> np.ndarray:
        univariate = margin[:n]
        spread = np.sqrt(univariate * (1 - univariate))
        result: np.ndarray = (margin[n:] - univariate[first] * univariate[second]) / (
            spread[first] * spread[second]
        )
        return result

    return float(np.sqrt(np.mean((correlations(observed) - correlations(expected)) ** 2)))
