"""Load from a separate process: raw HTTP/1.1 over keep-alive connections.

Run as a module, it is a closed loop of saves.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from exam_app.serving import allow_many_connections


async def exchange_full(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, list[str], bytes]:
    """Sends one request on a keep-alive connection; returns (status, header lines, body)."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    length = next((int(x[15:]) for x in lines if x[:15].lower() == "content-length:"), 0)
    body = await reader.readexactly(length) if length else b""
    return int(first[9:12]), lines, body


def message(method: str, path: str, headers: dict[str, str], *, body: bytes) -> bytes:
    """An HTTP request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def null_answer(seq: int) -> bytes:
    """Body of a save that clears one slot; slots rotate with `seq`."""
    answer = {"slot": str(seq % 20 + 1), "response": None, "seq": seq}
    return json.dumps({"answers": [answer]}, separators=(",", ":")).encode()


def percentile(times: list[float], q: int) -> float:
    """The q-th percentile of times in seconds, in milliseconds."""
    return round(1000 * sorted(times)[min(int(len(times) * q / 100), len(times) - 1)], 1)


def apart(module: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Runs a load module in a separate process, with `spec` as JSON on stdin and its result as JSON on stdout."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", module],
        input=json.dumps(spec).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def serve_task(run: Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]) -> None:
    """Child side of `apart`: reads the task, runs it, and writes the result."""
    allow_many_connections()
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)


async def _caller(
    port: int, path: str, headers: dict[str, str], *, until: float, out: list[float], bad: list[int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seq = int(time.time() * 1000)
    while time.perf_counter() < until:
        seq += 1
        request = message("PUT", path, headers, body=null_answer(seq))
        start = time.perf_counter()
        status, _, _ = await exchange_full(reader, writer, request)
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
        *(
            _caller(spec["port"], c["path"], c["headers"], until=until, out=out, bad=bad)
            for c in spec["callers"]
        )
    )
    seconds = time.perf_counter() - start
    return {
        "requests": len(out),
        "errors": len(bad),
        "per_second": len(out) / seconds,
        "p50_ms": percentile(out, 50),
        "p99_ms": percentile(out, 99),
    }


def hammer(port: int, callers: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Runs a closed loop of saves per caller (path, headers), each on its own connection."""
    spec = {"port": port, "callers": callers, "seconds": seconds}
    return apart("harness.load", spec)


if __name__ == "__main__":
    serve_task(_run)
