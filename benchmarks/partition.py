"""Benchmark of partitioning the largest tables: how long they are locked, against copying the rows; and the cost of
a save before and after."""

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
    """Rows and ratios for a year of visits of `people` directors; empty without PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        if "PostgreSQL" not in urls:
            return [], {}
        engine = make_engine(urls["PostgreSQL"])
        upgrade(engine)
        fill_year(engine, people)
        visits, copied = _copied(engine)
        built, locked = _partitioned(engine)
        engine.dispose()
        plain, parts = _saves([another_database(urls["PostgreSQL"]) for _ in range(2)])
    rows = [
        {"step": "抄一遍走访（参照）", "rows": visits, "seconds": round(copied, 2)},
        {"step": "建索引（大家照常用）", "seconds": round(built, 2)},
        {"step": "换表（大家等着）", "ms": round(1000 * locked, 1)},
        {"step": "存一次，分区前", "ms": round(1000 * plain, 3)},
        {"step": "存一次，分区后", "ms": round(1000 * parts, 3)},
    ]
    return rows, {"等着÷抄一遍": locked / copied, "存一次，分区后÷分区前": parts / plain}


def _copied(engine: Engine) -> tuple[int, float]:
    begin = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE visit_copied AS SELECT * FROM visit"))
    seconds = time.perf_counter() - begin
    with engine.begin() as connection:
        rows = connection.scalar(text("SELECT count(*) FROM visit_copied")) or 0
        connection.execute(text("DROP TABLE visit_copied"))
    return rows, seconds


def _partitioned(engine: Engine) -> tuple[float, float]:
    """(seconds of preparing the partitions of visits, seconds of the exchange)."""
    today = now().date()
    layout = next(candidate for candidate in partitions.LAYOUTS if candidate.name == "visit")
    begin = time.perf_counter()
    partitions.prepare(engine, layout, today)
    built = time.perf_counter() - begin
    begin = time.perf_counter()
    with engine.begin() as connection:
        partitions.exchange(connection, layout, today)
    return built, time.perf_counter() - begin


def _saves(urls: Sequence[str]) -> list[float]:
    """Median seconds of a save on plain and on partitioned tables, alternating so that both see the same load."""
    savers = [_saver(url, parts) for url, parts in zip(urls, (False, True), strict=True)]
    all_times: list[list[float]] = [[], []]
    for seq in range(1, SAVES + 1):
        for times, (saver, ticket) in zip(all_times, savers, strict=True):
            begin = time.perf_counter()
            saver.save(ticket, [NewAnswer(str(seq % 50 + 1), None, seq)], now())
            times.append(time.perf_counter() - begin)
    for saver, _ in savers:
        saver.close()
    return [median(times) for times in all_times]


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
