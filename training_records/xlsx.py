"""Workbooks of an office (XLSX): a title, a head that repeats, rows as text or numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import IO

from xlsxwriter import Workbook as Workbook

MAX_HEIGHTS = 20_000


class Sheet:
    """One worksheet of an office workbook: merged title, head row, rows, all as text or numbers.

    Text never becomes a formula, whatever it begins with.
    """

    def __init__(
        self,
        book: Workbook,
        name: str,
        title: str,
        heads: Sequence[str],
        widths: Sequence[float] = (),
    ) -> None:
        self.sheet = book.add_worksheet(name)
        font = {"font_name": "宋体", "valign": "vcenter"}
        big = book.add_format({**font, "bold": True, "font_size": 16, "align": "center"})
        head = book.add_format(
            {
                **font,
                "bold": True,
                "border": 1,
                "bg_color": "#e3f2f0",
                "text_wrap": True,
                "align": "center",
            }
        )
        self.cell = book.add_format({**font, "border": 1})
        self.wrapped = book.add_format({**font, "border": 1, "text_wrap": True})
        self.percent = book.add_format({**font, "border": 1, "num_format": "0.0%"})
        self.sheet.merge_range(0, 0, 0, max(len(heads) - 1, 1), title, big)
        self.sheet.set_row(0, 30)
        for at, text in enumerate(heads):
            self.sheet.write_string(1, at, text, head)
            self.sheet.set_column(at, at, widths[at] if at < len(widths) else 14)
        self.sheet.freeze_panes(2, 0)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(0, 1)
        self.sheet.set_footer("&C第 &P 页 / 共 &N 页")
        self.widths = [widths[at] if at < len(widths) else 14 for at in range(len(heads))]
        self.row = 2

    def add(self, cells: Iterable[object], percent: Sequence[int] = ()) -> None:
        """Appends a row; columns in `percent` hold shares of 1."""
        lines = 1
        for at, value in enumerate(cells):
            if value is None:
                self.sheet.write_blank(self.row, at, None, self.cell)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                self.sheet.write_number(
                    self.row, at, value, self.percent if at in percent else self.cell
                )
            else:
                text = safe(str(value))
                own = -(-units(text) // max(int(self.widths[at]) - 4, 4))
                lines = max(lines, own)
                self.sheet.write_string(self.row, at, text, self.wrapped if own > 1 else self.cell)
        # Heights are kept in memory; of a very long sheet the reader's program finds them out.
        if lines > 1 and self.row < MAX_HEIGHTS:
            self.sheet.set_row(self.row, 15 * min(lines, 20))
        self.row += 1


def units(text: str) -> int:
    """The width in Excel's units: a Chinese character takes about two."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


def safe(text: str) -> str:
    """Text that a spreadsheet won't take for a formula, also after a detour through CSV."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def make_workbook(fill: Callable[[Workbook], None]) -> bytes:
    """The bytes of a workbook that `fill(book)` writes into."""
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        fill(book)
    return out.getvalue()


def write_workbook(out: IO[bytes], fill: Callable[[Workbook], None]) -> None:
    """Writes a workbook of any length: `fill(book)` adds rows from top to bottom, none is kept in memory."""
    options = {"constant_memory": True, "strings_to_formulas": False}
    with Workbook(out, options) as book:
        fill(book)
