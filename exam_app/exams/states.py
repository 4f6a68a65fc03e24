"""The state machine of an attempt: the allowed transitions, and the only code that makes them."""

from __future__ import annotations

from datetime import datetime
from typing import get_args

from sqlalchemy.orm import Session

from exam_app.exams.errors import Closed
from exam_app.exams.models import Attempt, AttemptEvent, AttemptState
from training_records.errors import Refused

STATES: tuple[AttemptState, ...] = get_args(AttemptState)
# States with a score, released or not.
MARKED = ("marked", "released")
_FORWARD: set[tuple[AttemptState, AttemptState]] = {
    ("not_started", "in_progress"),
    ("in_progress", "submitted"),
    ("in_progress", "overdue"),
    ("overdue", "submitted"),
    ("overdue", "abandoned"),
    ("abandoned", "in_progress"),
    ("submitted", "marked"),
    ("marked", "released"),
}
ALLOWED: set[tuple[AttemptState, AttemptState]] = _FORWARD.union(
    (state, "voided") for state in STATES if state not in ("not_started", "voided")
)
# Transitions made by a person, who must give a reason.
WITH_REASON = {pair for pair in ALLOWED if pair[1] == "voided"} | {("abandoned", "in_progress")}
WORDS: dict[AttemptState, str] = {
    "not_started": "没开始",
    "in_progress": "考试中",
    "overdue": "超时",
    "submitted": "已交卷",
    "marked": "已评分",
    "released": "已公布",
    "abandoned": "没作答",
    "voided": "已作废",
}


def move(
    session: Session,
    attempt: Attempt,
    after: AttemptState,
    *,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """Changes an attempt's state and records an event.

    `Closed` when the transition is not allowed, `Refused` when it needs a reason.
    """
    before = attempt.state
    if (before, after) not in ALLOWED:
        raise Closed(
            f"这次作答现在是“{WORDS.get(before, before)}”，不能改成“{WORDS.get(after, after)}”"
        )
    if (before, after) in WITH_REASON and not (reason or "").strip():
        raise Refused("请写明原因")
    attempt.state = after
    note(session, attempt, before, actor=actor, at=at, reason=reason)


def note(
    session: Session,
    attempt: Attempt,
    before: AttemptState,
    *,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """Records an event of an attempt; `before` equals the current state when only something else changed."""
    session.add(
        AttemptEvent(
            attempt=attempt,
            created_at=at,
            created_by=actor,
            before=before,
            after=attempt.state,
            reason=reason,
        )
    )
