"""The real server under many phones."""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path

import pytest

from exam_app.bench_load import exchange_full, message
from exam_app.bench_save import prepare
from exam_app.bench_server import running

PHONES = 3000


def test_thousands_of_kept_connections_keep_nobody_out(tmp_path: Path) -> None:
    """Every phone in an exam keeps its connection; one more is still served at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 2 * PHONES:
        pytest.skip(f"这台机器一个进程最多打开 {most} 个文件")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    url = f"sqlite:///{tmp_path / 'serving.db'}"
    prepare(url, 1)
    request = message("GET", "/healthz", {}, b"")

    async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> float:
        begun = time.perf_counter()
        status, _, _ = await asyncio.wait_for(exchange_full(*streams, request), 20)
        assert status == 200
        return time.perf_counter() - begun

    async def all_of_them(port: int) -> float:
        kept = []
        for _ in range(PHONES):
            kept.append(await asyncio.open_connection("127.0.0.1", port))
            await ask(kept[-1])
        slowest = max([await ask(streams) for streams in (kept[0], kept[-1])])
        for _, writer in kept:
            writer.close()
        return slowest

    with running(url, tmp_path) as served:
        assert asyncio.run(all_of_them(served.port)) < 5
