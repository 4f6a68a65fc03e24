"""Operations on the annual report: write, submit, list who has submitted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.database import now
from training_records.divisions import Division, children, level_of
from training_records.errors import Refused, Stale
from training_records.inspection.models import AnnualReport

# Due each year by 30 October (青21#五二).
DUE_MONTH, DUE_DAY = 10, 30
MAX_TEXT = 3000
PLACES = re.compile(r"problems|measures|task-([1-9]|1\d|2[0-3])")


def due_on(year: int) -> date:
    """The last day to submit a year's report."""
    return date(year, DUE_MONTH, DUE_DAY)


def report_of(session: Session, code: str, year: int) -> AnnualReport | None:
    """What a division has written and submitted for a year."""
    return session.get(AnnualReport, (code, year))


def texts_of(session: Session, code: str, year: int) -> dict[str, str]:
    """Section of the report to its text."""
    row = report_of(session, code, year)
    return dict(row.texts) if row else {}


def write_texts(
    session: Session, code: str, year: int, *, texts: Mapping[str, str], version: int, by: str
) -> AnnualReport:
    """Saves the texts. `version`: the version that the page was loaded with; raises `Refused` if somebody else has
    saved since, so that no concurrent edit is lost."""
    if level_of(code) != "district":
        raise Refused("自查报告由区（市）写")
    row = report_of(session, code, year)
    if row is None:
        row = AnnualReport(division_code=code, year=year, texts={}, version=0, updated_by=by)
        session.add(row)
    if row.version != version:
        raise Stale(
            "同事刚才也改过，这次没有保存。您写的都在；同事写的不一样的地方列在下面，核对后再保存"
        )
    for section, text in texts.items():
        if not PLACES.fullmatch(section):
            raise Refused("报告里没有这个地方，请刷新页面")
        if len(text) > MAX_TEXT:
            raise Refused(f"一处最多写 {MAX_TEXT} 字，现在有 {len(text)} 字，请压缩")
    row.texts = {section: text.strip() for section, text in texts.items() if text.strip()}
    row.version, row.updated_by = version + 1, by
    session.flush()
    return row


def hand_in(
    session: Session, code: str, year: int, *, digest: str, today: date, by: str
) -> AnnualReport:
    """Submits the stamped report. Submitting again replaces the file and keeps the date of the first submission."""
    if level_of(code) != "district":
        raise Refused("自查报告由区（市）交")
    row = report_of(session, code, year)
    if row is None:
        row = AnnualReport(division_code=code, year=year, texts={}, updated_by=by)
        session.add(row)
    if row.file == digest:
        raise Refused("交过同一份文件了")
    row.replaced_at = now() if row.filed_on else None
    row.file, row.filed_on, row.updated_by = digest, row.filed_on or today, by
    session.flush()
    return row


@dataclass(frozen=True)
class Filing:
    """A district and its report. `state`: in_time, late, missing (past the deadline), awaited."""

    division: Division
    report: AnnualReport | None
    state: str


FILING_STATES = {
    "in_time": "按时交了",
    "late": "交了，晚了",
    "missing": "过期没交",
    "awaited": "还没交",
}


def filings(session: Session, city: str, year: int, *, today: date) -> list[Filing]:
    """All districts of a city, missing reports first."""
    query = select(AnnualReport).where(AnnualReport.year == year)
    reports = {row.division_code: row for row in session.scalars(query)}
    rows = []
    for division in children(session, city):
        row = reports.get(division.code)
        if row is not None and row.filed_on:
            state = "in_time" if row.filed_on <= due_on(year) else "late"
        else:
            state = "missing" if today > due_on(year) else "awaited"
        rows.append(Filing(division, row, state))
    order = ("missing", "awaited", "late", "in_time")
    return sorted(rows, key=lambda f: (order.index(f.state), f.division.code))
