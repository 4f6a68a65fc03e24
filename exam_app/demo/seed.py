"""Demonstration data: real districts, invented towns, villages and people."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from exam_app.bank.service import current_bank
from exam_app.config import Config
from exam_app.demo import names
from exam_app.demo.events import seed_events
from exam_app.demo.work import seed_work
from exam_app.exams.administration import create_exam
from exam_app.exams.models import Exam
from exam_app.identity.hashing import hash_password
from exam_app.identity.models import Account
from question_bank import load_blueprint
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import CHAINS
from training_records.chain import link as link_chain
from training_records.chain import lock_head
from training_records.database import now
from training_records.divisions import Division, ancestor
from training_records.ledger.models import Person, Post

CITY = "370200000000"
PASSWORD = "lighthouse-2026"  # noqa: S105 (the demonstration's own)
FIRST_PHONE = 19900000000
CHUNK = 2000


@dataclass
class Seeded:
    """The accounts and the exam that the demonstration prints."""

    exam_id: int
    year: int
    accounts: list[dict[str, str]] = field(default_factory=list)
    directors: list[str] = field(default_factory=list)


def seed_demo(session: Session, config: Config, people: int = 7000, *, seed: int = 1) -> Seeded:
    """Fills an empty database. If there is data already, only reads the accounts back."""
    today = now().astimezone(config.zone).date()
    if session.scalar(select(Division.code).limit(1)) is None:
        rng = random.Random(seed)
        villages = _divisions(session, rng)
        _people(session, rng, villages, count=max(people, 20), today=today)
        _accounts(session)
        _exams(session, config, today)
        seed_events(session, config, rng, today=today)
        seed_work(session, rng, today)
        session.commit()
    return _announce(session, today.year)


def _divisions(session: Session, rng: random.Random) -> list[str]:
    rows = [{"code": CITY, "name": "青岛市", "level": "city", "parent": None}]
    villages: list[str] = []
    town_names = [a + b for a in names.TOWN_FIRST for b in names.TOWN_SECOND]
    village_names = [a + b for a in names.VILLAGE_FIRST for b in names.VILLAGE_SECOND]
    rng.shuffle(town_names)
    for prefix, name in names.DISTRICTS:
        district = prefix.ljust(12, "0")
        rows.append({"code": district, "name": name, "level": "district", "parent": CITY})
        towns, count = names.TOWNS[prefix], names.VILLAGES[prefix]
        for t in range(towns):
            town = f"{prefix}{t + 1:03d}000"
            kind = "街道" if prefix in names.URBAN or t < 3 else "镇"
            rows.append(
                {"code": town, "name": town_names.pop() + kind, "level": "town", "parent": district}
            )
            number_of_villages = count // towns + (t < count % towns)
            chosen = rng.sample(village_names, number_of_villages)
            for v in range(number_of_villages):
                code = f"{town[:9]}{v + 1:03d}"
                suffix = "社区" if kind == "街道" and prefix in names.URBAN else "村"
                rows.append(
                    {"code": code, "name": chosen[v] + suffix, "level": "village", "parent": town}
                )
                villages.append(code)
    for start in range(0, len(rows), CHUNK):
        session.execute(insert(Division), rows[start : start + CHUNK])
    return villages


def _name(rng: random.Random) -> str:
    second = rng.choice(names.GIVEN_SECOND) if rng.random() < 0.8 else ""
    return rng.choice(names.SURNAMES) + rng.choice(names.GIVEN_FIRST) + second


def _people(
    session: Session, rng: random.Random, villages: list[str], *, count: int, today: date
) -> None:
    chosen = list(villages)
    rng.shuffle(chosen)
    # Person 1, the demonstration's director account, is a new director in a village of 平度.
    first = next(i for i, code in enumerate(chosen) if code.startswith("370283"))
    chosen[0], chosen[first] = chosen[first], chosen[0]
    people: list[dict[str, object]] = []
    posts: list[dict[str, object]] = []
    entries: list[dict[str, object]] = []
    for n in range(count):
        code = chosen[n] if n < len(chosen) else rng.choice(chosen)
        start = _start(rng, today) if n else today - timedelta(days=12)
        person = _person(n + 1, rng, today)
        people.append(person)
        posts.append(_post(n + 1, "director", code, start=start, rng=rng))
        if n:
            entries.extend(_history(n + 1, code, start, today=today, rng=rng))
    towns = sorted({ancestor(v, "town") for v in villages})
    for t, town in enumerate(towns):
        identity = count + t + 1
        people.append(_person(identity, rng, today))
        posts.append(_post(identity, "supervisor", town, start=date(2022, 3, 1), rng=rng))
    for table, rows in ((Person, people), (Post, posts)):
        for offset in range(0, len(rows), CHUNK):
            session.execute(insert(table), rows[offset : offset + CHUNK])
    _file(session, entries)


def _person(identity: int, rng: random.Random, today: date) -> dict[str, object]:
    checked = today - timedelta(days=rng.randrange(5, 380))
    return {
        "name": _name(rng),
        "phone": str(FIRST_PHONE + identity),
        "gender": rng.choices(["女", "男"], [8, 2])[0],
        "birth_date": date(
            today.year - rng.randrange(28, 58), rng.randrange(1, 13), rng.randrange(1, 28)
        ),
        "education": rng.choice(["初中", "高中", "中专", "大专", "本科"]),
        "full_time": rng.random() < 0.12,
        "purchased": False,
        "job_title": rng.choice(["村委委员", "妇女委员", "社会工作者", "网格员"]),
        "background_checked_on": checked,
        "background_result": "clean",
        "background_next_due": checked + timedelta(days=365),
        "created_at": now(),
    }


def _post(
    identity: int, role: str, code: str, *, start: date, rng: random.Random
) -> dict[str, object]:
    caseload = rng.choices([0, rng.randrange(1, 12), rng.randrange(12, 42)], [2, 7, 1])[0]
    return {
        "person_id": identity,
        "role": role,
        "division_code": code,
        "start": start,
        "end": None,
        "children": caseload * rng.randrange(4, 12) + rng.randrange(10, 60),
        "caseload": caseload,
    }


def _start(rng: random.Random, today: date) -> date:
    if rng.random() < 0.01:
        return today - timedelta(days=rng.randrange(2, 30))
    return today - timedelta(days=rng.randrange(60, 7 * 365))


def _history(
    person: int, code: str, start: date, *, today: date, rng: random.Random
) -> Iterator[dict[str, object]]:
    """Yields up to three years of district training and exams. Most people have trained this year, some have not."""
    district = dict(names.DISTRICTS)[code[:6]]
    inducted = False
    for year in range(max(start.year, today.year - 2), today.year + 1):
        last = (today if year == today.year else date(year, 12, 31)).toordinal()
        first = max(start, date(year, 1, 5)).toordinal()
        if first >= last or rng.random() > (0.94 if year < today.year else 0.93):
            continue
        day = date.fromordinal(rng.randrange(first, last))
        hours = rng.choices([8, 4], [96, 4])[0]
        organiser = f"{district}民政局"
        yield _entry(
            person,
            code,
            "training",
            day=day,
            title=f"{year}年儿童主任集中培训",
            organiser=organiser,
            hours=Decimal(hours),
            form="面授",
        )
        if rng.random() < 0.97:
            title = "初任儿童主任考核" if not inducted else f"{year}年儿童主任年度考试"
            score = min(100, max(30, round(rng.gauss(80, 10))))
            yield _entry(
                person,
                code,
                "exam",
                day=day,
                title=title,
                organiser=organiser,
                score=Decimal(score),
                passed=score >= 60,
                induction=not inducted,
                form="线下考试",
            )
            inducted = inducted or score >= 60


def _entry(
    person: int, code: str, kind: str, *, day: date, title: str, organiser: str, **fields: object
) -> dict[str, object]:
    recorded_at, district = now(), ancestor(code, "district")
    return {
        "person_id": person,
        "kind": kind,
        "date": day,
        "title": title,
        "level": "district",
        "form": None,
        "organiser": organiser,
        "hours": None,
        "score": None,
        "passed": None,
        "induction": False,
        "certificate_no": None,
        "evidence": {"demo": True},
        "source_key": None,
        "voids_id": None,
        "reason": None,
        "recorded_by": "demo",
        "recorded_at": recorded_at,
        **fields,
        "chain": CHAINS + district,
        "district": district,
        "year": recorded_at.year,
    }


def _file(session: Session, entries: list[dict[str, object]]) -> None:
    """Inserts entries in bulk, hash-chained like any other."""
    heads = {name: lock_head(session, name) for name in sorted({str(e["chain"]) for e in entries})}
    for row in entries:
        content = {k: v for k, v in row.items() if k not in ("chain", "district", "year")}
        row["seq"], row["previous"], row["hash"] = link_chain(heads[str(row["chain"])], content)
    for offset in range(0, len(entries), CHUNK):
        session.execute(insert(ArchiveEntry), entries[offset : offset + CHUNK])


def _accounts(session: Session) -> None:
    hashed = hash_password(PASSWORD)
    base = {
        "password_hash": hashed,
        "must_change_password": False,
        "active": True,
        "created_at": now(),
    }
    rows = []
    query = select(Person.id, Person.name, Person.phone, Post.role, Post.division_code).join(Post)
    for person, name, phone, role, code in session.execute(query):
        rows.append(
            {
                **base,
                "phone": phone,
                "name": name,
                "role": role,
                "division_code": code,
                "person_id": person,
            }
        )
    for index, (prefix, name) in enumerate(names.DISTRICTS):
        rows.append(
            {
                **base,
                "phone": str(19910000001 + index),
                "name": f"{name}民政局",
                "role": "district",
                "division_code": prefix.ljust(12, "0"),
                "person_id": None,
            }
        )
    for phone, name, office in (
        ("19920000001", "青岛市民政局", "city"),
        ("19930000001", "系统管理员", "operator"),
    ):
        rows.append(
            {
                **base,
                "phone": phone,
                "name": name,
                "role": office,
                "division_code": CITY,
                "person_id": None,
            }
        )
    for start in range(0, len(rows), CHUNK):
        session.execute(insert(Account), rows[start : start + CHUNK])


def _exams(session: Session, config: Config, today: date) -> None:
    """Creates the induction assessment and the social-work mock exam."""
    for blueprint, kind, settings in (
        ("induction", "induction", {"attempts_allowed": 3}),
        ("social-work-mock", "social-work", {"attempts_allowed": 20, "practice": True}),
    ):
        loaded = load_blueprint(blueprint)
        create_exam(
            session,
            current_bank().reviewed(),
            loaded,
            title="初任儿童主任考核" if kind == "induction" else loaded.title,
            kind=kind,
            division_code=CITY,
            organiser="青岛市民政局",
            level="city",
            opens_at=datetime.combine(today - timedelta(days=30), time(0), config.zone),
            closes_at=datetime.combine(today + timedelta(days=335), time(23, 59, 59), config.zone),
            created_by="demo",
            seed=2026,
            **settings,  # type: ignore[arg-type]
        )


def _announce(session: Session, year: int) -> Seeded:
    exam = session.scalars(select(Exam.id).order_by(Exam.id)).first() or 0
    seeded = Seeded(exam, year)
    query = select(Account, Division.name).join(Division, Division.code == Account.division_code)
    director = str(FIRST_PHONE + 1)
    for role in ("director", "supervisor", "district", "city", "operator"):
        matches = query.where(Account.role == role)
        matches = matches.where(Account.phone == director) if role == "director" else matches
        if role in ("supervisor", "district"):
            matches = matches.where(Account.division_code.startswith("370283"))
        row = session.execute(matches.order_by(Account.id).limit(1)).first()
        if row:
            account, division = row
            seeded.accounts.append(
                {
                    "role": role,
                    "phone": account.phone,
                    "password": PASSWORD,
                    "division": account.division_code,
                    "name": account.name,
                    "place": division,
                }
            )
    phones = session.scalars(
        select(Account.phone).where(Account.role == "director").order_by(Account.id)
    )
    seeded.directors = list(phones)
    return seeded
