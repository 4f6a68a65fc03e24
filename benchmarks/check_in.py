"""Benchmark of check-in: hundreds of people check in to a training session by the rotating code within a minute."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from benchmarks.results import Measured, Row
from harness.examinee import Sitter
from harness.load import apart, message, percentile, serve_task
from harness.server import running
from harness.world import PASSWORD, VILLAGE, databases, phone_of, prepare
from training_records.database import make_engine, make_session_factory, now
from training_records.events.attendance import code_at
from training_records.events.models import (
    Attendance,
    AttendanceState,
    Enrolment,
    Event,
    EventSession,
)

SECONDS = 60


def door_rows(people: int) -> Measured:
    """Check-ins of everybody within a minute, each a page and a submission, per engine; reference: an empty page."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            prepare(url, people)
            session_id, secret = _event(url, people)
            with running(url, Path(folder)) as served:
                task = {
                    "port": served.port,
                    "session": session_id,
                    "secret": secret,
                    "phones": [phone_of(n) for n in range(1, people + 1)],
                    "password": PASSWORD,
                }
                result = apart("benchmarks.check_in", task)
            states = _states(url, session_id)
            rows.append(
                {
                    "step": f"{name} {people} 人 {SECONDS} 秒内签到",
                    **result,
                    "in_database": dict(states),
                }
            )
            ratios[f"{name} 签到 p95÷空页面 p95"] = result["sign_p95_ms"] / result["empty_p95_ms"]
    return rows, ratios


def _event(url: str, people: int) -> tuple[int, str]:
    """Creates a training event that starts in 20 minutes, with everybody enrolled; returns (session, secret)."""
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        event = Event(
            division_code="370283000000",
            title="轮训班",
            audience="director",
            level="district",
            form="面授",
            organiser="平度市民政局",
            place="党校",
            capacity=people,
            state="open",
            secret="bench" * 8,
            created_by="bench",
        )
        session.add(event)
        session.flush()
        session_row = EventSession(
            event_id=event.id,
            title="第一课",
            starts_at=now() + timedelta(minutes=20),
            ends_at=now() + timedelta(hours=3),
            hours=3,
        )
        session.add(session_row)
        session.add_all(
            Enrolment(
                event_id=event.id,
                person_id=n,
                division_code=VILLAGE,
                state="approved",
                number=n,
                updated_by="bench",
            )
            for n in range(1, people + 1)
        )
        session.commit()
        result = session_row.id, event.secret
    engine.dispose()
    return result


def _states(url: str, session_id: int) -> Counter[AttendanceState]:
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        query = select(Attendance.state).where(Attendance.session_id == session_id)
        states = Counter(session.scalars(query))
    engine.dispose()
    return states


class Visitor(Sitter):
    """An attendee whose phone is signed in."""

    async def page(self, step: str, method: str, path: str) -> bool:
        """Requests one page; returns whether that succeeded."""
        start = time.perf_counter()
        try:
            status, _, _ = await self._exchange(self._request(method, path, b""))
        except (OSError, asyncio.IncompleteReadError):
            self.streams, status = None, 0
        if status == 200:
            self.log.setdefault(step, []).append(time.perf_counter() - start)
        else:
            self.bad[f"{step} {status}"] = self.bad.get(f"{step} {status}", 0) + 1
        return status == 200

    def _request(self, method: str, path: str, data: bytes) -> bytes:
        if data:
            return super()._request(method, path, data)
        cookie = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        return message(method, path, {"Cookie": cookie, "X-CSRF-Token": self.token}, body=b"")


async def _all(spec: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, list[float]] = {}
    bad: dict[str, int] = {}
    visitors = [Visitor(spec["port"], phone, log, bad=bad) for phone in spec["phones"]]
    event: Any = SimpleNamespace(secret=spec["secret"])
    # Attendees have signed in to the app beforehand.
    for start in range(0, len(visitors), 10):
        part = visitors[start : start + 10]
        await asyncio.gather(*(v.sign_in(spec["password"]) for v in part))
    begun = time.perf_counter() + 1

    async def attend(visitor: Visitor) -> None:
        arrival = random.uniform(0, SECONDS - 1)  # noqa: S311
        await asyncio.sleep(max(begun + arrival - time.perf_counter(), 0))
        await visitor.page("empty", "GET", "/password")
        path = f"/events/in/{spec['session']}/{code_at(event, spec['session'], now())}"
        if await visitor.page("scan", "GET", path):
            await visitor.page("sign", "POST", path)
        if visitor.streams:
            visitor.streams[1].close()

    await asyncio.gather(*(attend(v) for v in visitors))
    return {
        "signed": len(log.get("sign", [])),
        "errors": sum(bad.values()),
        **({"which": bad} if bad else {}),
        "seconds": round(time.perf_counter() - begun, 1),
        **{
            f"{step}_p{q}_ms": percentile(log.get(step, [0.0]), q)
            for step in ("empty", "scan", "sign")
            for q in (50, 95, 99)
        },
    }


if __name__ == "__main__":
    serve_task(_all)
