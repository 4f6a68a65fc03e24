"""Classical item analysis.

Formulas: Lord & Novick, *Statistical Theories of Mental Test Scores* (1968), ch. 15; Crocker &
Algina, *Introduction to Classical and Modern Test Theory* (1986), ch. 7 and 14; Feldt, *The
approximate sampling distribution of Kuder–Richardson reliability coefficient twenty*,
Psychometrika 30 (1965). Sample variances (n − 1) throughout; what is undefined is None; nothing is
clamped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from scipy.stats import f as f_distribution

from question_bank.responses import NOT_ADMINISTERED, OMITTED, Responses

TAIL = 0.27
CONFIDENCE = 0.95


@dataclass(frozen=True)
class OptionStats:
    """How often an option was chosen, its share, and its correlation with the total score."""

    n: int
    share: float | None
    point_biserial: float | None


@dataclass(frozen=True)
class ItemStats:
    """One item. `facility` 0–1; `discrimination` is the discriminative efficiency; `flags` says in
    Chinese what to look at and why."""

    id: str
    n: int
    facility: float | None
    sd: float | None
    discrimination: float | None
    discrimination_27: float | None
    point_biserial: float | None
    point_biserial_corrected: float | None
    omitted: int
    not_reached: int
    alpha_if_deleted: float | None
    options: Mapping[str, OptionStats] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class TestStats:
    """A whole test: reliability, errors of measurement, and its items."""

    n_persons: int
    n_items: int
    alpha: float | None
    alpha_low: float | None
    alpha_high: float | None
    sem: float | None
    mean: float | None
    sd: float | None
    items: tuple[ItemStats, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def analyse(data: Responses) -> TestStats:
    """Item analysis of a response matrix.

    With items that were not given to everybody the total of a person is the sum over their items,
    an item is compared within those who had it, and alpha is that of the persons who had all items
    (None when fewer than two had).
    """
    m, n = len(data.items), len(data.codes)
    totals, all_given = np.zeros(n), np.ones(n, dtype=bool)
    for j in range(m):
        totals += np.nan_to_num(data.worth[j])[data.codes[:, j]]
        if np.isnan(data.worth[j]).any():
            all_given &= ~np.isnan(data.score(j))
    values, place = np.unique(totals, return_inverse=True)
    place = place.astype(np.int32)
    tables = [_table(data, j, values, place) for j in range(m)]
    whole = bool(all_given.all())
    if whole:
        reliable, spread = tables, _Spread.of(values, np.bincount(place).astype(float))
    else:
        reliable, spread = _among(data, all_given)
    alpha, deleted = _alpha(reliable, spread, m)
    low, high = _feldt(alpha, int(spread.n), m)
    sd = spread.sd if spread.n > 1 else _Spread.of(totals, np.ones(n)).sd
    reached = _not_reached(data)
    return TestStats(
        n_persons=n,
        n_items=m,
        alpha=alpha,
        alpha_low=low,
        alpha_high=high,
        sem=None if alpha is None or alpha > 1 or sd is None else sd * float(np.sqrt(1 - alpha)),
        mean=_number(totals.mean()) if n else None,
        sd=sd,
        items=tuple(_item(data, j, tables[j], deleted[j], int(reached[j])) for j in range(m)),
    )


@dataclass(frozen=True)
class _Spread:
    """A distribution: number of persons, mean, sum of squares about the mean."""

    n: float
    mean: float
    squares: float

    @classmethod
    def of(cls, values: np.ndarray, counts: np.ndarray) -> _Spread:
        n = float(counts.sum())
        mean = float(counts @ values / n) if n else 0.0
        return cls(n, mean, float(counts @ (values - mean) ** 2))

    @property
    def variance(self) -> float | None:
        return self.squares / (self.n - 1) if self.n > 1 else None

    @property
    def sd(self) -> float | None:
        return None if self.variance is None else float(np.sqrt(self.variance))


@dataclass(frozen=True)
class _Table:
    """Persons by total score (rows, `totals`) and by what they answered on one item (columns,
    `scores`): all of an item's figures follow from it. Levels that were not given are left out."""

    totals: np.ndarray
    scores: np.ndarray
    labels: tuple[str, ...]
    counts: np.ndarray

    @property
    def item(self) -> _Spread:
        return _Spread.of(self.scores, self.counts.sum(axis=0))

    @property
    def total(self) -> _Spread:
        return _Spread.of(self.totals, self.counts.sum(axis=1))

    def products(self) -> float:
        """Σ (x − mean)(total − mean) over persons."""
        x, t = self.scores - self.item.mean, self.totals - self.total.mean
        return float(t @ self.counts @ x)


