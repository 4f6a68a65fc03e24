"""Demonstration data of daily work in some villages of one district: pseudonymous caseloads, visits of the last 200
days, activities and ticked tasks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TypedDict
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from exam_app.work.options import duty_steps, known_cadences, visit_options
from training_records.database import now
from training_records.divisions import ancestor
from training_records.ledger.models import Post
from training_records.work.cadence import name_of, periods, strictest
from training_records.work.models import Activity, CaseEntry, TaskDone, Visit
from training_records.work.service import MONTHS

VILLAGES = 60
CATEGORIES = ("left-behind", "in-need", "key-in-need", "high-risk", "unattended", "more-often")


class _Case(TypedDict):
    """A row of the caseload."""

    id: int
    division_code: str
    code: str
    categories: list[str]
    opened_on: date
    created_by: str
    created_at: datetime


def seed_work(session: Session, rng: random.Random, today: date) -> None:
    """Creates caseloads and work records. Person 1 is new: their village has a caseload but no visits yet."""
    query = (
        select(Post.person_id, Post.division_code, Post.start)
        .where(Post.role == "director", Post.division_code.startswith("370283"))
        .order_by(Post.person_id)
        .limit(VILLAGES)
    )
    since, number = today - timedelta(days=200), 0
    cases: list[_Case] = []
    visits: list[dict[str, object]] = []
    for person, village, start in session.execute(query).all():
        opened = max(start, since)
        for child in range(rng.randrange(4, 9)):
            number += 1
            case: _Case = {
                "id": number,
                "division_code": village,
                "code": f"{child // 2 + 1:02d}-{child + 1:02d}",
                "categories": [CATEGORIES[(child + number) % len(CATEGORIES)]],
                "opened_on": opened,
                "created_by": "demo",
                "created_at": now(),
            }
            cases.append(case)
            if person > 1:
                visits += _visits(rng, case, person, today=today)
        if person > 1:
            for _ in range(rng.randrange(0, 5)):
                session.add(_activity(rng, person, village, opened=opened, today=today))
            session.add_all(_tasks(rng, person, max(start, date(today.year, 1, 1)), today=today))
    if cases:
        session.execute(insert(CaseEntry), cases)
    for at in range(0, len(visits), 2000):
        session.execute(insert(Visit), visits[at : at + 2000])


def _visits(
    rng: random.Random, case: _Case, person: int, *, today: date
) -> list[dict[str, object]]:
    cadence = strictest(case["categories"], known_cadences(today))
    rows: list[dict[str, object]] = []
    for first, last in periods(case["opened_on"], today, cadence.months or 1 if cadence else 1):
        begin, end = max(first, case["opened_on"]), min(last, today)
        # 92 % of past periods are visited, half of the current one.
        if begin > end or rng.random() > (0.92 if last < today else 0.5):
            continue
        on = begin + timedelta(days=rng.randrange((end - begin).days + 1))
        findings = {check: answers[0] for check, answers in visit_options(today).checks.items()}
        rows.append(
            {
                "person_id": person,
                "case_id": case["id"],
                "key": str(UUID(int=rng.getrandbits(128))),
                "on": on,
                "form": "home" if rng.random() < 0.85 else "phone",
                "findings": findings,
                "needs": [],
                "measures": ["next_visit"],
                "alarm": False,
                "created_at": now(),
                "district": ancestor(case["division_code"], "district"),
                "year": on.year,
            }
        )
    return rows


def _tasks(rng: random.Random, person: int, since: date, *, today: date) -> Iterator[TaskDone]:
    """Yields ticks for most tasks of the duty list, some of them late."""
    diligence = rng.choice([0.6, 0.85, 0.95])
    for step in duty_steps(today):
        months = MONTHS.get(step["rhythm"])
        for first, last in periods(since, today, months) if months else ():
            on = last - timedelta(days=rng.randrange(-4, 20))
            if on <= today and rng.random() < diligence:
                period = name_of(first, months or 1)
                yield TaskDone(person_id=person, task=step["id"], period=period, done_on=on)


def _activity(
    rng: random.Random, person: int, village: str, *, opened: date, today: date
) -> Activity:
    theme = rng.choice(["safety", "drowning", "bullying", "family"])
    titles = {
        "safety": "居家安全课",
        "drowning": "防溺水宣讲",
        "bullying": "同伴相处小课堂",
        "family": "家长夜校",
    }
    days = max((today - opened).days, 1)
    return Activity(
        person_id=person,
        division_code=village,
        on=today - timedelta(days=rng.randrange(days)),
        theme=theme,
        title=titles[theme],
        held=True,
        children=rng.randrange(5, 30),
        adults=rng.randrange(2, 15),
    )
