"""Retention periods by the rules of `exam_app/operations/retention.yaml`."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files

import yaml
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from exam_app.identity.models import Activation, ApiToken, LoginSession, Throttle
from exam_app.jobs.models import Job
from exam_app.learn.models import StudyWindow
from exam_app.practice.models import PracticeAnswer
from exam_app.reminders.models import Reminder
from training_records.database import Base


@lru_cache
def rules() -> dict[str, int]:
    """Rule to years or days. Raises ValueError (Chinese) for a value that is not a positive integer."""
    loaded = yaml.safe_load(
        files("exam_app.operations").joinpath("retention.yaml").read_text("utf-8")
    )
    for name, value in loaded.items():
        if type(value) is not int or value < 1:
            raise ValueError(f"retention.yaml:{name} 要填大于 0 的整数")
    return dict(loaded)


def apply(session: Session, at: datetime, *, only_count: bool = False) -> dict[str, int]:
    """Deletes expired rows; returns table to rows. The audit log and the archive are hash chains and stay whole."""

    def before(rule: str) -> datetime:
        return at - timedelta(days=rules()[rule])

    expired: list[tuple[type[Base], ColumnElement[bool]]] = [
        (LoginSession, LoginSession.expires_at < at),
        (ApiToken, ApiToken.expires_at < at),
        (Activation, Activation.expires_at < at),
        (Throttle, Throttle.last_at < before("sign_in_failures")),
        (Reminder, Reminder.created_at < before("reminders")),
        (PracticeAnswer, PracticeAnswer.answered_at < before("practice_answers")),
        (StudyWindow, StudyWindow.last_at < before("study_windows")),
        (Job, Job.finished_at < before("jobs")),
    ]
    counts = {}
    for table, where in expired:
        counts[table.__tablename__] = (
            session.scalar(select(func.count()).select_from(table).where(where)) or 0
        )
        if not only_count:
            session.execute(delete(table).where(where))
    return counts
