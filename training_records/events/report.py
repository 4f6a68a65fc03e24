"""The figures of an event: by division, by session, by survey."""

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
    """One division's share: seats, people approved, people who came, sessions attended and expected, credit hours in
    total."""

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
    """One session: number of people by state, and number absent without leave."""

    session: EventSession
    states: Counter[AttendanceState]
    absent: int


@dataclass(frozen=True)
class Report:
    """The content of an event's report."""

    event: Event
    branches: Sequence[Branch]
    total: Branch
    held: Sequence[Held]
    survey: Results


def report_of(session: Session, event: Event) -> Report:
    """Computes the figures of an event as of now."""
    level = BELOW.get(level_of(event.division_code), "village")
    came, people = attendance_of(session, event), roll(session, event)
    approved = [(e, p) for e, p in people if e.state == "approved"]
    quotas, sums = quotas_of(session, event), defaultdict[str, Counter[str]](Counter)
    for code, seats in quotas.items():
        sums[code]["seats"] = seats
    for row, person in approved:
        division_sums = sums[ancestor(row.division_code, level)]  # type: ignore[arg-type]
        rows = came.get(person.id, {})
        attended = sum(r.state in CAME for r in rows.values())
        division_sums.update(
            approved=1,
            came=int(attended > 0),
            attended=attended,
            expected=len(event.sessions),
            tenths=int(hours_of(event, rows) * 10),
        )
    names = division_names(session, codes=set(sums))
    branches = [_branch(code, names.get(code, code), sums[code]) for code in sorted(sums)]
    overall: Counter[str] = sum(sums.values(), Counter())
    ids = {p.id for _, p in approved}
    held = []
    for event_session in event.sessions:
        states = Counter(
            rows[event_session.id].state for rows in came.values() if event_session.id in rows
        )
        registered = sum(1 for person in ids if event_session.id in came.get(person, {}))
        held.append(Held(event_session, states, len(ids) - registered))
    total = _branch(event.division_code, "合计", overall)
    return Report(event, branches, total, held, results(session, event))


def _branch(code: str, name: str, sums: Counter[str]) -> Branch:
    return Branch(
        code,
        name,
        sums["seats"],
        sums["approved"],
        sums["came"],
        sums["attended"],
        sums["expected"],
        Decimal(sums["tenths"]) / 10,
    )
