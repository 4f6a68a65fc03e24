"""The kinds of items that a phone may bring: what each holds, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from sqlalchemy.orm import Session

from exam_app.bank.service import current_bank
from exam_app.exams.administration import reserved_items
from exam_app.learn import study
from exam_app.outbox.schemas import PracticeBody, StudyBody, VisitBody
from exam_app.practice import service as practice
from exam_app.work.options import visit_options
from training_records.database import now
from training_records.errors import Refused
from training_records.work import service as work

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class Sender:
    """Who brings an item, and when it was made."""

    person_id: int
    role: str
    zone: ZoneInfo
    key: str
    made_at: datetime

    @property
    def today(self) -> date:
        """Today in the offices' time zone."""
        return now().astimezone(self.zone).date()


@dataclass(frozen=True)
class Kind(Generic[Body]):
    """A kind of item. `store` returns whether it was new and raises a `RecordsError` for what it refuses."""

    body: type[Body]
    roles: frozenset[str]
    store: Callable[[Session, Sender, Body], bool]


def _visit(session: Session, sender: Sender, body: VisitBody) -> bool:
    # In the villages of the visit's day: a director may have moved or left before the phone had a network.
    villages = work.villages_of(session, sender.person_id, body.on)
    if not villages:
        raise Refused(f"{body.on.isoformat()} 这天您没有任职的村（社区）")
    visit = work.NewVisit(
        sender.key,
        body.case,
        body.on,
        body.form,
        body.findings,
        body.needs,
        body.measures,
        body.next,
        body.reported,
    )
    return work.log_visit(
        session,
        sender.person_id,
        visit,
        villages=villages,
        options=visit_options(sender.today),
        today=sender.today,
    )


def _practice(session: Session, sender: Sender, body: PracticeBody) -> bool:
    ago = max((now() - sender.made_at) / timedelta(seconds=1), 0.0)
    answer = practice.PhoneAnswer(sender.key, body.item, body.response, body.unsure, ago)
    marked = practice.take(
        session,
        sender.person_id,
        [answer],
        questions=current_bank().questions,
        reserved=reserved_items(session),
    )
    if sender.key not in marked:
        raise Refused("这道题换过了或正在考试里用，这一次不算")
    return True


def _study(session: Session, sender: Sender, body: StudyBody) -> bool:
    """Time without a network doesn't count; only the place in the recording is kept."""
    if body.at is not None:
        study.keep_place(session, sender.person_id, body.window, at=body.at)
    return True


LEARNERS = frozenset({"director", "supervisor"})
KINDS: dict[str, Kind[VisitBody] | Kind[PracticeBody] | Kind[StudyBody]] = {
    "visit": Kind(VisitBody, frozenset({"director"}), _visit),
    "practice": Kind(PracticeBody, LEARNERS, _practice),
    "study": Kind(StudyBody, LEARNERS, _study),
}


def made_at(told: datetime) -> datetime:
    """When an item was made, never later than now. Raises `OverflowError` for a time that UTC can't express."""
    return min(told.astimezone(UTC), now())
