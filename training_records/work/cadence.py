"""Visiting cadence: periods of months and quarters, and which contacts satisfy which cadence (青21#10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# Kind of contact to the forms of visits that satisfy it.
CONTACTS = {
    "home": frozenset({"home"}),
    "in_person": frozenset({"home", "school"}),
    "any": frozenset({"home", "school", "phone", "wechat"}),
}


@dataclass(frozen=True)
class Cadence:
    """How often a category is visited. `months`: 1 or 3, None where the policy gives no number; `forms`: the forms of
    visits that satisfy it."""

    id: str
    title: str
    months: int | None
    forms: frozenset[str]
    text: str


def cadences(rows: Iterable[Mapping[str, object]]) -> dict[str, Cadence]:
    """Builds the cadences by category from the facts (`visits.yaml`)."""
    by_category = {}
    for row in rows:
        months = row["months"]
        by_category[str(row["id"])] = Cadence(
            str(row["id"]),
            str(row["who"]),
            int(str(months)) if months is not None else None,
            CONTACTS[str(row["contact"])],
            str(row["text"]),
        )
    return by_category


def strictest(categories: Iterable[str], known: Mapping[str, Cadence]) -> Cadence | None:
    """The cadence of a child with several categories: the most frequent one with a number, else any."""
    candidates = [known[c] for c in categories if c in known]
    return min(candidates, key=lambda c: (c.months is None, c.months or 0), default=None)


def period_of(day: date, months: int) -> tuple[date, date]:
    """Returns the first and last day of the calendar month, quarter or year (months 1, 3 or 12) that contains a day."""
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    following = date(
        first.year + (first.month + months > 12), (first.month + months - 1) % 12 + 1, 1
    )
    return first, following - timedelta(days=1)


def name_of(first: date, months: int) -> str:
    """A period's name: 2026-03, 2026-Q1, 2026."""
    if months == 12:
        return str(first.year)
    if months == 3:
        return f"{first.year}-Q{(first.month + 2) // 3}"
    return f"{first:%Y-%m}"


def periods(start: date, end: date, months: int) -> Iterator[tuple[date, date]]:
    """Yields all periods that overlap start…end, in order."""
    day = start
    while day <= end:
        first, last = period_of(day, months)
        yield first, last
        day = last + timedelta(days=1)


def owed(
    cadence: Cadence, opened: date, closed: date | None, *, since: date, until: date
) -> list[tuple[date, date]]:
    """Returns the periods of since…until in which a visit is due: those that end by `until` and for at least half of
    whose days the child was in the caseload. No visit is due where the policy gives no number."""
    if cadence.months is None:
        return []
    due = []
    for first, last in periods(since, until, cadence.months):
        begin, end = max(first, opened, since), min(last, closed or last)
        if last <= until and 2 * ((end - begin).days + 1) >= (last - first).days + 1:
            due.append((first, last))
    return due


def paid(cadence: Cadence, period: tuple[date, date], visits: Sequence[tuple[date, str]]) -> bool:
    """Whether a visit in a satisfying form falls into a period."""
    first, last = period
    return any(first <= on <= last and form in cadence.forms for on, form in visits)
