"""The real server under many phones."""

from __future__ import annotations

import resource
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

from exam_app.serving import GRACE_SECONDS
from harness.server import running
from harness.world import prepare

PHONES = 3000


def test_thousands_of_kept_connections_keep_nobody_out(tmp_path: Path) -> None:
    """Every phone in an exam keeps its connection; one more is still served at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 2 * PHONES:
        pytest.skip(f"这台机器一个进程最多打开 {most} 个文件")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    url = f"sqlite:///{tmp_path / 'serving.db'}"
    prepare(url, 1)

    def ask(connection: HTTPConnection) -> float:
        begun = time.perf_counter()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        return time.perf_counter() - begun

    with running(url, tmp_path) as served:
        kept = [HTTPConnection("127.0.0.1", served.port, timeout=20) for _ in range(PHONES)]
        for connection in kept:
            ask(connection)
        assert max(ask(kept[0]), ask(kept[-1])) < 5
        for connection in kept:
            connection.close()


def test_a_server_that_is_told_to_stop_while_it_loads_stops(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'early.db'}"
    prepare(url, 1)
    with running(url, tmp_path, workers=4) as served:
        # The first worker has just answered; others are still loading.
        begun = time.monotonic()
        served.process.terminate()
        served.process.wait(GRACE_SECONDS + 10)
    assert time.monotonic() - begun < GRACE_SECONDS


def test_the_master_holds_nothing_that_a_worker_would_take_from_it(tmp_path: Path) -> None:
    """Workers start from the master: what it has loaded would be old code after an upgrade and SIGHUP."""
    url = f"sqlite:///{tmp_path / 'master.db'}"
    prepare(url, 1)
    with running(url, tmp_path, target=None) as served:
        master, *workers = [Path(f"/proc/{pid}/maps").read_text() for pid in served.pids()]
    assert "granian" in master and "sqlalchemy" not in master and "pydantic" not in master
    # One of them has answered.
    assert len(workers) == 2 and any("sqlalchemy" in maps for maps in workers)
