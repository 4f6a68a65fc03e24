"""How often: periods of months and quarters, and which contact satisfies which cadence (青21#10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# Forms of visits that satisfy a kind of contact.
CONTACTS = {
    "home": frozenset({"home"}),
    "in_person": frozenset({"home", "school"}),
    "any": frozenset({"home", "school", "phone", "wechat"}),
}


@dataclass(frozen=True)
class Cadence:
    """How often a category is visited. `months`: 1 or 3, None where the policy gives no number; `forms`: which contacts
    satisfy it."""

    id: str
    title: str
    months: int | None
    forms: frozenset[str]
    text: str


def cadences(rows: Iterable[Mapping[str, object]]) -> dict[str, Cadence]:
    """By category, from the facts (`visits.yaml`)."""
    found = {}
    for row in rows:
        months = row["months"]
        found[str(row["id"])] = Cadence(
            str(row["id"]),
            str(row["who"]),
            int(str(months)) if months is not None else None,
            CONTACTS[str(row["contact"])],
            str(row["text"]),
        )
    return found


def strictest(categories: Iterable[str], known: Mapping[str, Cadence]) -> Cadence | None:
    """The cadence of a child with several categories: the most frequent one with a number, else any."""
    own = [known[c] for c in categories if c in known]
    return min(own, key=lambda c: (c.months is None, c.months or 0), default=None)


def period_of(day: date, months: int) -> tuple[date, date]:
    """The calendar month or quarter (months 1 or 3; 12: the year) that a day lies in: first and last day."""
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
    """All periods that touch start…end, in order."""
    day = start
    while day <= end:
        first, last = period_of(day, months)
        yield first, last
        day = last + timedelta(days=1)


def owed(
    cadence: Cadence, opened: date, closed: date | None, since: date, until: date
) -> list[tuple[date, date]]:
    """Periods of since…until in which a visit is owed: those that lie wholly behind `until`, and in which the child was
    in the caseload for at least half of the days. Nothing is owed where the policy gives no number."""
    if cadence.months is None:
        return []
    found = []
    for first, last in periods(since, until, cadence.months):
        begin, end = max(first, opened, since), min(last, closed or last)
        if last <= until and 2 * ((end - begin).days + 1) >= (last - first).days + 1:
            found.append((first, last))
    return found


def paid(cadence: Cadence, period: tuple[date, date], visits: Sequence[tuple[date, str]]) -> bool:
    """Whether a visit of the right kind falls into a period."""
    first, last = period
    return any(first <= on <= last and form in cadence.forms for on, form in visits)
