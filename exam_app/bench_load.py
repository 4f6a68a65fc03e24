"""A load generator in a process of its own: raw HTTP/1.1 over kept connections, closed loop."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import Any


async def exchange_full(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, list[str], bytes]:
    """(status, header lines, body) of one request on a kept connection."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    length = next((int(x[15:]) for x in lines if x[:15].lower() == "content-length:"), 0)
    body = await reader.readexactly(length) if length else b""
    return int(first[9:12]), lines, body


def put(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A PUT as bytes."""
    lines = [f"PUT {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _caller(
    port: int, path: str, headers: dict[str, str], until: float, out: list[float], bad: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seq = int(time.time() * 1000)
    while time.perf_counter() < until:
        seq += 1
        slot = str(seq % 20 + 1)
        body = b'{"answers":[{"slot":"%s","response":null,"seq":%d}]}' % (slot.encode(), seq)
        start = time.perf_counter()
        status, _, _ = await exchange_full(reader, writer, put(path, headers, body))
        out.append(time.perf_counter() - start)
        if status != 200:
            bad.append(status)
    writer.close()


async def _run(spec: dict[str, Any]) -> dict[str, Any]:
    out: list[float] = []
    bad: list[int] = []
    start = time.perf_counter()
    until = start + spec["seconds"]
    await asyncio.gather(
        *(_caller(spec["port"], c["path"], c["headers"], until, out, bad) for c in spec["callers"])
    )
    seconds = time.perf_counter() - start
    out.sort()
    return {
        "requests": len(out),
        "errors": len(bad),
        "per_second": len(out) / seconds,
        "p50_ms": 1000 * out[len(out) // 2],
        "p99_ms": 1000 * out[int(len(out) * 0.99)],
    }


def hammer(port: int, callers: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Every caller (path, headers) saves again and again, each on its own connection."""
    spec = {"port": port, "callers": callers, "seconds": seconds}
    done = subprocess.run(
        [sys.executable, "-m", "exam_app.bench_load"],
        input=json.dumps(spec).encode(),
        capture_output=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    json.dump(asyncio.run(_run(json.load(sys.stdin))), sys.stdout)
