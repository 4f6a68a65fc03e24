"""Benchmark of the evaluation: directors of a province from their records, and the explanation of one result."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.results import Measured
from exam_app.config import load_config
from exam_app.evaluation.sources import SOURCES, frame_of
from exam_app.migrations.running import upgrade
from exam_app.work.options import visit_options
from harness.server import peak_of
from training_records.database import Base, make_engine, make_session_factory, now, store
from training_records.divisions import Division
from training_records.evaluation.measures import measured
from training_records.evaluation.runs import explain, get_result, start
from training_records.evaluation.scheme import load_scheme
from training_records.evaluation.scoring import evaluate
from training_records.ledger.models import Person, Post
from training_records.work.models import Activity, CaseEntry, TaskDone, Visit

YEAR, AS_OF = 2026, date(2026, 12, 31)
CASES, VISITS_A_MONTH = 6, 5


def evaluation_rows(people: int) -> Measured:
    """Evaluates all directors of one district from a year of records; reference: reading the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config({}, instance=folder, secret_key="bench" * 8)
        engine = make_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        upgrade(engine)
        records = fill_year(engine, people)
        with make_session_factory(engine)() as session:
            begin = time.perf_counter()
            for table in ("visit", "case_entry", "task_done", "activity"):
                cursor = session.connection().connection.cursor()
                for _ in cursor.execute(f"SELECT * FROM {table}"):  # noqa: S608 (names above)  # nosec B608
                    pass
            read = time.perf_counter() - begin
            begin = time.perf_counter()
            frame = frame_of("370283", YEAR, AS_OF, config=config)
            subjects = measured(session, frame, SOURCES)
            computed = time.perf_counter() - begin
            scheme = load_scheme("2026")
            begin = time.perf_counter()
            for subject in subjects.values():
                evaluate(scheme, subject.measures, subject.months)
            scored = time.perf_counter() - begin
            run = start(
                session, "370283000000", frame, scheme=scheme, subjects=subjects, by="bench"
            )
            session.flush()
            begin = time.perf_counter()
            for person in range(1, 51):
                explain(run, get_result(session, run, person))
            explained = (time.perf_counter() - begin) / 50
            session.rollback()
        engine.dispose()
    return [
        {"step": "读同样的记录（参照）", "records": records, "seconds": round(read, 1)},
        {"step": "算全部指标", "people": len(subjects), "seconds": round(computed, 1)},
        {"step": "按方案计分", "seconds": round(scored, 1)},
        {"step": "一个人的每一分怎么来的", "ms": round(1000 * explained, 2)},
        {"step": "内存峰值", "mb": round(peak_of(os.getpid()))},
    ], {"算指标和计分÷只读同样的记录": (computed + scored) / read}


def fill_year(engine: Engine, people: int) -> int:
    rng = random.Random(1)  # noqa: S311 (reproducible)
    villages = [f"370283{n // 999 + 1:03d}{n % 999 + 1:03d}" for n in range(people)]
    towns = sorted({v[:9] + "000" for v in villages})
    count = 0
    with engine.begin() as connection:
        upper = [
            ("370200000000", "青岛市", "city", None),
            ("370283000000", "平度市", "district", "370200000000"),
        ]
        names = ("code", "name", "level", "parent")
        store(connection, Division, names, rows=upper)
        store(connection, Division, names, rows=((t, "镇", "town", "370283000000") for t in towns))
        store(
            connection,
            Division,
            names,
            rows=((v, "村", "village", v[:9] + "000") for v in villages),
        )
        numbers = range(1, people + 1)
        rows: Iterator[tuple[object, ...]] = (
            (n, f"人{n}", f"1{n:010d}", now(), False) for n in numbers
        )
        store(connection, Person, ("id", "name", "phone", "created_at", "full_time"), rows=rows)
        posts = ((n, "director", villages[n - 1], date(2025, 1, 1)) for n in numbers)
        store(connection, Post, ("person_id", "role", "division_code", "start"), rows=posts)
        for table, columns, values in (
            (CaseEntry, _CASE, _cases(people, villages)),
            (Visit, _VISIT, _visits(rng, people)),
            (TaskDone, _TASK, _tasks(rng, people)),
            (Activity, _ACTIVITY, _activities(rng, people, villages)),
        ):
            kind: type[Base] = table
            count += store(connection, kind, columns, rows=values)
    return count


_CASE = ("id", "division_code", "code", "categories", "opened_on", "by", "at")
_VISIT = (
    *("person_id", "case_id", "key", "on", "form", "findings", "needs", "measures", "alarm", "at"),
)
_TASK = ("person_id", "task", "period", "done_on", "at")
_ACTIVITY = (
    "person_id",
    "division_code",
    "on",
    "theme",
    "title",
    "held",
    "children",
    "adults",
    "at",
)
_KINDS = ('["left-behind"]', '["orphan"]', '["in-need"]', '["high-risk"]')


def _cases(people: int, villages: list[str]) -> Iterator[tuple[object, ...]]:
    at = now()
    for n in range(people):
        for k in range(CASES):
            number = n * CASES + k + 1
            yield (number, villages[n], f"{k + 1:02d}-01", _KINDS[k % 4], date(2025, 6, 1), "b", at)


def _visits(rng: random.Random, people: int) -> Iterator[tuple[object, ...]]:
    checks = ", ".join(f'"{c}": "{a[0]}"' for c, a in visit_options(AS_OF).checks.items())
    findings, at, number = f"{{{checks}}}", now(), 0
    for n in range(people):
        for month in range(1, 13):
            for _ in range(VISITS_A_MONTH):
                number += 1
                entry = n * CASES + rng.randrange(CASES) + 1
                on = date(YEAR, month, rng.randrange(1, 28))
                yield (n + 1, entry, f"{number:012d}", on, "home", findings, "[]", "[]", False, at)


def _tasks(rng: random.Random, people: int) -> Iterator[tuple[object, ...]]:
    at = now()
    for n in range(people):
        for month in range(1, 13):
            if rng.random() < 0.8:
                on = date(YEAR, month, 1) + timedelta(days=rng.randrange(40))
                yield (n + 1, "duty-1.1", f"{YEAR}-{month:02d}", on, at)


def _activities(
    rng: random.Random, people: int, villages: list[str]
) -> Iterator[tuple[object, ...]]:
    at = now()
    for n in range(people):
        for quarter in range(4):
            on = date(YEAR, 3 * quarter + 1, rng.randrange(1, 28))
            yield (n + 1, villages[n], on, ("safety", "drowning")[quarter % 2], "x", True, 9, 3, at)
