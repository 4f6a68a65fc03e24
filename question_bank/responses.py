"""Response matrices (RESPONSES.csv) as arrays: one row per person, one column per item.

A cell holds the chosen option (with a key) or the score (without). An empty cell means 'not
answered' (scores 0 in classical analysis, counted separately); ``NA`` means 'not administered'
(excluded).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from question_bank.tables import TableError, read_rows

NOT_ADMINISTERED = "NA"
OMITTED = ""
MAX_LEVELS = 60_000
# Rows that are held as text at a time.
BLOCK = 20_000


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
    heading, *rows = _rows(path, "答案文件")
    if heading[:2] != ["item", "key"]:
        raise ResponsesError("答案文件的表头要是 item,key[,points]")
    at = heading.index("points") if "points" in heading else None
    key: dict[str, tuple[str, float]] = {}
    for number, row in enumerate(rows, start=2):
        item, correct = row[:2]
        worth = "" if at is None else row[at]
        if not item or not correct:
            raise ResponsesError(f"答案文件第 {number} 行缺题号或答案")
        if item in key:
            raise ResponsesError(f"答案文件第 {number} 行：题号 {item} 重复")
        try:
            points = float(worth or 1)
        except ValueError:
            points = float("nan")
        if not points > 0 or points == float("inf"):
            raise ResponsesError(f"答案文件第 {number} 行：分值要是大于 0 的数")
        key[item] = (correct.strip(), points)
    return key


def read_groups(path: Path | str) -> dict[str, str]:
    """Reads ``person,group`` into person to group. Raises `ResponsesError`."""
    heading, *rows = _rows(path, "分组文件")
    if heading[:2] != ["person", "group"]:
        raise ResponsesError("分组文件的表头要是 person,group")
    return {row[0]: row[1] for row in rows}


def read_responses(
    path: Path | str, key: Mapping[str, tuple[str, float]] | None = None
) -> Responses:
    """Reads a response matrix from a CSV file. Raises `ResponsesError` (Chinese: file, row, column)."""
    rows = _rows(path, "作答文件")
    heading = next(rows)
    if heading[:1] != ["person"] or len(heading) < 2:
        raise ResponsesError("作答文件的表头要是 person，题号1，题号2……")
    items = tuple(heading[1:])
    if repeated := [item for item, n in Counter(items).items() if n > 1]:
        raise ResponsesError(f"作答文件的表头里有重复的题号：{'、'.join(repeated[:10])}")
    persons: list[str] = []
    columns = [_Levels(item) for item in items]
    blocks: list[np.ndarray] = []
    while block := list(islice(rows, BLOCK)):
        names, *cells = zip(*block, strict=True)
        persons += names
        blocks.append(np.empty((len(block), len(items)), dtype=np.uint16, order="F"))
        for j, (column, texts) in enumerate(zip(columns, cells, strict=True)):
            blocks[-1][:, j] = np.fromiter(map(column.__getitem__, texts), np.uint16, len(block))
    if not persons:
        raise ResponsesError("作答文件里一个人也没有")
    missing = [item for item in items if key is not None and item not in key]
    if missing:
        raise ResponsesError(f"这些题没有答案：{'、'.join(missing[:10])}，请补进答案文件")
    codes = np.empty((len(persons), len(items)), dtype=np.uint16, order="F")
    levels, worth = [], []
    for j, (item, column) in enumerate(zip(items, columns, strict=True)):
        texts, rank = column.in_order()
        codes[:, j] = rank[np.concatenate([block[:, j] for block in blocks])]
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
    return Responses(persons, items, codes, tuple(levels), tuple(worth), maximum, correct_options)


def _rows(path: Path | str, what: str) -> Iterator[list[str]]:
    try:
        yield from read_rows(path)
    except (OSError, TableError) as error:
        raise ResponsesError(f"{what}读不了：{error}") from None


class _Levels(dict[str, int]):
    """Cells of a column to numbers, in the order they come; surrounding whitespace is not significant."""

    def __init__(self, item: str) -> None:
        super().__init__()
        self.item = item
        self.texts: dict[str, int] = {}

    def __missing__(self, cell: str) -> int:
        code = self[cell] = self.texts.setdefault(cell.strip(), len(self.texts))
        if code >= MAX_LEVELS:
            raise ResponsesError(f"“{self.item}”一列有 {MAX_LEVELS} 种以上不同的内容，请查这一列")
        return code

    def in_order(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The texts in order, and the place of each number among them."""
        texts = tuple(sorted(self.texts))
        rank = np.empty(len(texts), dtype=np.uint16)
        rank[[self.texts[text] for text in texts]] = np.arange(len(texts), dtype=np.uint16)
        return texts, rank


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
