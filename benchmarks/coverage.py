"""Benchmark of national coverage: pages of any division against an empty page, the delay until a new entry
shows, a full rebuild, and whether the rebuild equals the incrementally updated figures."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.nation import PASSWORD, PHONE, fill
from benchmarks.results import Measured, Row
from exam_app.application import create_app
from exam_app.config import load_config
from exam_app.coverage.keeper import keep_up
from exam_app.migrations.running import upgrade
from exam_app.web.services import services_of
from harness.load import percentile
from harness.world import databases
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append, void
from training_records.coverage.models import DivisionTotals
from training_records.coverage.running import KEYS, rebuild
from training_records.database import make_engine, now
from training_records.divisions import WIDTHS, Division, ancestor
from training_records.ledger.models import Post

EACH_LEVEL, CHANGES = 40, 300


def coverage_rows(people: int = 20_000, engines: tuple[str, ...] = ()) -> Measured:
    """Rows and ratios per engine. `people`: number of directors, one per village."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            if not engines or name in engines:
                engine_rows, engine_ratios = _engine(name, url, folder, people=people)
                rows += engine_rows
                ratios |= engine_ratios
    return rows, ratios


def _engine(name: str, url: str, folder: str, *, people: int) -> Measured:
    engine = make_engine(url)
    upgrade(engine)
    config = load_config({}, instance=folder, secret_key="bench" * 8, database_url=url)
    app, today = create_app(config, engine), now().astimezone(config.zone).date()
    start = time.perf_counter()
    entries = fill(engine, people, today)
    filled = time.perf_counter() - start
    factory = services_of(app).session_factory
    rows: list[Row] = [
        {
            "step": f"{name} 造数据",
            "people": people,
            "entries": entries,
            "seconds": round(filled, 1),
        }
    ]
    seconds, _ = _rebuild_all(factory, today)
    rows.append({"step": f"{name} 全部重算", "seconds": round(seconds, 1)})
    client = app.test_client()
    client.post("/api/v1/login", json={"phone": PHONE, "password": PASSWORD})
    pages, ratios = _pages(name, client, _sample(factory))
    rows += pages
    delay = _delay(client, factory, today)
    rows.append({"step": f"{name} 记一条后各级都看得到", "seconds": round(delay, 3)})
    incremental = _change_many(factory, today, people)
    _, rebuilt = _rebuild_all(factory, today)
    rows.append(
        {
            "step": f"{name} {CHANGES} 次改动后与重算不同的区划",
            "divisions": _differ(incremental, rebuilt),
        }
    )
    engine.dispose()
    return rows, ratios | {f"{name} 记一条到看得到（秒）": delay, f"{name} 全部重算（秒）": seconds}


def _rebuild_all(factory: sessionmaker[Session], today: date) -> tuple[float, dict[str, list[int]]]:
    """(seconds of a full rebuild, the figures)."""
    start = time.perf_counter()
    with factory() as session:
        rebuild(session, today)
        session.commit()
    return time.perf_counter() - start, _figures(factory)


def _figures(factory: sessionmaker[Session]) -> dict[str, list[int]]:
    with factory() as session:
        columns = [getattr(DivisionTotals, key) for key in KEYS]
        return {
            row[0]: list(row[1:]) for row in session.execute(select(DivisionTotals.code, *columns))
        }


def _sample(factory: sessionmaker[Session]) -> list[str]:
    """A random sample of divisions of every level."""
    sampled = []
    with factory() as session:
        for level in WIDTHS:
            codes = session.scalars(select(Division.code).where(Division.level == level)).all()
            sampled += random.Random(1).sample(list(codes), min(EACH_LEVEL, len(codes)))  # noqa: S311
    return sampled


def _pages(name: str, client: FlaskClient, codes: list[str]) -> Measured:
    """Times of figures, whole page and list of names for each division, interleaved with an empty page."""
    empty: list[float] = []
    steps: dict[str, tuple[str, list[float]]] = {
        "数字": ("/api/v1/coverage?division={}", []),
        "整页": ("/coverage?division={}", []),
        "未覆盖名单": ("/coverage?status=uncovered&division={}", []),
    }
    for code in [codes[0], *codes]:
        empty.append(_timed(client, "/password"))
        for path, times in steps.values():
            times.append(_timed(client, path.format(code)))
    rows = [{"step": f"{name} 登录后的空白页（参照）", **_spread(empty[1:])}]
    rows += [{"step": f"{name} {step}", **_spread(times[1:])} for step, (_, times) in steps.items()]
    reference = percentile(empty[1:], 95)
    return rows, {
        f"{name} {step} p95÷空白页": percentile(times[1:], 95) / reference
        for step, (_, times) in steps.items()
    }


