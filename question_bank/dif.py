"""Differential item functioning: does an item treat two groups of equal ability alike?

Mantel–Haenszel with continuity correction and the ETS classification: Holland & Thayer (1988);
Zieky, in Holland & Wainer, *Differential Item Functioning* (1993).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import chi2, norm


@dataclass(frozen=True)
class ItemDif:
    """`odds_ratio` above 1 and `delta` below 0: easier for the reference group.

    `delta` = −2.35 ln(odds ratio) (ETS delta metric), `se` its standard error (Robins, Breslow &
    Greenland). `grade`: A negligible, B moderate, C large; None where undefined.
    """

    id: str
    odds_ratio: float | None
    chi_square: float | None
    p: float | None
    delta: float | None
    se: float | None
    grade: Literal["A", "B", "C"] | None


def mantel_haenszel(scores: np.ndarray, focal: np.ndarray, items: Sequence[str]) -> list[ItemDif]:
    """DIF of each 0/1 item; `focal` marks the persons of the focal group.

    Persons are matched on their total over the items they had, the studied item included. An item
    is analysed among those who had it. Raises ValueError when a group is empty.
    """
    group = np.asarray(focal, bool)
    if len(group) != len(scores) or group.all() or not group.any():
        raise ValueError("两组都要有人，且每个人都要说明属于哪一组")
    given = ~np.isnan(scores)
    totals = np.where(given, scores, 0).sum(axis=1).astype(np.int64)
    # Persons who had different sets of items are never matched, even with equal totals.
    _, item_set = np.unique(given, axis=0, return_inverse=True)
    stratum = np.unique(np.stack([item_set.ravel(), totals]), axis=1, return_inverse=True)[
        1
    ].ravel()
    return [
        _item_dif(
            items[j], scores[given[:, j], j], group[given[:, j]], stratum=stratum[given[:, j]]
        )
        for j in range(scores.shape[1])
    ]


def _item_dif(name: str, x: np.ndarray, focal: np.ndarray, *, stratum: np.ndarray) -> ItemDif:
    undefined = ItemDif(name, None, None, None, None, None, None)
    if len(x) == 0:
        return undefined
    size = int(stratum.max()) + 1
    cell = stratum * 4 + focal * 2 + (x == 1)
    table = np.bincount(cell, minlength=4 * size).reshape(size, 4).astype(float)
    b, a, d, c = table.T  # reference wrong, reference right, focal wrong, focal right
    n = table.sum(axis=1)
    use = (n > 1) & (a + b > 0) & (c + d > 0)
    a, b, c, d, n = a[use], b[use], c[use], d[use], n[use]
    right, wrong = a + c, b + d
    variance = ((a + b) * (c + d) * right * wrong / (n**2 * (n - 1))).sum() if len(n) else 0.0
    numerator, denominator = (a * d / n).sum(), (b * c / n).sum()
    if variance <= 0 or numerator <= 0 or denominator <= 0:
        return undefined
    expected = ((a + b) * right / n).sum()
    chi = max(abs(a.sum() - expected) - 0.5, 0.0) ** 2 / variance
    ratio = numerator / denominator
    delta = -2.35 * np.log(ratio)
    se = 2.35 * np.sqrt(
        _log_variance(a, b, c, d=d, n=n, numerator=numerator, denominator=denominator)
    )
    p = float(chi2.sf(chi, 1))
    return ItemDif(name, float(ratio), float(chi), p, float(delta), float(se), _grade(delta, se, p))


def _log_variance(
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    *,
    d: np.ndarray,
    n: np.ndarray,
    numerator: float,
    denominator: float,
) -> float:
    """Variance of ln(odds ratio) (Robins, Breslow & Greenland 1986)."""
    p, q, r, s = (a + d) / n, (b + c) / n, a * d / n, b * c / n
    return float(
        (p * r).sum() / (2 * numerator**2)
        + (p * s + q * r).sum() / (2 * numerator * denominator)
        + (q * s).sum() / (2 * denominator**2)
    )


def _grade(delta: float, se: float, p: float) -> Literal["A", "B", "C"]:
    """A: |Δ| < 1 or not significantly off 0; C: |Δ| ≥ 1.5 and significantly above 1; else B."""
    size = abs(delta)
    if size < 1 or p >= 0.05:
        return "A"
    if size >= 1.5 and (size - 1) / se > norm.ppf(0.95):
        return "C"
    return "B"
