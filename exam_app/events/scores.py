"""Exam scores of a training event, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, stdev

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.exams.models import Attempt
from training_records.events.clashes import taking_part
from training_records.events.models import Event


@dataclass(frozen=True)
class Scores:
    """Scores in percent. Of those who sat both exams: the mean before and after, and the mean gain with the half-width
    of its 95 % interval (normal approximation, None below five people). Of all: how many sat and passed the second."""

    both: int
    before: float | None
    after: float | None
    gain: float | None
    within: float | None
    sat: int
    passed: int
    pairs: tuple[tuple[float, float], ...]


def scores_of(session: Session, event: Event) -> Scores:
    """Returns the scores of an event's participants."""
    people = set(taking_part(session, event))
    before = _percent(session, event.before_id, people)
    after = _percent(session, event.after_id, people)
    pairs = tuple((before[p], after[p]) for p in sorted(before.keys() & after.keys()))
    gains = [b - a for a, b in pairs]
    passed = 0
    if event.after_id:
        passed = len(
            set(
                session.scalars(
                    select(Attempt.person_id).where(
                        Attempt.exam_id == event.after_id, Attempt.passed.is_(True)
                    )
                )
            )
            & people
        )
    return Scores(
        both=len(pairs),
        before=mean(a for a, _ in pairs) if pairs else None,
        after=mean(b for _, b in pairs) if pairs else None,
        gain=mean(gains) if gains else None,
        within=1.96 * stdev(gains) / len(gains) ** 0.5 if len(gains) >= 5 else None,
        sat=len(after),
        passed=passed,
        pairs=pairs,
    )


def _percent(session: Session, exam_id: int | None, people: set[int]) -> dict[int, float]:
    if exam_id is None:
        return {}
    query = (
        select(Attempt.person_id, func.max(100 * Attempt.score / Attempt.max_score))
        .where(
            Attempt.exam_id == exam_id,
            Attempt.state.in_(("marked", "released")),
            Attempt.max_score > 0,
        )
        .group_by(Attempt.person_id)
    )
    return {p: float(s) for p, s in session.execute(query) if p in people and s is not None}
