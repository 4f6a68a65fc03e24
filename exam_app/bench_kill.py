"""Processes killed in the midst of saves: what was acknowledged has to be there afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import select

from exam_app.bench_load import exchange_full, put
from exam_app.bench_save import Phone, databases, prepare
from exam_app.bench_server import Running, running
from exam_app.exams.models import Answer
from training_records.database import make_engine, make_session_factory

SITTERS = 6
Acknowledged = dict[str, dict[str, int]]


def kill_rounds(url: str, folder: Path, rounds: int, seed: int = 1) -> dict[str, Any]:
    """In each round a server starts, a worker is killed, then all of its processes, at random moments
    while `SITTERS` examinees save without a pause. Counts kills, acknowledged answers and lost ones."""
    exam, rng = prepare(url, SITTERS), random.Random(seed)  # noqa: S311 (repeatable, not secret)
    moments = lost = acknowledged = 0
    told: Acknowledged = {}
    for number in range(rounds):
        with running(url, folder) as served:
            calls = []
            for sitter in range(1, SITTERS + 1):
                phone = Phone(served.url, sitter)
                opened = phone.call("POST", f"/api/v1/exams/{exam}/attempts", {})
                path = f"/api/v1/attempts/{opened['attempt_id']}/answers"
                calls.append((path, phone.headers))
            fresh = _in_a_thread(served, calls, rng, 100_000 * (number + 1))
        moments += 2
        for path, saved in fresh.items():
            told.setdefault(path, {}).update(saved)
            acknowledged += len(saved)
        lost += missing(url, told)
    return {"rounds": rounds, "kills": moments, "acknowledged": acknowledged, "lost": lost}


def _in_a_thread(*arguments: Any) -> Acknowledged:
    """A round with an event loop of its own, whatever loop the caller's thread runs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_round(*arguments))).result()


async def _round(
    served: Running, calls: list[tuple[str, dict[str, str]]], rng: random.Random, first: int
) -> Acknowledged:
    fresh: Acknowledged = {path: {} for path, _ in calls}
    end = [time.perf_counter() + 60]

    async def kill() -> None:
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        workers = served.pids()[1:]
        os.kill(rng.choice(workers), signal.SIGKILL)
        await asyncio.sleep(rng.uniform(0.3, 1.5))
        for pid in served.pids()[::-1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        end[0] = 0.0

    sitters = [_sitter(served.port, p, h, fresh[p], first, lambda: end[0]) for p, h in calls]
    await asyncio.gather(kill(), *sitters)
    return fresh


async def _sitter(
    port: int,
    path: str,
    headers: dict[str, str],
    told: dict[str, int],
    first: int,
    until: Callable[[], float],
) -> None:
    """Saves without a pause, on a new connection whenever the old one breaks."""
    seq, streams = first, None
    while time.perf_counter() < until():
        seq += 1
        body = json.dumps(
            {"answers": [{"slot": str(seq % 20 + 1), "response": None, "seq": seq}]}
        ).encode()
        try:
            streams = streams or await asyncio.open_connection("127.0.0.1", port)
            status, _, answer = await asyncio.wait_for(
                exchange_full(streams[0], streams[1], put(path, headers, body)), 5
            )
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            streams = None
            await asyncio.sleep(0.02)
            continue
        if status == 200:
            told.update(json.loads(answer)["saved"])


def missing(url: str, acknowledged: Acknowledged) -> int:
    """How many acknowledged answers the database has not got, or only an older one."""
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        stored = {(a.attempt_id, a.slot): a.seq for a in session.scalars(select(Answer))}
    engine.dispose()
    return sum(
        stored.get((int(path.split("/")[4]), slot), 0) < seq
        for path, told in acknowledged.items()
        for slot, seq in told.items()
    )


def kill_rows(rounds: int = 3) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """One row an engine."""
    rows, ratios = [], {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            found = kill_rounds(url, Path(folder), rounds)
            rows.append({"step": name, **found})
            ratios[f"{name} 丢失÷确认"] = found["lost"] / max(found["acknowledged"], 1)
    return rows, ratios
