"""Benchmark of a storm of sign-ins: latency of examinees' saves during it."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.results import Measured, Row
from harness.load import apart, exchange_full, message, null_answer, percentile, serve_task
from harness.server import running
from harness.world import PASSWORD, at_work, databases, phone_of, prepare

SITTERS, SAVES_A_SECOND = 16, 100
SIGN_INS_A_SECOND, SECONDS = 60, 15


def storm_rows() -> Measured:
    """Saves without and with sign-ins at a fixed rate (open loop), on each engine."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            exam = prepare(url, SITTERS + SIGN_INS_A_SECOND * SECONDS)
            with running(url, Path(folder)) as served:
                task = {"port": served.port, "calls": at_work(served, exam, SITTERS)}
                quiet = apart("benchmarks.storm", {**task, "rate": 0})
                storm = apart("benchmarks.storm", {**task, "rate": SIGN_INS_A_SECOND})
            rows.append({"step": f"{name} 没有人登录（对照）", **quiet})
            rows.append({"step": f"{name} 每秒 {SIGN_INS_A_SECOND} 人登录", **storm})
            ratios[f"{name} 存答案 p99÷对照"] = storm["save_p99_ms"] / quiet["save_p99_ms"]
    return rows, ratios


async def _all(spec: dict[str, Any]) -> dict[str, Any]:
    saves: list[float] = []
    sign_ins: list[float] = []
    bad: dict[str, int] = {}
    until = time.perf_counter() + SECONDS

    async def saver(path: str, headers: dict[str, str], offset: float) -> None:
        await asyncio.sleep(offset)
        streams = await asyncio.open_connection("127.0.0.1", spec["port"])
        seq = int(time.time() * 1000)
        while time.perf_counter() < until:
            start, seq = time.perf_counter(), seq + 1
            status, _, _ = await exchange_full(
                *streams, message("PUT", path, headers, body=null_answer(seq))
            )
            saves.append(time.perf_counter() - start)
            if status != 200:
                bad[f"save {status}"] = bad.get(f"save {status}", 0) + 1
            await asyncio.sleep(max(len(spec["calls"]) / SAVES_A_SECOND - saves[-1], 0))

    async def sign_in(number: int) -> None:
        await asyncio.sleep(number / spec["rate"])
        body = json.dumps({"phone": phone_of(SITTERS + 1 + number), "password": PASSWORD}).encode()
        json_only = {"Content-Type": "application/json"}
        request = message("POST", "/api/v1/login", json_only, body=body)
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", spec["port"])
        status, _, _ = await exchange_full(reader, writer, request)
        writer.close()
        if status == 200:
            sign_ins.append(time.perf_counter() - start)
        else:
            bad[f"sign_in {status}"] = bad.get(f"sign_in {status}", 0) + 1

    jobs = [
        saver(call["path"], call["headers"], n / SAVES_A_SECOND)
        for n, call in enumerate(spec["calls"])
    ]
    jobs += [sign_in(n) for n in range(spec["rate"] * SECONDS)]
    await asyncio.gather(*jobs)
    return {
        "saves": len(saves),
        **{f"save_p{q}_ms": percentile(saves, q) for q in (50, 95, 99)},
        **({f"sign_in_p{q}_ms": percentile(sign_ins, q) for q in (50, 99)} if sign_ins else {}),
        "signed_in": len(sign_ins),
        "refused": bad,
    }


if __name__ == "__main__":
    serve_task(_all)