def _table(data: Responses, j: int, values: np.ndarray, place: np.ndarray) -> _Table:
    size = len(data.levels[j])
    counts = np.bincount(place * size + data.codes[:, j], minlength=len(values) * size)
    counts = counts.reshape(len(values), size).astype(float)
    given = ~np.isnan(data.worth[j])
    labels = tuple(t for t, use in zip(data.levels[j], given, strict=True) if use)
    return _Table(values, data.worth[j][given], labels, counts[:, given])


def _among(data: Responses, persons: np.ndarray) -> tuple[list[_Table], _Spread]:
    """Tables of those who had every item."""
    rows = np.flatnonzero(persons)
    few = Responses(rows, data.items, data.codes[rows], data.levels, data.worth, data.maximum)  # type: ignore[arg-type]
    totals = np.zeros(len(rows))
    for j in range(len(data.items)):
        totals += np.nan_to_num(data.worth[j])[few.codes[:, j]]
    if not len(rows):
        return [], _Spread(0, 0, 0)
    values, place = np.unique(totals, return_inverse=True)
    tables = [_table(few, j, values, place.astype(np.int32)) for j in range(len(data.items))]
    return tables, _Spread.of(values, np.bincount(place).astype(float))


def _alpha(
    tables: list[_Table], spread: _Spread, items: int
) -> tuple[float | None, list[float | None]]:
    """Cronbach's alpha (KR-20 for 0/1 items), and alpha if each item is deleted."""
    k = len(tables)
    if spread.n < 2 or k < 2:
        return None, [None] * items
    variances = np.array([t.item.squares for t in tables])
    covariances = np.array([t.products() for t in tables])

    def of(sum_of_variances: float, total: float, size: int) -> float | None:
        if size < 2 or total <= 1e-9:
            return None
        return float(size / (size - 1) * (1 - sum_of_variances / total))

    deleted = [
        of(variances.sum() - v, spread.squares + v - 2 * c, k - 1)
        for v, c in zip(variances, covariances, strict=True)
    ]
    return of(float(variances.sum()), spread.squares, k), deleted


def _feldt(alpha: float | None, n: int, k: int) -> tuple[float | None, float | None]:
    """Confidence interval of alpha (Feldt 1965)."""
    if alpha is None or n < 2 or k < 2:
        return None, None
    df1, df2, tail = n - 1, (n - 1) * (k - 1), (1 - CONFIDENCE) / 2
    low = 1 - (1 - alpha) * f_distribution.ppf(1 - tail, df1, df2)
    high = 1 - (1 - alpha) * f_distribution.ppf(tail, df1, df2)
    return float(low), float(high)


def _not_reached(data: Responses) -> np.ndarray:
    """Per item: persons it was given to who answered neither it nor anything after it."""
    n, m = data.codes.shape
    last = np.full(n, -1, dtype=np.int32)
    for j in range(m):
        silent = [t in (OMITTED, NOT_ADMINISTERED) for t in data.levels[j]]
        last[~np.array(silent)[data.codes[:, j]]] = j
    found = np.zeros(m, dtype=np.int64)
    for j in range(m):
        if OMITTED in data.levels[j]:
            omitted = data.codes[:, j] == data.levels[j].index(OMITTED)
            found[j] = int((omitted & (last < j)).sum())
    return found


def _item(
    data: Responses, j: int, table: _Table, deleted: float | None, not_reached: int
) -> ItemStats:
    x, total, products = table.item, table.total, table.products()
    n = int(x.n)
    rest_products = products - x.squares
    rest_squares = total.squares - 2 * products + x.squares
    upper, lower = _tail_weights(table.counts.sum(axis=1))
    counted = table.counts.sum(axis=0)
    omitted = int(counted[table.labels.index(OMITTED)]) if OMITTED in table.labels else 0
    options: dict[str, OptionStats] = {}
    best: dict[str, float] = {}
    if data.key and n:
        options = _options(table, total)
        best = dict(zip(table.labels, (upper @ table.counts).tolist(), strict=True))
        best.pop(OMITTED, None)
    stats = ItemStats(
        id=data.items[j],
        n=n,
        facility=_number(x.mean / data.maximum[j]) if n else None,
        sd=x.sd,
        discrimination=_efficiency(table, rest_products),
        discrimination_27=_upper_lower(table, upper, lower, float(data.maximum[j])),
        point_biserial=_correlation(products, x.squares, total.squares, n),
        point_biserial_corrected=_correlation(rest_products, x.squares, rest_squares, n),
        omitted=omitted,
        not_reached=not_reached,
        alpha_if_deleted=deleted,
        options=options,
    )
    key = data.key[j] if data.key else None
    return replace(stats, flags=tuple(_flags(stats, key, best)))