def _timed(client: FlaskClient, path: str) -> float:
    start = time.perf_counter()
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return time.perf_counter() - start


def _spread(times: list[float]) -> Row:
    return {"n": len(times), **{f"p{q}_ms": percentile(times, q) for q in (50, 95)}}


def _delay(client: FlaskClient, factory: sessionmaker[Session], today: date) -> float:
    """Seconds from the commit of a passed exam until every level shows one more person covered."""
    with factory() as session:
        person, code = _lacking_exam(session, today)
        codes = [ancestor(code, level) for level in WIDTHS]
    before = [_covered(client, c) for c in codes]
    with factory() as session:
        append(session, NewEntry(person, "exam", today, "补考", passed=True), "bench")
        session.commit()
    start = time.perf_counter()
    while [_covered(client, c) for c in codes] != [n + 1 for n in before]:
        if time.perf_counter() - start > 30:
            raise RuntimeError("the entry is not seen")
    return time.perf_counter() - start


def _covered(client: FlaskClient, code: str) -> int:
    figures: dict[str, Any] = client.get(f"/api/v1/coverage?division={code}").get_json()
    return int(figures["covered"])


def _lacking_exam(session: Session, today: date) -> tuple[int, str]:
    """Gives a director without an exam this year enough hours; returns (person, village)."""
    passed = select(ArchiveEntry.id).where(
        ArchiveEntry.person_id == Post.person_id,
        ArchiveEntry.kind == "exam",
        ArchiveEntry.date >= date(today.year, 1, 1),
    )
    person, code = session.execute(
        select(Post.person_id, Post.division_code).where(~passed.exists()).limit(1)
    ).one()
    new = NewEntry(person, "training", today, "补训", level="city", hours=Decimal(8))
    append(session, new, "bench")
    session.commit()
    return person, code


def _change_many(factory: sessionmaker[Session], today: date, people: int) -> dict[str, list[int]]:
    """Figures after incremental updates for random entries, voids and transfers."""
    rng = random.Random(7)  # noqa: S311
    changes: list[Callable[[Session, int], None]] = [_learn(today), _void, _transfer(today, people)]
    for number in range(CHANGES):
        with factory() as session:
            changes[number % 3](session, rng.randrange(1, people + 1))
            session.commit()
    keep_up(factory, today)
    return _figures(factory)


def _learn(today: date) -> Callable[[Session, int], None]:
    def learn(session: Session, person: int) -> None:
        new = NewEntry(person, "training", today, "补训", level="city", hours=Decimal(9))
        append(session, new, "bench")

    return learn


def _void(session: Session, person: int) -> None:
    voided = select(ArchiveEntry.voids_id).where(ArchiveEntry.voids_id.is_not(None))
    entry = session.scalar(
        select(func.max(ArchiveEntry.id)).where(
            ArchiveEntry.person_id == person,
            ArchiveEntry.kind != "void",
            ArchiveEntry.id.not_in(voided),
        )
    )
    if entry:
        void(session, entry, "录错了人", by="bench")


def _transfer(today: date, people: int) -> Callable[[Session, int], None]:
    def transfer(session: Session, person: int) -> None:
        post = session.scalars(
            select(Post).where(Post.person_id == person).order_by(Post.start.desc())
        ).first()
        other = session.scalar(
            select(Post.division_code).where(Post.person_id == people + 1 - person)
        )
        if post is None or other is None or post.start >= today:
            return
        post.end = today - timedelta(days=1)
        session.add(Post(person_id=person, role="director", division_code=other, start=today))

    return transfer


def _differ(incremental: dict[str, list[int]], rebuilt: dict[str, list[int]]) -> int:
    zeros = [0] * len(KEYS)
    return sum(
        incremental.get(code, zeros) != rebuilt.get(code, zeros)
        for code in incremental.keys() | rebuilt.keys()
    )
