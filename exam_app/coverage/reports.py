"""The report of a division for a year and a day: from the running figures, the closed year, or the records."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from exam_app.coverage.keeper import keep_up
from training_records.coverage import reading
from training_records.coverage.definition import CoverageReport, default_as_of
from training_records.coverage.definition import coverage as compute
from training_records.coverage.freezing import is_frozen
from training_records.errors import Refused

# Another day than today is computed from the records: in a whole province that is no page's work.
MAX_ROWS = 30_000


def year_and_day(year: str | None, as_of: str | None, today: date) -> tuple[int, date]:
    """The year and the day that a query names; `Refused` when it names none that can be shown."""
    try:
        asked = int(year or today.year)
        if not 2000 <= asked <= 2100:
            raise Refused("年份要在 2000 到 2100 之间")
        return asked, date.fromisoformat(as_of) if as_of else default_as_of(asked, today)
    except ValueError:
        raise Refused("年份或日期写错了:年份如 2026,日期如 2026-11-24") from None


def is_today(year: int, day: date, today: date) -> bool:
    """Whether the running figures answer."""
    return day == today and year == day.year


def is_closed(session: Session, year: int, day: date, as_known_then: bool) -> bool:
    """Whether the end of a closed year is asked for as it was known then."""
    return day == date(year, 12, 31) and as_known_then and is_frozen(session, year)


def catch_up(factory: sessionmaker[Session], year: int, day: date, today: date) -> None:
    """Works off what was just recorded where the running figures answer: before the caller's own reading begins."""
    if is_today(year, day, today):
        keep_up(factory, today, rounds=1)


def report(
    session: Session, code: str, year: int, day: date, today: date, *, as_known_then: bool
) -> CoverageReport:
    """Today's from the running figures, a closed year's as it was known then, any other day's from the records."""
    if is_today(year, day, today):
        return reading.report(session, code, day)
    if is_closed(session, year, day, as_known_then):
        return reading.frozen_report(session, code, year)
    return computed(session, code, year, day, today)


def computed(session: Session, code: str, year: int, day: date, today: date) -> CoverageReport:
    """From the records, with names; `Refused` where there are too many."""
    people = reading.report(session, code, today).total.in_post
    if people > MAX_ROWS:
        raise Refused(
            f"这里有 {people} 人,别的日期要从原始记录现算,一次最多 {MAX_ROWS} 人。请点到下一级再看那一天"
        )
    return compute(session, code, year, day)
