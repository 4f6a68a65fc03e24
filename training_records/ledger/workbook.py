"""Opening a workbook from outside: unsafe files are refused, the others yield rows numbered as in Excel."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from training_records.errors import Refused

MAX_BYTES = 20 * 2**20
MAX_UNPACKED = 400 * 2**20
MAX_ROWS = 150_000
# Cell types that calamine returns.
Cell = str | int | float | bool | date | datetime | time | timedelta


def open_sheets(data: bytes) -> Iterator[Iterator[list[Cell]]]:
    """Yields an iterator over the rows of each visible sheet, from row 1, including empty leading rows.

    Raises `Refused` for anything but a plain .xlsx of acceptable size.
    """
    _inspect(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        seen = 0
        for meta in book.sheets_metadata:
            if meta.visible != SheetVisibleEnum.Visible:
                continue
            sheet = book.get_sheet_by_name(meta.name)
            if sheet.end and sheet.end[0] >= MAX_ROWS:
                raise Refused(
                    f"工作表“{meta.name}”有 {sheet.end[0] + 1} 行，一次最多 {MAX_ROWS} 行。请按镇（街）分开后再导入"
                )
            seen += 1
            yield sheet.iter_rows()
    except (CalamineError, ValueError, OSError) as error:
        raise Refused(
            "文件打不开，可能没有保存完整。请用 Excel 打开检查，另存为 .xlsx 后再导入"
        ) from error
    if not seen:
        raise Refused("工作簿里没有可见的工作表。请取消隐藏后再导入")


def _inspect(data: bytes) -> None:
    if not data:
        raise Refused("文件是空的。请重新选择文件")
    if len(data) > MAX_BYTES:
        raise Refused(
            f"文件有 {len(data) / 2**20:.0f} MB，最多 {MAX_BYTES // 2**20} MB。请删掉图片，或按镇（街）分开"
        )
    if data[:4] == b"\xd0\xcf\x11\xe0":
        raise Refused("这是旧版 .xls 或加了密码的文件。请用 Excel 另存为不加密的 .xlsx 后再导入")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise Refused(
            "这不是 Excel 的 .xlsx 文件，或文件没有保存完整。请另存为 .xlsx 后再导入"
        ) from error
    names = [entry.filename for entry in entries]
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Refused("文件解开后太大，不安全，没有读取。请检查来源，或按镇（街）分开")
    if any(
        name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") for name in names
    ):
        raise Refused("文件里有不安全的路径，没有读取。请用 Excel 重新另存为 .xlsx")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Refused("文件带有宏，不能导入。请另存为不带宏的 .xlsx 工作簿")
    if "xl/workbook.xml" not in names:
        raise Refused("这不是 Excel 的 .xlsx 文件。请用 Excel 另存为 .xlsx 后再导入")
