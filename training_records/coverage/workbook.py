"""Coverage as an office's workbook: figures by division, then everyone in post by name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from training_records.archive.ledger_export import ledger_rows
from training_records.coverage.definition import STATUS_NAMES, Coverage, CoverageReport
from training_records.divisions import WIDTHS, ancestor, level_of
from training_records.ledger.columns import COLUMNS
from training_records.xlsx import Sheet, Workbook, make_workbook

FIGURES = [
    "区域",
    "儿童主任数",
    "儿童督导员数",
    "已覆盖",
    "待训",
    "未覆盖",
    "覆盖率",
    "覆盖率（不含待训）",
    "未通过初任考核",
]
PEOPLE = [
    "区（市）",
    "镇（街）",
    "村/社区名称",
    "姓名",
    "手机号",
    "任职开始日期",
    "状态",
    "本年学时",
    "本年考试",
    "初任考核",
    "原因",
    "工作及培训经历",
]


def coverage_workbook(session: Session, report: CoverageReport, names: Mapping[str, str]) -> bytes:
    """Returns two sheets: 覆盖情况 and 人员名单 (with each person's 工作及培训经历 text)."""
    prefix = report.total.code[: WIDTHS[level_of(report.total.code)]]
    phone_at, code_at, text_at = (list(COLUMNS).index(n) for n in ("phone", "code", "experience"))
    texts: dict[tuple[object, object], object] = {}
    for row in ledger_rows(session, prefix, report.as_of):
        texts[row[phone_at], row[code_at]] = row[text_at]

    def fill(book: Workbook) -> None:
        title = f"{report.total.name}{report.year}年儿童主任培训覆盖情况（截至{report.as_of}）"
        sheet = Sheet(book, "覆盖情况", title, heads=FIGURES, widths=[20] + [13] * 8)
        for row in [*report.children, report.total]:
            name = "合计" if row is report.total and report.children else row.name
            sheet.add(_figures(row, name), percent=(6, 7))
        people = Sheet(
            book,
            "人员名单",
            f"{report.total.name}{report.year}年儿童主任培训名单",
            heads=PEOPLE,
            widths=[9, 11, 12, 9, 13, 12, 8, 9, 9, 9, 22, 56],
        )
        for s in report.standings:
            people.add(
                [
                    names.get(ancestor(s.division_code, "district")),
                    names.get(ancestor(s.division_code, "town")),
                    names.get(s.division_code),
                    s.name,
                    s.phone,
                    s.start.isoformat(),
                    STATUS_NAMES[s.status],
                    float(s.hours),
                    "通过" if s.exam_passed else "未通过",
                    "合格" if s.inducted else "未合格",
                    s.reason,
                    texts.get((s.phone, s.division_code), ""),
                ]
            )

    return make_workbook(fill)


def _figures(row: Coverage, name: str) -> list[str | int | float | None]:
    return [
        name,
        row.in_post,
        row.supervisors,
        row.covered,
        row.pending,
        row.uncovered,
        row.rate,
        row.rate_without_pending,
        row.not_inducted,
    ]
