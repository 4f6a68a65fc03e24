"""A real server for benchmarks: the application and, as reference, a bare Flask route of the same durability."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, jsonify, request
from psycopg_pool import ConnectionPool
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from exam_app.config import ROOT
from exam_app.serving import GRACE_SECONDS
from harness.postgres import free_port
from harness.processes import end

HASHING = "academy_password_cpu_seconds_total "
TICKS = os.sysconf("SC_CLK_TCK")
BARE = (
    "INSERT INTO bare (id, seq) VALUES ({}, {}) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq"
)


def bare_app(url: str) -> Flask:
    """One route that does one durable upsert, of one row per caller, and nothing else."""
    app = Flask("bare")
    local = threading.local()
    pool: list[ConnectionPool] = []

    def sqlite(row: int, seq: int) -> None:
        if not hasattr(local, "connection"):
            path = url.removeprefix("sqlite:///")
            local.connection = sqlite3.connect(path, timeout=15, isolation_level=None)
            local.connection.execute("PRAGMA synchronous=FULL")
        local.connection.execute(BARE.format("?", "?"), (row, seq))

    def postgres(row: int, seq: int) -> None:
        if not pool:
            pool.append(ConnectionPool(url, max_size=16, kwargs={"autocommit": True}, open=True))
        with pool[0].connection() as connection:
            connection.execute(BARE.format("%s", "%s"), (row, seq), prepare=True)

    upsert = sqlite if url.startswith("sqlite") else postgres

    @app.put("/<int:row>")
    def save(row: int) -> Response:
        body = request.get_json()
        upsert(row, body["answers"][0]["seq"])
        return jsonify({"saved": {"1": body["answers"][0]["seq"]}})

    return app


def make() -> Flask:
    """The application, with the bare route mounted at ``/bare``."""
    from exam_app.serving import make as make_application

    app = make_application()
    bare = bare_app(app.config["ACADEMY"].database_url)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/bare": bare})  # type: ignore[method-assign]
    return app


class Running:
    """A server process with its workers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pids(self) -> list[int]:
        """Process ids of the master and its workers."""
        master = self.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [master, *map(int, children)]

    def cpu(self) -> float:
        """CPU seconds of all processes so far (Linux)."""
        return sum(map(cpu_of, self.pids()))

    def hashing(self) -> float:
        """CPU seconds of all password checks so far, from the server's own metrics."""
        with urllib.request.urlopen(f"{self.url}/metrics") as answer:  # noqa: S310  # nosec B310
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith(HASHING))

    def memory(self) -> float:
        """Sum of the peak resident memory of all processes in MB (Linux)."""
        return sum(peak_of(pid) for pid in self.pids())

    def proportional_memory(self) -> list[float]:
        """Memory of each process in MB, the master first; a page that several share is split among them (Linux)."""
        return [_share_of(pid) for pid in self.pids()]


def _share_of(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def cpu_of(pid: int) -> float:
    """CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_of(pid: int) -> float:
    """Peak resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextmanager
def running(
    url: str, instance: Path, workers: int = 2, *, target: str | None = "harness.server:make"
) -> Iterator[Running]:
    """Runs a server on loopback; yields once it responds. `target`: its WSGI factory, None for `academy serve`."""
    port = free_port()
    environment = {
        **os.environ,
        "ACADEMY_DATABASE_URL": url,
        "ACADEMY_INSTANCE": str(instance),
        "ACADEMY_SECRET_KEY": "bench-" * 8,
        "PYTHONPATH": str(ROOT),
    }
    if target is None:
        arguments = ["-m", "exam_app", "serve", "--port", str(port), "--workers", str(workers)]
    else:
        call = f"run('{target}', '127.0.0.1', {port}, workers={workers})"
        arguments = ["-c", f"from exam_app.serving import run\n{call}"]
    with (instance / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *arguments],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, port)
        yield Running(process, port)
    finally:
        end(process, GRACE_SECONDS + 10)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(900):
        if process.poll() is not None:
            raise RuntimeError(f"server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):  # nosec B310
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("server did not answer")
