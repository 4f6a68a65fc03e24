"""Classical item analysis.

Formulas: Lord & Novick, *Statistical Theories of Mental Test Scores* (1968), ch. 15; Crocker &
Algina, *Introduction to Classical and Modern Test Theory* (1986), ch. 7 and 14; Feldt, *The
approximate sampling distribution of Kuder–Richardson reliability coefficient twenty*,
Psychometrika 30 (1965). Sample variances (n − 1) throughout. Undefined values are None; nothing is
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
    """Statistics of one item. `facility` is 0–1, `discrimination` the discriminative efficiency;
    `flags` say in Chinese what to review and why."""

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
    """Statistics of a whole test: reliability, standard error of measurement, and its items."""

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

    If some items were not administered to everybody, a person's total is the sum over their own
    items, each item is analysed among those who had it, and alpha is computed over the persons who
    had every item (None for fewer than two).
    """
    m, n = len(data.items), len(data.codes)
    totals, all_given = np.zeros(n), np.ones(n, dtype=bool)
    for j in range(m):
        totals += np.nan_to_num(data.worth[j])[data.codes[:, j]]
        if np.isnan(data.worth[j]).any():
            all_given &= ~np.isnan(data.score(j))
    values, index = np.unique(totals, return_inverse=True)
    index = index.astype(np.int32)
    tables = [_table(data, j, values, index=index) for j in range(m)]
    complete = bool(all_given.all())
    if complete:
        complete_tables, spread = tables, _Spread.of(values, np.bincount(index).astype(float))
    else:
        complete_tables, spread = _among(data, all_given)
    alpha, deleted = _alpha(complete_tables, spread, m)
    low, high = _feldt(alpha, int(spread.n), m)
    sd = spread.sd if spread.n > 1 else _Spread.of(totals, np.ones(n)).sd
    not_reached = _not_reached(data)
    return TestStats(
        n_persons=n,
        n_items=m,
        alpha=alpha,
        alpha_low=low,
        alpha_high=high,
        sem=None if alpha is None or alpha > 1 or sd is None else sd * float(np.sqrt(1 - alpha)),
        mean=_number(totals.mean()) if n else None,
        sd=sd,
        items=tuple(
            _item(data, j, tables[j], deleted=deleted[j], not_reached=int(not_reached[j]))
            for j in range(m)
        ),
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
    """Counts of persons by total score (rows, `totals`) and level of one item (columns, `scores`).

    All statistics of the item follow from it. The level for not administered is left out.
    """

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


def _table(data: Responses, j: int, values: np.ndarray, *, index: np.ndarray) -> _Table:
    size = len(data.levels[j])
    counts = np.bincount(index * size + data.codes[:, j], minlength=len(values) * size)
    counts = counts.reshape(len(values), size).astype(float)
    given = ~np.isnan(data.worth[j])
    labels = tuple(t for t, use in zip(data.levels[j], given, strict=True) if use)
    return _Table(values, data.worth[j][given], labels, counts[:, given])


def _among(data: Responses, persons: np.ndarray) -> tuple[list[_Table], _Spread]:
    """Tables and total-score distribution of the `persons` selected (a boolean mask)."""
    rows = np.flatnonzero(persons)
    subset = Responses(
        rows,  # type: ignore[arg-type]
        data.items,
        data.codes[rows],
        data.levels,
        data.worth,
        data.maximum,
    )
    totals = np.zeros(len(rows))
    for j in range(len(data.items)):
        totals += np.nan_to_num(data.worth[j])[subset.codes[:, j]]
    if not len(rows):
        return [], _Spread(0, 0, 0)
    values, index = np.unique(totals, return_inverse=True)
    tables = [
        _table(subset, j, values, index=index.astype(np.int32)) for j in range(len(data.items))
    ]
    return tables, _Spread.of(values, np.bincount(index).astype(float))


def _alpha(
    tables: list[_Table], spread: _Spread, items: int
) -> tuple[float | None, list[float | None]]:
    """Cronbach's alpha (KR-20 for 0/1 items), and alpha if each item is deleted."""
    k = len(tables)
    if spread.n < 2 or k < 2:
        return None, [None] * items
    variances = np.array([t.item.squares for t in tables])
    covariances = np.array([t.products() for t in tables])

    def coefficient(sum_of_variances: float, total: float, size: int) -> float | None:
        if size < 2 or total <= 1e-9:
            return None
        return float(size / (size - 1) * (1 - sum_of_variances / total))

    deleted = [
        coefficient(variances.sum() - v, spread.squares + v - 2 * c, k - 1)
        for v, c in zip(variances, covariances, strict=True)
    ]
    return coefficient(float(variances.sum()), spread.squares, k), deleted


def _feldt(alpha: float | None, n: int, k: int) -> tuple[float | None, float | None]:
    """Confidence interval of alpha (Feldt 1965)."""
    if alpha is None or n < 2 or k < 2:
        return None, None
    df1, df2, tail = n - 1, (n - 1) * (k - 1), (1 - CONFIDENCE) / 2
    low = 1 - (1 - alpha) * f_distribution.ppf(1 - tail, df1, df2)
    high = 1 - (1 - alpha) * f_distribution.ppf(tail, df1, df2)
    return float(low), float(high)


def _not_reached(data: Responses) -> np.ndarray:
    """Per item: number of persons it was administered to who answered neither it nor any later item."""
    n, m = data.codes.shape
    last = np.full(n, -1, dtype=np.int32)
    for j in range(m):
        unanswered = [t in (OMITTED, NOT_ADMINISTERED) for t in data.levels[j]]
        last[~np.array(unanswered)[data.codes[:, j]]] = j
    counts = np.zeros(m, dtype=np.int64)
    for j in range(m):
        if OMITTED in data.levels[j]:
            omitted = data.codes[:, j] == data.levels[j].index(OMITTED)
            counts[j] = int((omitted & (last < j)).sum())
    return counts


def _item(
    data: Responses, j: int, table: _Table, *, deleted: float | None, not_reached: int
) -> ItemStats:
    x, total, products = table.item, table.total, table.products()
    n = int(x.n)
    rest_products = products - x.squares
    rest_squares = total.squares - 2 * products + x.squares
    upper, lower = _tail_weights(table.counts.sum(axis=1))
    level_counts = table.counts.sum(axis=0)
    omitted = int(level_counts[table.labels.index(OMITTED)]) if OMITTED in table.labels else 0
    options: dict[str, OptionStats] = {}
    upper_choices: dict[str, float] = {}
    if data.key and n:
        options = _options(table, total)
        upper_choices = dict(zip(table.labels, (upper @ table.counts).tolist(), strict=True))
        upper_choices.pop(OMITTED, None)
    stats = ItemStats(
        id=data.items[j],
        n=n,
        facility=_number(x.mean / data.maximum[j]) if n else None,
        sd=x.sd,
        discrimination=_efficiency(table, rest_products),
        discrimination_27=_upper_lower(table, upper, lower, maximum=float(data.maximum[j])),
        point_biserial=_correlation(products, x.squares, total.squares, n=n),
        point_biserial_corrected=_correlation(rest_products, x.squares, rest_squares, n=n),
        omitted=omitted,
        not_reached=not_reached,
        alpha_if_deleted=deleted,
        options=options,
    )
    key = data.key[j] if data.key else None
    return replace(stats, flags=tuple(_flags(stats, key, upper_choices)))


def _options(table: _Table, total: _Spread) -> dict[str, OptionStats]:
    n = total.n
    options = {}
    for number, label in enumerate(table.labels):
        if label == OMITTED:
            continue
        column = table.counts[:, number]
        count = float(column.sum())
        products = float(column @ (table.totals - total.mean))
        squares = count * (1 - count / n)
        correlation = _correlation(products, squares, total.squares, n=int(n))
        options[label] = OptionStats(int(count), count / n, correlation)
    return options


def _flags(item: ItemStats, key: str | None, upper_choices: Mapping[str, float]) -> list[str]:
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
    flags += _option_flags(item, key, upper_choices)
    return flags


def _option_flags(
    item: ItemStats, key: str | None, upper_choices: Mapping[str, float]
) -> list[str]:
    if not item.options or key is None:
        return []
    flags = []
    key_stats = item.options.get(key)
    key_correlation = (
        key_stats.point_biserial if key_stats and key_stats.point_biserial is not None else None
    )
    for label, option in item.options.items():
        if label == key:
            continue
        if option.share is not None and option.share < 0.02 and item.n >= 50:
            flags.append(f"干扰项 {label} 几乎没人选（{option.n} 人）")
        correlation = option.point_biserial
        if (
            correlation is not None
            and correlation > 0.05
            and (key_correlation is None or correlation > key_correlation)
        ):
            flags.append(f"答案可能错了：选 {label} 的人总分更高")
    rival = max(
        (label for label in upper_choices if label != key),
        key=lambda x: upper_choices[x],
        default=None,
    )
    if rival is not None and upper_choices[rival] > upper_choices.get(key, 0.0):
        flags.append(f"成绩最好的人里选 {rival} 的多过选答案 {key} 的")
    return flags


def _tail_weights(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of each total score in the upper and the lower 27 %. Ties at the cut are weighted
    fractionally, so the result doesn't depend on the order of rows."""
    wanted = TAIL * counts.sum()

    def share(order: np.ndarray) -> np.ndarray:
        before = np.concatenate([[0.0], np.cumsum(order)[:-1]])
        weights: np.ndarray = np.clip((wanted - before) / np.maximum(order, 1e-300), 0, 1)
        return weights

    return share(counts[::-1])[::-1], share(counts)


def _upper_lower(
    table: _Table, upper: np.ndarray, lower: np.ndarray, *, maximum: float
) -> float | None:
    n = table.counts.sum()
    if n < 2:
        return None
    means = (upper - lower) @ table.counts @ table.scores
    return _number(means / (TAIL * n * maximum))


def _efficiency(table: _Table, rest_products: float) -> float | None:
    """cov(x, rest) ÷ its maximum, the covariance with both sorted ascending."""
    n = table.counts.sum()
    if n < 2:
        return None
    rest = (table.totals[:, None] - table.scores[None, :]).ravel()
    maximum = _sorted_products(
        table.scores, table.counts.sum(axis=0), rest, y_counts=table.counts.ravel()
    )
    return _number(rest_products / maximum) if maximum > 1e-9 * n else None


def _sorted_products(
    x: np.ndarray, x_counts: np.ndarray, y: np.ndarray, *, y_counts: np.ndarray
) -> float:
    """Σ (x − mean)(y − mean) with both columns sorted ascending, from values and counts."""
    x_order, y_order = np.argsort(x), np.argsort(y)
    x_ends, y_ends = np.cumsum(x_counts[x_order]), np.cumsum(y_counts[y_order])
    ends = np.union1d(x_ends, y_ends)
    sizes = np.diff(ends, prepend=0.0)
    x_sorted = x[x_order][np.minimum(np.searchsorted(x_ends, ends), len(x) - 1)]
    y_sorted = y[y_order][np.minimum(np.searchsorted(y_ends, ends), len(y) - 1)]
    n = sizes.sum()
    return float(sizes @ ((x_sorted - sizes @ x_sorted / n) * (y_sorted - sizes @ y_sorted / n)))


def _correlation(products: float, x_squares: float, y_squares: float, *, n: int) -> float | None:
    if n < 2 or x_squares <= 1e-9 * n or y_squares <= 1e-9 * n:
        return None
    return _number(products / np.sqrt(x_squares * y_squares))


def _number(value: float) -> float | None:
    value = float(value)
    return value if np.isfinite(value) else None
