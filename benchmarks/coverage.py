"""Benchmark of the coverage of a nation: pages of any division beside an empty one, how soon an entry is
seen, building everything anew, and whether that gives what was kept up to date."""

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
    """Rows and ratios, an engine after the other. `people`: directors, a village each."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            if not engines or name in engines:
                found, own = _one(name, url, folder, people)
                rows += found
                ratios |= own
    return rows, ratios


def _one(name: str, url: str, folder: str, people: int) -> Measured:
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
    seconds, _ = _rebuilt(factory, today)
    rows.append({"step": f"{name} 全部重算", "seconds": round(seconds, 1)})
    client = app.test_client()
    client.post("/api/v1/login", json={"phone": PHONE, "password": PASSWORD})
    pages, ratios = _pages(name, client, _sample(factory))
    rows += pages
    seen = _seen(client, factory, today)
    rows.append({"step": f"{name} 记一条后各级都看得到", "seconds": round(seen, 3)})
    kept = _changed(factory, today, people)
    _, again = _rebuilt(factory, today)
    rows.append(
        {"step": f"{name} {CHANGES} 次改动后与重算不同的区划", "divisions": _differ(kept, again)}
    )
    engine.dispose()
    return rows, ratios | {f"{name} 记一条到看得到(秒)": seen, f"{name} 全部重算(秒)": seconds}


def _rebuilt(factory: sessionmaker[Session], today: date) -> tuple[float, dict[str, list[int]]]:
    """Seconds of building all figures anew, and the figures."""
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
    """Divisions of every level, at random."""
    found = []
    with factory() as session:
        for level in WIDTHS:
            codes = session.scalars(select(Division.code).where(Division.level == level)).all()
            found += random.Random(1).sample(list(codes), min(EACH_LEVEL, len(codes)))  # noqa: S311
    return found


def _pages(name: str, client: FlaskClient, codes: list[str]) -> Measured:
    """Figures, whole page and names of each division, between two looks at an empty page."""
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
    rows = [{"step": f"{name} 登录后的空白页(参照)", **_spread(empty[1:])}]
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


def _seen(client: FlaskClient, factory: sessionmaker[Session], today: date) -> float:
    """Seconds from the commit of a passed exam until all levels show one more covered."""
    with factory() as session:
        person, code = _nearly(session, today)
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
    found: dict[str, Any] = client.get(f"/api/v1/coverage?division={code}").get_json()
    return int(found["covered"])


def _nearly(session: Session, today: date) -> tuple[int, str]:
    """A director given enough hours who lacks the exam: (person, village)."""
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


def _changed(factory: sessionmaker[Session], today: date, people: int) -> dict[str, list[int]]:
    """Figures kept up to date through random entries, voids and transfers."""
    rng = random.Random(7)  # noqa: S311
    change: list[Callable[[Session, int], None]] = [_learn(today), _void, _transfer(today, people)]
    for number in range(CHANGES):
        with factory() as session:
            change[number % 3](session, rng.randrange(1, people + 1))
            session.commit()
    keep_up(factory, today)
    return _figures(factory)


def _learn(today: date) -> Callable[[Session, int], None]:
    def learn(session: Session, person: int) -> None:
        new = NewEntry(person, "training", today, "补训", level="city", hours=Decimal(9))
        append(session, new, "bench")

    return learn


def _void(session: Session, person: int) -> None:
    later = select(ArchiveEntry.voids_id).where(ArchiveEntry.voids_id.is_not(None))
    entry = session.scalar(
        select(func.max(ArchiveEntry.id)).where(
            ArchiveEntry.person_id == person,
            ArchiveEntry.kind != "void",
            ArchiveEntry.id.not_in(later),
        )
    )
    if entry:
        void(session, entry, "录错了人", "bench")


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


def _differ(kept: dict[str, list[int]], again: dict[str, list[int]]) -> int:
    none = [0] * len(KEYS)
    return sum(kept.get(code, none) != again.get(code, none) for code in kept.keys() | again.keys())
