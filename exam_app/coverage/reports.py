"""The coverage report of a division for a year and a day: from the running figures, a closed year, or the records."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from exam_app.coverage.keeper import keep_up
from training_records.coverage import reading
from training_records.coverage.definition import CoverageReport, default_as_of
from training_records.coverage.definition import coverage as compute
from training_records.coverage.freezing import is_frozen
from training_records.errors import Refused

# Any day but today is computed from the records, which for a whole province is too slow for a page.
MAX_ROWS = 30_000


def year_and_day(year: str | None, as_of: str | None, today: date) -> tuple[int, date]:
    """Parses the year and day of a query. Raises `Refused` for invalid ones."""
    try:
        requested = int(year or today.year)
        if not 2000 <= requested <= 2100:
            raise Refused("年份要在 2000 到 2100 之间")
        return requested, date.fromisoformat(as_of) if as_of else default_as_of(requested, today)
    except ValueError:
        raise Refused("年份或日期写错了：年份如 2026，日期如 2026-11-24") from None


def is_today(year: int, day: date, today: date) -> bool:
    """Whether the running figures apply."""
    return day == today and year == day.year


def is_closed(session: Session, year: int, day: date, *, as_known_then: bool) -> bool:
    """Whether the frozen figures of a closed year apply."""
    return day == date(year, 12, 31) and as_known_then and is_frozen(session, year)


def catch_up(factory: sessionmaker[Session], year: int, day: date, *, today: date) -> None:
    """Applies pending changes if the running figures apply. Call before the caller's own read transaction begins."""
    if is_today(year, day, today):
        keep_up(factory, today, rounds=1)


def report(
    session: Session, code: str, year: int, *, day: date, today: date, as_known_then: bool
) -> CoverageReport:
    """Returns today's report from the running figures, a closed year's from the frozen ones, others from the records."""
    if is_today(year, day, today):
        return reading.report(session, code, day)
    if is_closed(session, year, day, as_known_then=as_known_then):
        return reading.frozen_report(session, code, year)
    return computed(session, code, year, day=day, today=today)


def computed(session: Session, code: str, year: int, *, day: date, today: date) -> CoverageReport:
    """Computes the report from the records, with names. Raises `Refused` above `MAX_ROWS` people."""
    people = reading.report(session, code, today).total.in_post
    if people > MAX_ROWS:
        raise Refused(
            f"这里有 {people} 人，别的日期要从原始记录现算，一次最多 {MAX_ROWS} 人。请点到下一级再看那一天"
        )
    return compute(session, code, year, as_of=day)
