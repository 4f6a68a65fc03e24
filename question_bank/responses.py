"""Response matrices (RESPONSES.csv) as arrays: one row per person, one column per item.

A cell holds the chosen option (with a key) or the score (without). An empty cell means 'not
answered' (scores 0 in classical analysis, counted separately); ``NA`` means 'not administered'
(excluded).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

NOT_ADMINISTERED = "NA"
OMITTED = ""
MAX_LEVELS = 60_000


class ResponsesError(ValueError):
    """The file is malformed; the message says in Chinese what is wrong, where, and how to fix it."""


@dataclass(frozen=True)
class Responses:
    """Responses coded by level; the levels of an item are the distinct cells of its column.

    `codes`: persons × items, level numbers. `levels[j]`: text of each level of item j, `OMITTED`
    for not answered, `NOT_ADMINISTERED` for not administered. `worth[j]`: score of each level, NaN
    for not administered. `maximum`: points of each item. `key`: correct option of each item, empty
    when cells are scores.
    """

    persons: Sequence[str]
    items: tuple[str, ...]
    codes: np.ndarray
    levels: tuple[tuple[str, ...], ...]
    worth: tuple[np.ndarray, ...]
    maximum: np.ndarray
    key: tuple[str, ...] = field(default=())

    def score(self, j: int) -> np.ndarray:
        """Scores on item j, one per person; NaN where not administered."""
        result: np.ndarray = self.worth[j][self.codes[:, j]]
        return result

    def scores(self) -> np.ndarray:
        """The score matrix, persons × items."""
        return np.column_stack([self.score(j) for j in range(len(self.items))])

    def shares(self) -> np.ndarray:
        """Scores as shares of each item's maximum."""
        shares: np.ndarray = self.scores() / self.maximum
        return shares


def read_key(path: Path | str) -> dict[str, tuple[str, float]]:
    """Reads ``item,key[,points]`` into item to (key, points). Raises `ResponsesError`."""
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResponsesError(f"答案文件读不了：{error}") from None
    if table.columns[:2] != ["item", "key"]:
        raise ResponsesError("答案文件的表头要是 item,key[,points]")
    key: dict[str, tuple[str, float]] = {}
    for number, row in enumerate(table.iter_rows(named=True), start=2):
        if not row["item"] or not row["key"]:
            raise ResponsesError(f"答案文件第 {number} 行缺题号或答案")
        if row["item"] in key:
            raise ResponsesError(f"答案文件第 {number} 行：题号 {row['item']} 重复")
        try:
            points = float(row.get("points") or 1)
        except ValueError:
            points = float("nan")
        if not points > 0 or points == float("inf"):
            raise ResponsesError(f"答案文件第 {number} 行：分值要是大于 0 的数")
        key[row["item"]] = (row["key"].strip(), points)
    return key


def read_groups(path: Path | str) -> dict[str, str]:
    """Reads ``person,group`` into person to group. Raises `ResponsesError`."""
    try:
        table = pl.read_csv(path, infer_schema=False, empty_string_is_null=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResponsesError(f"分组文件读不了：{error}") from None
    if table.columns[:2] != ["person", "group"]:
        raise ResponsesError("分组文件的表头要是 person,group")
    return dict(zip(table["person"].to_list(), table["group"].to_list(), strict=True))


def read_responses(
    path: Path | str, key: Mapping[str, tuple[str, float]] | None = None
) -> Responses:
    """Reads a response matrix from a CSV file. Raises `ResponsesError` (Chinese: file, row, column)."""
    try:
        header = pl.read_csv(path, n_rows=0, infer_schema=False).columns
        if header[:1] != ["person"] or len(header) < 2:
            raise ResponsesError("作答文件的表头要是 person，题号1，题号2……")
        dtypes: dict[str, type[pl.DataType]] = dict.fromkeys(header[1:], pl.Categorical)
        table = pl.read_csv(
            path, schema_overrides={"person": pl.String, **dtypes}, empty_string_is_null=False
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ResponsesError(f"作答文件读不了：{error}") from None
    if table.height == 0:
        raise ResponsesError("作答文件里一个人也没有")
    items = tuple(header[1:])
    missing = [item for item in items if key is not None and item not in key]
    if missing:
        raise ResponsesError(f"这些题没有答案：{'、'.join(missing[:10])}，请补进答案文件")
    codes = np.empty((table.height, len(items)), dtype=np.uint16, order="F")
    levels, worth = [], []
    for j, item in enumerate(items):
        codes[:, j], texts = _levels(table[item])
        levels.append(texts)
        if key is None:
            worth.append(_numbers(item, texts, codes[:, j]))
        else:
            correct, points = key[item]
            worth.append(_marks(texts, correct, points))
    if key is None:
        maximum = np.array([_highest(w) for w in worth])
    else:
        maximum = np.array([key[item][1] for item in items])
    correct_options = () if key is None else tuple(key[item][0] for item in items)
    return Responses(
        table["person"].to_list(),
        items,
        codes,
        tuple(levels),
        tuple(worth),
        maximum,
        correct_options,
    )


def _levels(column: pl.Series) -> tuple[np.ndarray, tuple[str, ...]]:
    """(codes of a column, text of each code); surrounding whitespace is not significant."""
    column = column.fill_null(OMITTED)
    distinct = column.unique()
    texts = [text.strip() for text in distinct.cast(pl.String).to_list()]
    levels = sorted(set(texts))
    if len(levels) > MAX_LEVELS:
        raise ResponsesError(f"“{column.name}”一列有 {len(levels)} 种不同的内容，请查这一列")
    physical = distinct.to_physical().to_numpy()
    code_of = np.zeros(int(physical.max()) + 1, dtype=np.uint16)
    code_of[physical] = [levels.index(text) for text in texts]
    return code_of[column.to_physical().to_numpy()], tuple(levels)


def _marks(texts: Sequence[str], correct: str, points: float) -> np.ndarray:
    return np.array(
        [np.nan if t == NOT_ADMINISTERED else points * (t == correct) for t in texts], dtype=float
    )


def _numbers(item: str, texts: Sequence[str], codes: np.ndarray) -> np.ndarray:
    values = np.empty(len(texts))
    for number, text in enumerate(texts):
        if text in (OMITTED, NOT_ADMINISTERED):
            values[number] = np.nan if text else 0.0
            continue
        try:
            values[number] = float(text)
        except ValueError:
            values[number] = np.inf
        if not np.isfinite(values[number]):
            row = int(np.argmax(codes == number))
            raise ResponsesError(
                f"第 {row + 2} 行“{item}”不是分数：{text[:20]}。写选项的文件要同时给答案文件"
            )
    return values


def _highest(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if len(known) and known.max() > 0 else 1.0
