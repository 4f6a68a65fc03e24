"""Benchmark of laying out the largest tables: how long everybody waits, beside copying the rows; what a save costs before and after."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, text

from benchmarks.evaluation import fill_year
from benchmarks.results import Measured
from exam_app.exams import service
from exam_app.exams.saving import NewAnswer, Saver, make_saver
from exam_app.exams.ticket import Ticket
from exam_app.migrations.running import upgrade
from exam_app.operations import partitions
from harness.world import another_database, databases, prepare
from training_records.database import make_engine, make_session_factory, now

SAVES = 400


def partition_rows(people: int = 7000) -> Measured:
    """On a year of visits of so many people; nothing where the machine has no PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        if "PostgreSQL" not in urls:
            return [], {}
        engine = make_engine(urls["PostgreSQL"])
        upgrade(engine)
        fill_year(engine, people)
        visits, copied = _copied(engine)
        built, held = _laid_out(engine)
        engine.dispose()
        plain, parts = _saves([another_database(urls["PostgreSQL"]) for _ in range(2)])
    rows = [
        {"step": "抄一遍走访(参照)", "rows": visits, "seconds": round(copied, 2)},
        {"step": "建索引(大家照常用)", "seconds": round(built, 2)},
        {"step": "换表(大家等着)", "ms": round(1000 * held, 1)},
        {"step": "存一次,分区前", "ms": round(1000 * plain, 3)},
        {"step": "存一次,分区后", "ms": round(1000 * parts, 3)},
    ]
    return rows, {"等着÷抄一遍": held / copied, "存一次,分区后÷分区前": parts / plain}


def _copied(engine: Engine) -> tuple[int, float]:
    begin = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE visit_copied AS SELECT * FROM visit"))
    taken = time.perf_counter() - begin
    with engine.begin() as connection:
        rows = connection.scalar(text("SELECT count(*) FROM visit_copied")) or 0
        connection.execute(text("DROP TABLE visit_copied"))
    return rows, taken


def _laid_out(engine: Engine) -> tuple[float, float]:
    """(seconds before the exchange of visits, seconds of the exchange)."""
    today = now().date()
    layout = next(one for one in partitions.LAYOUTS if one.name == "visit")
    begin = time.perf_counter()
    partitions.prepare(engine, layout, today)
    built = time.perf_counter() - begin
    begin = time.perf_counter()
    with engine.begin() as connection:
        partitions.exchange(connection, layout, today)
    return built, time.perf_counter() - begin


def _saves(urls: Sequence[str]) -> list[float]:
    """Median seconds of a save on plain tables and on those laid out, in turns so that both meet the same machine."""
    savers = [_saver(url, parts) for url, parts in zip(urls, (False, True), strict=True)]
    taken: list[list[float]] = [[], []]
    for seq in range(1, SAVES + 1):
        for own, (save, ticket) in zip(taken, savers, strict=True):
            begin = time.perf_counter()
            save.save(ticket, [NewAnswer(str(seq % 50 + 1), None, seq)], now())
            own.append(time.perf_counter() - begin)
    for save, _ in savers:
        save.close()
    return [median(own) for own in taken]


def _saver(url: str, parts: bool) -> tuple[Saver, Ticket]:
    exam, engine = prepare(url, 1), make_engine(url)
    with make_session_factory(engine)() as session:
        attempt = service.start(session, exam, 1)
        session.flush()
        ticket = Ticket(attempt.id, 1, None, service.ticket_of(attempt).shapes)
        session.commit()
    if parts:
        partitions.partition(engine, now().date())
    engine.dispose()
    return make_saver(engine), ticket
