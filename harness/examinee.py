"""Simulated examinees in a separate process, over raw HTTP.

Each signs in, starts, saves and submits at random times that don't depend on how fast the server responds.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

from exam_app.exams.schemas import ItemOut
from harness.load import exchange_full, message, percentile, serve_task
from question_bank import Response

RETRIES, LONGEST_PAUSE = 5, 3.2
# Per second.
SIGN_INS = 25


def pause(retry: int) -> float:
    """Back-off in seconds before a retry; exponential with jitter like the exam page's, but shorter."""
    base: float = min(0.2 * 2**retry, LONGEST_PAUSE)
    return base * (0.75 + random.random() / 2)  # noqa: S311


class Sitter:
    """One examinee on one keep-alive connection, reopened when it breaks."""

    def __init__(
        self, port: int, phone: str, log: dict[str, list[float]], *, bad: dict[str, int]
    ) -> None:
        self.port, self.phone, self.log, self.bad = port, phone, log, bad
        self.cookies: dict[str, str] = {}
        self.token = ""
        self.streams: Any = None
        self.acknowledged: dict[str, int] = {}
        self.attempt = 0
        self.retries = RETRIES

    async def call(self, step: str, request: tuple[str, str], body: object) -> Any:
        """Returns the JSON of a request (method, path), retried with back-off; None when all tries fail."""
        data = json.dumps(body).encode()
        start = time.perf_counter()
        for retry in range(self.retries):
            if retry:
                await asyncio.sleep(pause(retry))
            try:
                status, headers, content = await self._exchange(self._request(*request, data))
            except (OSError, asyncio.IncompleteReadError):
                self.streams = None
                self.bad[f"{step} connection"] = self.bad.get(f"{step} connection", 0) + 1
                continue
            for line in headers:
                if line[:11].lower() == "set-cookie:":
                    name, _, value = line[11:].strip().partition(";")[0].partition("=")
                    self.cookies[name] = value
            if status == 200:
                self.log.setdefault(step, []).append(time.perf_counter() - start)
                return json.loads(content)
            self.bad[f"{step} {status}"] = self.bad.get(f"{step} {status}", 0) + 1
        return None

    async def _exchange(self, request: bytes) -> tuple[int, list[str], bytes]:
        """Sends one request. If the server has closed the keep-alive connection, retries at once on a new
        one, as browsers do."""
        reused = self.streams is not None
        try:
            if self.streams is None:
                self.streams = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self.streams
            return await exchange_full(reader, writer, request)
        except (OSError, asyncio.IncompleteReadError):
            self.streams = None
            if not reused:
                raise
        reader, writer = self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        return await exchange_full(reader, writer, request)

    def _request(self, method: str, path: str, data: bytes) -> bytes:
        cookie = "; ".join(f"{n}={v}" for n, v in self.cookies.items())
        headers = {"Content-Type": "application/json", "X-CSRF-Token": self.token}
        return message(method, path, headers | ({"Cookie": cookie} if cookie else {}), body=data)

    async def sign_in(self, password: str) -> bool:
        reply = await self.call(
            "sign_in", ("POST", "/api/v1/login"), {"phone": self.phone, "password": password}
        )
        self.token = reply["csrf_token"] if reply else ""
        return bool(reply)

    async def sit(self, exam: int, seconds: float) -> None:
        """Starts the exam, answers every slot at its random time, and submits."""
        opened = await self.call("start", ("POST", f"/api/v1/exams/{exam}/attempts"), {})
        if not opened:
            return
        self.attempt = opened["attempt_id"]
        items, path = opened["paper"]["items"], f"/api/v1/attempts/{self.attempt}"
        begun = time.perf_counter()
        times = sorted(random.uniform(0, seconds) for _ in items)  # noqa: S311
        for seq, (at, item) in enumerate(zip(times, items, strict=True), start=1):
            await asyncio.sleep(max(begun + at - time.perf_counter(), 0))
            body = {"answers": [{"slot": item["slot"], "response": some(item), "seq": seq}]}
            reply = await self.call("save", ("PUT", f"{path}/answers"), body)
            if reply:
                self.acknowledged.update(reply["saved"])
        expected = dict(self.acknowledged)
        await self.call("submit", ("POST", f"{path}/submit"), {"expected": expected})
        if self.streams:
            self.streams[1].close()


def some(item: ItemOut) -> Response:
    """A valid response to the item."""
    kind, order = item["type"], item["order"] or []
    if kind == "single":
        return random.choice(order)  # noqa: S311
    if kind == "true_false":
        return random.random() < 0.5  # noqa: S311
    if kind == "multiple":
        return sorted(random.sample(order, 2))
    if kind == "order":
        return order
    if kind == "match":
        return {left: int(order[0]) for left in item["left"] or {}}
    if kind == "fill":
        return ["每月"] * (item["blanks"] or 0)
    return "要点"


async def _all(spec: dict[str, Any]) -> dict[str, Any]:
    log: dict[str, list[float]] = {}
    bad: dict[str, int] = {}
    sitters = [Sitter(spec["port"], phone, log, bad=bad) for phone in spec["phones"]]
    seconds = spec["seconds"]
    # The time over which sign-ins are spread, before the exam starts.
    sign_in_seconds, opening = max(len(sitters) / SIGN_INS, 1.0), spec["opening"]

    async def take_part(number: int, sitter: Sitter) -> None:
        await asyncio.sleep(sign_in_seconds * number / len(sitters))
        if not await sitter.sign_in(spec["password"]):
            return
        await asyncio.sleep(max(ready - time.perf_counter(), 0) + random.uniform(0, opening))  # noqa: S311
        await sitter.sit(spec["exam"], seconds)

    ready = time.perf_counter() + sign_in_seconds + 3
    await asyncio.gather(*(take_part(n, s) for n, s in enumerate(sitters)))
    saves = len(log.get("save", []))
    return {
        "steps": {step: _spread(times) | _errors(bad, step) for step, times in log.items()},
        "saves_a_second": saves / (seconds + opening / 2),
        "acknowledged": {str(s.attempt): s.acknowledged for s in sitters if s.attempt},
    }


def _spread(times: list[float]) -> dict[str, float]:
    return {"n": len(times), **{f"p{q}_ms": percentile(times, q) for q in (50, 95, 99)}}


def _errors(bad: dict[str, int], step: str) -> dict[str, object]:
    by_status = {key.split(" ", 1)[1]: n for key, n in bad.items() if key.startswith(f"{step} ")}
    return {"errors": sum(by_status.values()), **({"which": by_status} if by_status else {})}


if __name__ == "__main__":
    serve_task(_all)
