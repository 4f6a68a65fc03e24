"""Benchmark of a storm of sign-ins: do the saves of those who sit their exam get through?"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from exam_app.bench_load import exchange_full, put
from exam_app.bench_save import PASSWORD, Phone, databases, phone_of, prepare
from exam_app.bench_server import running

SITTERS, SAVES_A_SECOND = 16, 100
SIGN_INS_A_SECOND, SECONDS = 60, 15


def storm_rows() -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Saves alone and with sign-ins arriving whether or not they are answered, on each engine."""
    rows: list[dict[str, Any]] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            exam = prepare(url, SITTERS + SIGN_INS_A_SECOND * SECONDS)
            with running(url, Path(folder)) as served:
                calls = []
                for number in range(1, SITTERS + 1):
                    phone = Phone(served.url, number)
                    opened = phone.call("POST", f"/api/v1/exams/{exam}/attempts", {})
                    path = f"/api/v1/attempts/{opened['attempt_id']}/answers"
                    calls.append([path, phone.headers])
                quiet = _drive(served.port, calls, 0)
                storm = _drive(served.port, calls, SIGN_INS_A_SECOND)
            rows.append({"step": f"{name} 没有人登录（对照）", **quiet})
            rows.append({"step": f"{name} 每秒 {SIGN_INS_A_SECOND} 人登录", **storm})
            ratios[f"{name} 存答案 p99÷对照"] = storm["save_p99_ms"] / quiet["save_p99_ms"]
    return rows, ratios


def _drive(port: int, calls: list[Any], rate: int) -> dict[str, Any]:
    spec = {"port": port, "calls": calls, "rate": rate}
    done = subprocess.run(
        [sys.executable, "-m", "exam_app.bench_storm"],
        input=json.dumps(spec).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


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
            body = json.dumps(
                {"answers": [{"slot": str(seq % 20 + 1), "response": None, "seq": seq}]}
            )
            status, _, _ = await exchange_full(*streams, put(path, headers, body.encode()))
            saves.append(time.perf_counter() - start)
            if status != 200:
                bad[f"save {status}"] = bad.get(f"save {status}", 0) + 1
            await asyncio.sleep(max(len(spec["calls"]) / SAVES_A_SECOND - saves[-1], 0))

    async def sign_in(number: int) -> None:
        await asyncio.sleep(number / spec["rate"])
        body = json.dumps({"phone": phone_of(SITTERS + 1 + number), "password": PASSWORD}).encode()
        head = f"POST /api/v1/login HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n"
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", spec["port"])
        request = f"{head}Content-Type: application/json\r\n\r\n".encode() + body
        status, _, _ = await exchange_full(reader, writer, request)
        writer.close()
        if status == 200:
            sign_ins.append(time.perf_counter() - start)
        else:
            bad[f"sign_in {status}"] = bad.get(f"sign_in {status}", 0) + 1

    jobs = [saver(p, h, n / SAVES_A_SECOND) for n, (p, h) in enumerate(spec["calls"])]
    jobs += [sign_in(n) for n in range(spec["rate"] * SECONDS)]
    await asyncio.gather(*jobs)
    return {
        "saves": len(saves),
        **{f"save_p{q}_ms": _at(saves, q) for q in (50, 95, 99)},
        **({f"sign_in_p{q}_ms": _at(sign_ins, q) for q in (50, 99)} if sign_ins else {}),
        "signed_in": len(sign_ins),
        "refused": bad,
    }


def _at(times: list[float], q: int) -> float:
    return round(1000 * sorted(times)[min(int(len(times) * q / 100), len(times) - 1)], 1)


if __name__ == "__main__":
    json.dump(asyncio.run(_all(json.load(sys.stdin))), sys.stdout)
