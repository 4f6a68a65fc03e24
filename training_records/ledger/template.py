"""Workbooks for those who fill in the ledger: the empty template, and the faults of an import."""

from __future__ import annotations

from collections.abc import Iterable

from training_records.ledger.checks import RESULTS
from training_records.ledger.columns import COLUMNS
from training_records.ledger.rows import RowError
from training_records.xlsx import Sheet, Workbook, make_workbook

_EXAMPLE = {
    "role": "儿童主任",
    "name": "示例（导入前删去本行）",
    "gender": "女",
    "birth_date": "1980-05-06",
    "phone": "13800000000",
    "full_time": "否",
    "district": "平度市",
    "town": "云桥镇",
    "village": "前河村",
    "start": "2024-06-01",
    "background_checked_on": "2024-05-20",
    "background_result": RESULTS["clean"],
}
CHOICES = {
    "role": ["儿童主任", "儿童督导员"],
    "gender": ["男", "女"],
    "full_time": ["是", "否"],
    "purchased": ["是", "否"],
}


def template() -> bytes:
    """Returns an empty ledger with header, drop-downs and an example row."""

    def fill(book: Workbook) -> None:
        heads = [title for title, _ in COLUMNS.values()]
        sheet = Sheet(book, "台账", "儿童主任（儿童督导员）信息台账", heads=heads)
        sheet.add([_EXAMPLE.get(name) for name in COLUMNS])
        for at, name in enumerate(COLUMNS):
            if name in CHOICES:
                sheet.sheet.data_validation(
                    2, at, 5000, at, {"validate": "list", "source": CHOICES[name]}
                )
        text = book.add_format({"num_format": "@"})
        for name in ("identity", "phone", "code"):
            sheet.sheet.set_column(list(COLUMNS).index(name), list(COLUMNS).index(name), 20, text)

    return make_workbook(fill)


def errors_workbook(errors: Iterable[RowError]) -> bytes:
    """Returns the faults of an import as a list to work through in Excel."""

    def fill(book: Workbook) -> None:
        sheet = Sheet(
            book,
            "要改的地方",
            "导入检查：要改的地方",
            heads=["行号", "列", "原来的内容", "怎么改"],
            widths=[8, 20, 28, 60],
        )
        for error in errors:
            sheet.add([error.row, error.column, error.value, error.reason])

    return make_workbook(fill)
