"""A national ledger and archive for benchmarks: real depth of divisions, invented people, three years of entries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice

from sqlalchemy import Engine, insert, text

from exam_app.identity.hashing import hash_password
from exam_app.identity.models import Account
from training_records.archive.models import ArchiveEntry
from training_records.database import Base, now, store
from training_records.divisions import Division
from training_records.ledger.models import Person, Post

# Codes of the 31 provinces (GB/T 2260).
PROVINCES = (
    *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37),
    *(41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65),
)
NATION = "000000000000"
PHONE, PASSWORD = "19900000000", "lighthouse-2026"
BATCH = 10_000
# Share of directors without training in a year, and share of exams that are failed.
IDLE, FAILED = 0.1, 0.08


def villages_of(people: int) -> list[str]:
    """One village code per director: 11 cities of 8 districts of 13 towns in each province."""
    towns = [
        f"{province:02d}{city:02d}{district:02d}{town:03d}"
        for city in range(1, 12)
        for district in range(1, 9)
        for town in range(1, 14)
        for province in PROVINCES
    ]
    per_town = -(-people // len(towns))
    return list(islice((f"{t}{v:03d}" for t in towns for v in range(1, per_town + 1)), people))


def fill(engine: Engine, people: int, today: date, *, seed: int = 1) -> int:
    """Writes divisions, directors with one post each, an account that sees the whole nation, and entries of this
    year and the two years before. Returns the number of entries."""
    rng, villages = random.Random(seed), villages_of(people)  # noqa: S311
    _store(engine, Division, _divisions(villages))
    numbers = range(1, people + 1)
    at = now()
    _store(
        engine,
        Person,
        (
            {"id": n, "name": f"人{n}", "phone": f"{13_000_000_000 + n}", "created_at": at}
            for n in numbers
        ),
    )
    _store(
        engine,
        Post,
        (
            {
                "id": n,
                "person_id": n,
                "role": "director",
                "division_code": code,
                "start": today - timedelta(days=rng.randrange(1500)),
            }
            for n, code in zip(numbers, villages, strict=True)
        ),
    )
    account = {
        "phone": PHONE,
        "name": "全国",
        "role": "city",
        "division_code": NATION,
        "password_hash": hash_password(PASSWORD),
        "must_change_password": False,
    }
    with engine.begin() as connection:
        connection.execute(insert(Account), [account])
    count = _store(engine, ArchiveEntry, _entries(rng, villages, today))
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            for table in ("person", "post", "archive_entry"):
                connection.execute(
                    text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")  # noqa: S608  # nosec B608
                )
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return count


def _divisions(villages: list[str]) -> Iterator[dict[str, object]]:
    yield {"code": NATION, "name": "全国", "level": "nation", "parent": None}
    parent_width = 0
    for level, width in (
        ("province", 2),
        ("city", 4),
        ("district", 6),
        ("town", 9),
        ("village", 12),
    ):
        for code in sorted({v[:width] for v in villages}):
            yield {
                "code": code.ljust(12, "0"),
                "name": f"{level}{code}",
                "level": level,
                "parent": code[:parent_width].ljust(12, "0"),
            }
        parent_width = width


def _entries(rng: random.Random, villages: list[str], today: date) -> Iterator[dict[str, object]]:
    at, number = now(), 0
    for person, code in enumerate(villages, start=1):
        chain, seq = f"archive:{code[:6]}000000", 0
        for year in range(today.year - 2, today.year + 1):
            if rng.random() < IDLE:
                continue
            days = (min(today, date(year, 12, 31)) - date(year, 1, 1)).days
            for kind in ("training", "course", "training", "course", "exam"):
                number += 1
                seq += 1
                exam = kind == "exam"
                yield {
                    "id": number,
                    "chain": chain,
                    "seq": person * 100 + seq,
                    "person_id": person,
                    "kind": kind,
                    "date": date(year, 1, 1) + timedelta(days=rng.randrange(days)),
                    "title": "年度考核" if exam else "儿童主任培训班",
                    "level": "district" if rng.random() < 0.9 else "town",
                    "hours": None if exam else rng.choice((2, 3, 4)),
                    "passed": rng.random() >= FAILED if exam else None,
                    "induction": exam and year == today.year - 2,
                    "recorded_by": "bench",
                    "recorded_at": at,
                    "previous": "0" * 64,
                    "hash": "0" * 64,
                }


def _store(engine: Engine, table: type[Base], rows: Iterator[dict[str, object]]) -> int:
    """Writes rows in batches; returns their number."""
    count = 0
    while batch := list(islice(rows, BATCH)):
        with engine.begin() as connection:
            count += store(connection, table, tuple(batch[0]), rows=[r.values() for r in batch])
    return count
