"""Tasks with a deadline that a town, a district or the city assigns to its directors, and their completion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from training_records.divisions import ancestor, get_within, prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Person, Post
from training_records.ledger.service import in_post_on
from training_records.work.models import OfficeTask, TaskDone

SHOWN = 60


def give_task(
    session: Session, division_code: str, title: str, *, due_on: date, by: str, today: date
) -> OfficeTask:
    """Assigns a task to all directors of a division."""
    if not title.strip():
        raise Refused("请写要做什么")
    if not today <= due_on <= date(today.year + 1, 12, 31):
        raise Refused("期限要在今天到明年年底之间")
    row = OfficeTask(
        division_code=division_code, title=title.strip()[:100], due_on=due_on, created_by=by
    )
    session.add(row)
    session.flush()
    return row


def given_tasks(session: Session, prefix: str) -> list[OfficeTask]:
    """Tasks that concern a division: assigned within it or by a division above it, latest deadline first."""
    above = [ancestor(prefix.ljust(12, "0"), level) for level in ("city", "district", "town")]
    query = select(OfficeTask).where(
        or_(within(OfficeTask.division_code, prefix), OfficeTask.division_code.in_(above))
    )
    order = OfficeTask.due_on.desc(), OfficeTask.id.desc()
    return list(session.scalars(query.order_by(*order).limit(SHOWN)))


def get_given(session: Session, task_id: int, prefix: str) -> OfficeTask:
    """A task that concerns a division, or NotFound."""
    row = session.get(OfficeTask, task_id)
    if row is None or not (
        row.division_code.startswith(prefix) or prefix.startswith(prefix_of(row.division_code))
    ):
        raise NotFound("没有这项任务，或不在您的管理范围内")
    return row


def withdraw(session: Session, task_id: int, prefix: str) -> None:
    """Withdraws a task assigned by an office of the scope; completions stay on record."""
    row = get_within(session, OfficeTask, task_id, prefix=prefix, what="这项任务")
    if row.withdrawn:
        raise Refused("已经撤回了")
    row.withdrawn = True
    session.flush()


def _directors(row: OfficeTask, prefix: str, today: date) -> Select[int]:
    """Ids of the directors a task concerns: those in post on its deadline, or today before it."""
    reach = max(prefix, prefix_of(row.division_code), key=len)
    return (
        select(Post.person_id)
        .distinct()
        .where(
            Post.role == "director",
            within(Post.division_code, reach),
            in_post_on(min(today, row.due_on)),
        )
    )


def counts(session: Session, row: OfficeTask, prefix: str, *, today: date) -> tuple[int, int]:
    """Returns how many directors within a division have done a task, and how many it concerns."""
    people = _directors(row, prefix, today).subquery()
    done = select(func.count()).where(
        TaskDone.task == f"office-{row.id}", TaskDone.person_id.in_(select(people.c[0]))
    )
    return session.scalar(done) or 0, session.scalar(select(func.count(people.c[0]))) or 0


@dataclass(frozen=True)
class Doing:
    """A director whom a task concerns: the division of their post, when done (None: not yet), the evidence."""

    person: Person
    code: str
    done_on: date | None
    evidence: str | None


def doing(session: Session, row: OfficeTask, prefix: str, *, today: date) -> list[Doing]:
    """All directors within a division whom a task concerns, those who have not done it first."""
    ids = _directors(row, prefix, today)
    reach = max(prefix, prefix_of(row.division_code), key=len)
    village_code = (
        select(func.max(Post.division_code))
        .where(
            Post.person_id == Person.id, Post.role == "director", within(Post.division_code, reach)
        )
        .scalar_subquery()
    )
    query = (
        select(Person, village_code, TaskDone.done_on, TaskDone.evidence)
        .outerjoin(
            TaskDone,
            (TaskDone.person_id == Person.id) & (TaskDone.task == f"office-{row.id}"),
        )
        .where(Person.id.in_(ids))
    )
    rows = [Doing(*line) for line in session.execute(query)]
    return sorted(rows, key=lambda d: (d.done_on is not None, d.code, d.person.id))
