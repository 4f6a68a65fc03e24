"""Standard setting: the modified Angoff method.

Angoff, in Thorndike (ed.), *Educational Measurement* (2nd ed. 1971). Each judge estimates for each
item the proportion of minimally competent persons who would get it right. The mean over judges,
summed over items, is the pass mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class PassMark:
    """`cut` in points, `percent` of the maximum, `se`: standard error of the cut over judges (None
    for one judge), `items`: mean rating per item, `spread`: standard deviation over judges per item."""

    cut: float
    percent: float
    se: float | None
    items: tuple[float, ...]
    spread: tuple[float | None, ...]


def angoff(ratings: ArrayLike, points: Sequence[float] | None = None) -> PassMark:
    """The pass mark from judges × items ratings between 0 and 1 (NaN = not rated).

    Raises ValueError (Chinese) for ratings out of range, an item that nobody rated, or points that
    are not one positive number per item.
    """
    table = np.atleast_2d(np.asarray(ratings, float))
    with np.errstate(invalid="ignore"):
        if ((table < 0) | (table > 1)).any():
            raise ValueError("评定要是 0 到 1 之间的数，例如 0.65")
    if np.isnan(table).all(axis=0).any():
        raise ValueError("有的题一位评委也没有评")
    worth = np.ones(table.shape[1]) if points is None else np.asarray(points, float)
    if worth.shape != (table.shape[1],) or not (worth > 0).all():
        raise ValueError("每道题要有一个大于 0 的分值")
    means = np.nanmean(table, axis=0)
    # Missing ratings are replaced by the item's mean, so that every judge's cut covers the whole test.
    cuts = np.where(np.isnan(table), means, table) @ worth
    judges = len(table)
    rated = (~np.isnan(table)).sum(axis=0)
    spread = tuple(
        float(np.nanstd(column, ddof=1)) if k > 1 else None
        for column, k in zip(table.T, rated, strict=True)
    )
    return PassMark(
        cut=float(means @ worth),
        percent=float(100 * (means @ worth) / worth.sum()),
        se=float(cuts.std(ddof=1) / np.sqrt(judges)) if judges > 1 else None,
        items=tuple(float(v) for v in means),
        spread=spread,
    )
