"""Tables that people save as CSV: UTF-8, with or without a byte order mark, or GB18030 as Chinese Excel writes it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

BLOCK = 2**20


class TableError(ValueError):
    """The file is no table; the message says in Chinese why."""


def read_rows(path: Path | str) -> Iterator[list[str]]:
    """The heading, then each row, filled up with empty cells to as many as the heading has.

    Empty lines are passed over. Raises `TableError`, also between rows, and `OSError`.
    """
    try:
        with open(path, encoding=_encoding(path), newline="") as file:
            rows = csv.reader(file, strict=True)
            heading = next(rows, None)
            if not heading:
                raise TableError("文件是空的")
            yield heading
            width = len(heading)
            for row in rows:
                if len(row) != width:
                    if len(row) > width:
                        raise TableError(f"第 {rows.line_num} 行的格子比表头多")
                    if not row:
                        continue
                    row += [""] * (width - len(row))
                yield row
    except UnicodeDecodeError:
        raise TableError("编码不是 UTF-8，也不是 GB18030") from None
    except csv.Error as error:
        raise TableError(f"第 {rows.line_num} 行的引号不成对，或格子太长（{error}）") from None


def _encoding(path: Path | str) -> str:
    with open(path, encoding="utf-8-sig") as file:
        try:
            while file.read(BLOCK):
                pass
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"
