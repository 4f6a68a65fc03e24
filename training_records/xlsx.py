"""Office workbooks (XLSX): a title, a repeating header row, rows of text or numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from typing import IO

from xlsxwriter import Workbook as Workbook

MAX_HEIGHTS = 20_000


class Sheet:
    """One worksheet of an office workbook: merged title, header row, rows of text or numbers.

    Text is never read as a formula, whatever it begins with.
    """

    def __init__(
        self,
        book: Workbook,
        name: str,
        title: str,
        *,
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
        # Marked as text, as if typed with an apostrophe before it: what looks like a formula stays text when edited.
        literal = {**font, "border": 1, "quote_prefix": True}
        self.literal = book.add_format(literal)
        self.wrapped_literal = book.add_format({**literal, "text_wrap": True})
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
        """Appends a row; columns in `percent` hold fractions of 1."""
        lines = 1
        for at, value in enumerate(cells):
            if value is None:
                self.sheet.write_blank(self.row, at, None, self.cell)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                self.sheet.write_number(
                    self.row, at, value, self.percent if at in percent else self.cell
                )
            else:
                text = str(value)
                text_lines = -(-units(text) // max(int(self.widths[at]) - 4, 4))
                lines = max(lines, text_lines)
                if looks_like_formula(text):
                    style = self.wrapped_literal if text_lines > 1 else self.literal
                else:
                    style = self.wrapped if text_lines > 1 else self.cell
                self.sheet.write_string(self.row, at, text, style)
        # Row heights are kept in memory; in a very long sheet the spreadsheet program fits them itself.
        if lines > 1 and self.row < MAX_HEIGHTS:
            self.sheet.set_row(self.row, 15 * min(lines, 20))
        self.row += 1


def units(text: str) -> int:
    """Returns the width in Excel column units; a Chinese character counts as two."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet program would take a typed text for a formula."""
    return text[:1] in ("=", "+", "-", "@", "\t", "\r")


def csv_cell(text: str) -> str:
    """A cell of a CSV file, where nothing else says that it is text: an apostrophe before what looks like a formula.

    `without_guard` takes it off again.
    """
    return f"'{text}" if looks_like_formula(text) else text


def without_guard(text: str) -> str:
    """A cell as it was before `csv_cell`, or before a spreadsheet program wrote out its mark of a text."""
    return text[1:] if text[:1] == "'" and looks_like_formula(text[1:]) else text


def make_workbook(fill: Callable[[Workbook], None]) -> bytes:
    """Returns the bytes of a workbook that `fill(book)` writes."""
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        fill(book)
    return out.getvalue()


def write_workbook(out: IO[bytes], fill: Callable[[Workbook], None]) -> None:
    """Writes a workbook of any length in constant memory. `fill(book)` must add rows from top to bottom."""
    options = {"constant_memory": True, "strings_to_formulas": False}
    with Workbook(out, options) as book:
        fill(book)