def _options(table: _Table, total: _Spread) -> dict[str, OptionStats]:
    n = total.n
    found = {}
    for number, label in enumerate(table.labels):
        if label == OMITTED:
            continue
        column = table.counts[:, number]
        count = float(column.sum())
        products = float(column @ (table.totals - total.mean))
        squares = count * (1 - count / n)
        correlation = _correlation(products, squares, total.squares, int(n))
        found[label] = OptionStats(int(count), count / n, correlation)
    return found


def _flags(item: ItemStats, key: str | None, best: Mapping[str, float]) -> list[str]:
    flags = []
    if item.n < 2 or not item.sd:
        flags.append("没有差别：所有人得分相同或人数太少，算不出区分度")
    if item.facility is not None and item.sd:
        if item.facility > 0.95:
            flags.append(f"太容易：{item.facility:.0%} 的分都得到了")
        if item.facility < 0.2:
            flags.append(f"太难：只得到 {item.facility:.0%} 的分")
    corrected = item.point_biserial_corrected
    if corrected is not None and corrected < 0:
        flags.append(f"区分度为负（{corrected:.2f}）：好的人反而答错")
    elif corrected is not None and corrected < 0.15:
        flags.append(f"区分度低（{corrected:.2f}）")
    flags += _option_flags(item, key, best)
    return flags


def _option_flags(item: ItemStats, key: str | None, best: Mapping[str, float]) -> list[str]:
    if not item.options or key is None:
        return []
    flags = []
    own = item.options.get(key)
    of_key = own.point_biserial if own and own.point_biserial is not None else None
    for label, option in item.options.items():
        if label == key:
            continue
        if option.share is not None and option.share < 0.02 and item.n >= 50:
            flags.append(f"干扰项 {label} 几乎没人选（{option.n} 人）")
        told = option.point_biserial
        if told is not None and told > 0.05 and (of_key is None or told > of_key):
            flags.append(f"答案可能错了：选 {label} 的人总分更高")
    rival = max((label for label in best if label != key), key=lambda x: best[x], default=None)
    if rival is not None and best[rival] > best.get(key, 0.0):
        flags.append(f"成绩最好的人里选 {rival} 的多过选答案 {key} 的")
    return flags


def _tail_weights(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the persons with each total in the upper and in the lower 27 %; those tied at the
    cut share fractionally, so that the order of rows can't matter."""
    wanted = TAIL * counts.sum()

    def share(order: np.ndarray) -> np.ndarray:
        before = np.concatenate([[0.0], np.cumsum(order)[:-1]])
        held: np.ndarray = np.clip((wanted - before) / np.maximum(order, 1e-300), 0, 1)
        return held

    return share(counts[::-1])[::-1], share(counts)


def _upper_lower(
    table: _Table, upper: np.ndarray, lower: np.ndarray, maximum: float
) -> float | None:
    n = table.counts.sum()
    if n < 2:
        return None
    means = (upper - lower) @ table.counts @ table.scores
    return _number(means / (TAIL * n * maximum))


def _efficiency(table: _Table, rest_products: float) -> float | None:
    """cov(x, rest) ÷ the covariance with both sorted ascending."""
    n = table.counts.sum()
    if n < 2:
        return None
    rest = (table.totals[:, None] - table.scores[None, :]).ravel()
    best = _sorted_products(table.scores, table.counts.sum(axis=0), rest, table.counts.ravel())
    return _number(rest_products / best) if best > 1e-9 * n else None


def _sorted_products(
    x: np.ndarray, x_counts: np.ndarray, y: np.ndarray, y_counts: np.ndarray
) -> float:
    """Σ (x − mean)(y − mean) with both columns sorted ascending, from values and counts."""
    x_order, y_order = np.argsort(x), np.argsort(y)
    x_ends, y_ends = np.cumsum(x_counts[x_order]), np.cumsum(y_counts[y_order])
    ends = np.union1d(x_ends, y_ends)
    sizes = np.diff(ends, prepend=0.0)
    left = x[x_order][np.minimum(np.searchsorted(x_ends, ends), len(x) - 1)]
    right = y[y_order][np.minimum(np.searchsorted(y_ends, ends), len(y) - 1)]
    n = sizes.sum()
    return float(sizes @ ((left - sizes @ left / n) * (right - sizes @ right / n)))


def _correlation(products: float, x_squares: float, y_squares: float, n: int) -> float | None:
    if n < 2 or x_squares <= 1e-9 * n or y_squares <= 1e-9 * n:
        return None
    return _number(products / np.sqrt(x_squares * y_squares))


def _number(value: float) -> float | None:
    value = float(value)
    return value if np.isfinite(value) else None
