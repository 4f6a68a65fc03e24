"""Erasure of a person's data after the retention period (个人信息保护法 第四十七条).

Archive entries stay in their hash chains, which prove that nothing was altered, but can no longer
be linked to a person.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from exam_app.core.form_keys import FormKey, TypedForm
from exam_app.identity.models import (
    Account,
    ApiToken,
    LoginSession,
    RecoveryCode,
    SecondStep,
    SecurityKey,
)
from exam_app.migrations.metadata import metadata
from exam_app.operations.retention import rules
from training_records.errors import Refused
from training_records.ledger.models import LedgerChange, Person, PersonMerge, Post
from training_records.ledger.service import current_post

GONE = "已注销"
# Tables whose rows are deleted: of no use without the person.
REMOVED = (
    "activation",
    "outbox_item",
    "practice_answer",
    "practice_card",
    "reminder",
    "study_window",
    "unit_progress",
    "accommodation",
    "correction_request",
    "absence",
    "kept_identity",
)
# Columns that are overwritten in rows that stay: free text or names that could identify somebody.
BLANKED: dict[str, dict[str, str | None]] = {
    "certificate": {"holder": GONE},
    "exemplar": {"material": GONE, "words": GONE, "reason": None, "state": "withdrawn"},
    "evaluation_result": {"self_comment": None, "town_comment": None, "district_comment": None},
    "evaluation_appeal": {"text": GONE, "answer": None},
    "evaluation_step": {"text": GONE},
    "activity": {"partners": None, "summary": None},
    "visit_check": {"note": None},
    "attendance": {"note": None},
    "enrolment": {"reason": None},
    "post": {"duties": None},
    "good_case": {"person_id": None},
}
_KEPT = ("id", "created_at")


def left_on(session: Session, person_id: int) -> date | None:
    """The last day in any post; None while a post has no end, or without any post."""
    ends = list(session.scalars(select(Post.end).where(Post.person_id == person_id)))
    known = [end for end in ends if end is not None]
    return max(known) if ends and len(known) == len(ends) else None


def erase(session: Session, person: Person, today: date) -> None:
    """Anonymises a person in every table. `Refused` while in post, or before the retention period is over."""
    if current_post(session, person.id, today) is not None:
        raise Refused(f"{person.name}还在任，不能注销")
    years, left = rules()["years_after_leaving"], left_on(session, person.id)
    if left is not None and _later(left, years) > today:
        raise Refused(
            f"{person.name} {left} 离任，要满 {years} 年（{_later(left, years)}）才能注销。期限在 exam_app/operations/retention.yaml"
        )
    for name in REMOVED:
        table = metadata.tables[name]
        session.execute(delete(table).where(table.c.person_id == person.id))
    for name, values in BLANKED.items():
        table = metadata.tables[name]
        session.execute(update(table).where(table.c.person_id == person.id).values(**values))
    for change in session.scalars(select(LedgerChange).where(LedgerChange.person_id == person.id)):
        change.fields = {name: [None, None] for name in change.fields}
        change.reason = None
    merges = update(PersonMerge).where(
        (PersonMerge.kept_id == person.id) | (PersonMerge.gone_id == person.id)
    )
    session.execute(merges.values(reason=GONE))
    _account(session, person)
    for column in Person.__table__.columns:
        if column.name not in _KEPT:
            setattr(person, column.key, None if column.nullable else GONE)
    # A unique placeholder that can't be a phone number.
    person.phone = f"x{person.id:010d}"
    session.flush()


def _account(session: Session, person: Person) -> None:
    account = session.scalar(select(Account).where(Account.person_id == person.id))
    if account is None:
        return
    for table in (
        LoginSession,
        ApiToken,
        RecoveryCode,
        SecondStep,
        SecurityKey,
        FormKey,
        TypedForm,
    ):
        session.execute(delete(table).where(table.account_id == account.id))
    account.name, account.phone = GONE, f"x{person.id:010d}"
    account.password_hash, account.active = "!", False


def _later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
