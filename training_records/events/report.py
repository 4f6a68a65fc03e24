"""What an event came to, in figures: by division, by session, by survey."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from training_records.divisions import ancestor, division_names, level_of
from training_records.events.attendance import BELOW, CAME, attendance_of, hours_of
from training_records.events.enrolment import roll
from training_records.events.models import AttendanceState, Event, EventSession
from training_records.events.planning import quotas_of
from training_records.events.survey import Results, results


@dataclass(frozen=True)
class Branch:
    """One division's share: seats, people taken, people who came, sessions attended of those they should have,
    credit hours altogether."""

    code: str
    name: str
    seats: int
    approved: int
    came: int
    attended: int
    expected: int
    hours: Decimal

    @property
    def rate(self) -> float | None:
        """Attended ÷ expected sessions."""
        return self.attended / self.expected if self.expected else None


@dataclass(frozen=True)
class Held:
    """One session: registered how, and absent without leave."""

    session: EventSession
    states: Counter[AttendanceState]
    absent: int


@dataclass(frozen=True)
class Report:
    """An event as its report tells it."""

    event: Event
    branches: Sequence[Branch]
    total: Branch
    held: Sequence[Held]
    survey: Results


def report_of(session: Session, event: Event) -> Report:
    """The figures of an event as of now."""
    level = BELOW.get(level_of(event.division_code), "village")
    came, people = attendance_of(session, event), roll(session, event)
    approved = [(e, p) for e, p in people if e.state == "approved"]
    quotas, sums = quotas_of(session, event), defaultdict[str, Counter[str]](Counter)
    for code, seats in quotas.items():
        sums[code]["seats"] = seats
    for row, person in approved:
        own, rows = sums[ancestor(row.division_code, level)], came.get(person.id, {})  # type: ignore[arg-type]
        attended = sum(r.state in CAME for r in rows.values())
        own.update(
            approved=1,
            came=int(attended > 0),
            attended=attended,
            expected=len(event.sessions),
            tenths=int(hours_of(event, rows) * 10),
        )
    names = division_names(session, codes=set(sums))
    branches = [_branch(code, names.get(code, code), sums[code]) for code in sorted(sums)]
    whole: Counter[str] = sum(sums.values(), Counter())
    ids = {p.id for _, p in approved}
    held = []
    for one in event.sessions:
        states = Counter(rows[one.id].state for rows in came.values() if one.id in rows)
        there = sum(1 for person in ids if one.id in came.get(person, {}))
        held.append(Held(one, states, len(ids) - there))
    total = _branch(event.division_code, "合计", whole)
    return Report(event, branches, total, held, results(session, event))


def _branch(code: str, name: str, own: Counter[str]) -> Branch:
    return Branch(
        code,
        name,
        own["seats"],
        own["approved"],
        own["came"],
        own["attended"],
        own["expected"],
        Decimal(own["tenths"]) / 10,
    )
