"""Verification of visits by sample: a reproducible draw, and the supervisor's findings."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.database import now
from training_records.divisions import within
from training_records.draws import shuffled
from training_records.errors import NotFound, Refused
from training_records.work.models import CaseEntry, Visit, VisitCheck

EACH, MIN_CHECKED = 3, 3


def sample(visits: dict[int, list[int]], seed: int, each: int = EACH) -> dict[int, list[int]]:
    """Draws up to `each` of each person's visits (ids); the same seed always gives the same sample."""
    return {
        person: sorted(shuffled(ids, f"{seed}:{person}")[:each]) for person, ids in visits.items()
    }


def draw(session: Session, prefix: str, since: date, *, until: date, seed: int, by: str) -> int:
    """Draws visits of a period for verification. Returns how many are new."""
    if not 0 <= seed < 10**9:
        raise Refused("种子填 0 到 999999999 的整数")
    if until < since:
        raise Refused("截止日期要晚于开始日期")
    query = (
        select(Visit.person_id, Visit.id, CaseEntry.division_code)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(within(CaseEntry.division_code, prefix), Visit.on.between(since, until))
    )
    visits: dict[int, list[int]] = defaultdict(list)
    divisions = {}
    for person, visit, code in session.execute(query):
        visits[person].append(visit)
        divisions[visit] = code
    drawn = sample(visits, seed)
    wanted = [v for ids in drawn.values() for v in ids]
    existing = set(
        session.scalars(select(VisitCheck.visit_id).where(VisitCheck.visit_id.in_(wanted)))
    )
    new = [(p, v) for p, ids in drawn.items() for v in ids if v not in existing]
    session.add_all(
        VisitCheck(visit_id=v, person_id=p, division_code=divisions[v], seed=seed) for p, v in new
    )
    session.flush()
    return len(new)


def checks_in(
    session: Session, prefix: str, limit: int = 300
) -> list[tuple[VisitCheck, Visit, CaseEntry]]:
    """Drawn visits of a division, those not yet verified first."""
    query = (
        select(VisitCheck, Visit, CaseEntry)
        .join(Visit, Visit.id == VisitCheck.visit_id)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(within(VisitCheck.division_code, prefix))
        .order_by(VisitCheck.confirmed.is_not(None), VisitCheck.drawn_at.desc(), Visit.id)
    )
    return [(k, v, c) for k, v, c in session.execute(query.limit(limit))]


def decide(
    session: Session, visit_id: int, prefix: str, *, confirmed: bool, note: str, by: str
) -> None:
    """Records what the verification of a visit found. A denial needs its reason."""
    row = session.get(VisitCheck, visit_id)
    if row is None or not row.division_code.startswith(prefix):
        raise NotFound("没有抽到这次走访，或不在您的管理范围内")
    if not confirmed and not note.strip():
        raise Refused("不属实要写明情况（不要写孩子姓名）")
    row.confirmed, row.note = confirmed, note.strip()[:60] or None
    row.checked_by, row.checked_at = by, now()
    session.flush()
