"""Judges the items of a phone's queue, each alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from exam_app.outbox.kinds import KINDS, Kind, Sender, made_at
from exam_app.outbox.models import OutboxItem
from exam_app.outbox.schemas import OutboxItemIn, OutboxResult
from training_records.database import insert_missing, now
from training_records.errors import RecordsError

log = structlog.get_logger()
# What a visit's form calls its fields.
LABELS = {
    "on": "哪一天",
    "form": "怎么走访的",
    "findings": "看到的情况",
    "needs": "有什么需要",
    "measures": "做了什么",
    "next": "下次什么时候去",
}


def judge(
    session: Session,
    items: Sequence[object],
    *,
    person_id: int,
    role: str,
    zone: ZoneInfo,
    device: str,
) -> list[OutboxResult]:
    """Stores what can be stored, in the order in which it was made. Nothing that one item does touches another's.

    Raises `sqlalchemy.exc.OperationalError` when the database is unavailable: then nothing was judged.
    """
    results: dict[int, OutboxResult] = {}
    for number in sorted(range(len(items)), key=lambda n: _seq(items[n])):
        try:
            item = OutboxItemIn.model_validate(items[number])
        except ValidationError as error:
            results[number] = OutboxResult(
                id=_id(items[number]), outcome="refused", detail=_fault(error)
            )
        else:
            results[number] = _judged(
                session, item, person_id=person_id, role=role, zone=zone, device=device
            )
    return [results[n] for n in range(len(items))]


def _judged(
    session: Session,
    item: OutboxItemIn,
    *,
    person_id: int,
    role: str,
    zone: ZoneInfo,
    device: str,
) -> OutboxResult:
    kind: Kind[Any] | None = KINDS.get(item.kind)
    if kind is None or role not in kind.roles:
        return OutboxResult(id=item.id, outcome="refused", detail="您的账号存不了这一种")
    try:
        made = made_at(item.made_at)
        body = kind.body.model_validate(item.body)
        with session.begin_nested():
            new = insert_missing(
                session,
                OutboxItem,
                person_id=person_id,
                id=item.id,
                kind=item.kind,
                device=device,
                made_at=made,
                stored_at=now(),
            )
            # What came by another way under this key, e.g. from an older page, is a duplicate as well.
            new = new and kind.store(session, Sender(person_id, role, zone, item.id, made), body)
        return OutboxResult(id=item.id, outcome="stored" if new else "duplicate")
    except ValidationError as error:
        return OutboxResult(id=item.id, outcome="refused", detail=_fault(error))
    except RecordsError as error:
        return OutboxResult(id=item.id, outcome="refused", detail=str(error))
    except (DataError, IntegrityError, OverflowError, ValueError) as error:
        log.error("outbox", kind=item.kind, error=type(error).__name__)
        return OutboxResult(id=item.id, outcome="refused", detail="里面有存不了的字或数字")


def _seq(raw: object) -> int:
    seq = raw.get("seq") if isinstance(raw, dict) else None
    return seq if type(seq) is int else 0


def _id(raw: object) -> str:
    told = str(raw.get("id"))[:36] if isinstance(raw, dict) else ""
    # Half an emoji can't be sent back.
    return told.encode("utf-8", "replace").decode()


def _fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    label = LABELS.get(str(fault["loc"][0])) if fault["loc"] else None
    if label:
        return f"“{label}”没有填，或填得不对"
    return "格式不对：" + ".".join(str(p) for p in fault["loc"])
