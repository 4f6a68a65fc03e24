"""Processes killed during saves: every acknowledged answer must be stored afterwards."""

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

from benchmarks.results import Measured
from harness.load import exchange_full, message, null_answer
from harness.server import Running, running
from harness.world import at_work, databases, lost, prepare

SITTERS = 6
Acknowledged = dict[str, dict[str, int]]


def kill_rounds(url: str, folder: Path, rounds: int, *, seed: int = 1) -> dict[str, Any]:
    """Counts kills, acknowledged answers and lost answers over `rounds`.

    In each round a server starts, then one worker and later all of its processes are killed at random moments,
    while `SITTERS` examinees save without a pause.
    """
    exam, rng = prepare(url, SITTERS), random.Random(seed)  # noqa: S311 (repeatable, not secret)
    kills = missing = acknowledged = 0
    latest: Acknowledged = {}
    for number in range(rounds):
        with running(url, folder) as served:
            calls = at_work(served, exam, SITTERS)
            fresh = _in_a_thread(served, calls, rng, first=100_000 * (number + 1))
        kills += 2
        for attempt, saved in fresh.items():
            latest.setdefault(attempt, {}).update(saved)
            acknowledged += len(saved)
        missing += lost(url, latest)
    return {"rounds": rounds, "kills": kills, "acknowledged": acknowledged, "lost": missing}


def _in_a_thread(
    served: Running, calls: list[dict[str, Any]], rng: random.Random, *, first: int
) -> Acknowledged:
    """Runs a round in its own thread, as the caller's thread may already run an event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_round(served, calls, rng, first=first))).result()


async def _round(
    served: Running, calls: list[dict[str, Any]], rng: random.Random, *, first: int
) -> Acknowledged:
    fresh: Acknowledged = {}
    deadline = [time.perf_counter() + 60]

    async def kill() -> None:
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        workers = served.pids()[1:]
        os.kill(rng.choice(workers), signal.SIGKILL)
        await asyncio.sleep(rng.uniform(0.3, 1.5))
        for pid in served.pids()[::-1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline[0] = 0.0

    sitters = []
    for call in calls:
        saved = fresh.setdefault(call["path"].split("/")[4], {})
        sitters.append(
            _sitter(
                served.port,
                call["path"],
                call["headers"],
                saved=saved,
                first=first,
                until=lambda: deadline[0],
            )
        )
    await asyncio.gather(kill(), *sitters)
    return fresh


async def _sitter(
    port: int,
    path: str,
    headers: dict[str, str],
    *,
    saved: dict[str, int],
    first: int,
    until: Callable[[], float],
) -> None:
    """Saves without a pause, reconnecting whenever the connection breaks."""
    seq, streams = first, None
    while time.perf_counter() < until():
        seq += 1
        try:
            streams = streams or await asyncio.open_connection("127.0.0.1", port)
            status, _, answer = await asyncio.wait_for(
                exchange_full(
                    streams[0], streams[1], message("PUT", path, headers, body=null_answer(seq))
                ),
                5,
            )
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            streams = None
            await asyncio.sleep(0.02)
            continue
        if status == 200:
            saved.update(json.loads(answer)["saved"])


def kill_rows(rounds: int = 3) -> Measured:
    """One row per engine."""
    rows, ratios = [], {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            counts = kill_rounds(url, Path(folder), rounds)
            rows.append({"step": name, **counts})
            ratios[f"{name} 丢失÷确认"] = counts["lost"] / max(counts["acknowledged"], 1)
    return rows, ratios
