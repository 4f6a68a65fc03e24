"""What stands before and behind the application processes, started on loopback from the files of `deploy/`: nginx in front of
several processes, PgBouncer before PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template

import psycopg

from exam_app.config import ROOT
from harness.postgres import free_port
from training_records.database import engine_url, libpq

DEPLOY = ROOT / "deploy"


def which(name: str) -> str | None:
    """Where a program lies, also where only root looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def filled(name: str, values: dict[str, object]) -> str:
    """A file of `deploy/` with its braces filled in; nginx has variables of its own, which stay."""
    return Template((DEPLOY / name).read_text("utf-8")).safe_substitute(values)


@contextmanager
def nginx(folder: Path, ports: Sequence[int]) -> Iterator[tuple[int, int]]:
    """nginx in front of processes on loopback: its port and its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    servers = "\n".join(f"    server 127.0.0.1:{p} max_fails=0;" for p in ports)
    values: dict[str, object] = {"run": folder, "listen": f"127.0.0.1:{port}", "servers": servers}
    file = folder / "nginx.conf"
    file.write_text(filled("nginx.conf", values))
    command = [str(which("nginx")), "-p", str(folder), "-c", str(file), "-g", "daemon off;"]
    with (folder / "out.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
    try:
        _until_answered(f"http://127.0.0.1:{port}/healthz")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def _until_answered(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (loopback)  # nosec B310
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer")


@contextmanager
def pgbouncer(folder: Path, url: str) -> Iterator[tuple[str, int]]:
    """PgBouncer before a database of one's own on loopback (no passwords): the address through it and its process id."""
    folder.mkdir(parents=True, exist_ok=True)
    found, port = libpq(engine_url(url)), free_port()
    users = folder / "userlist.txt"
    users.write_text(f'"{found["user"]}" ""\n')
    values: dict[str, object] = {
        "host": found["host"],
        "port": found["port"],
        "database": found["dbname"],
        "user": found["user"],
        "listen_port": port,
        "auth_type": "trust",
        "auth_file": users,
    }
    file = folder / "pgbouncer.ini"
    file.write_text(filled("pgbouncer.ini", values))
    # It refuses root.
    user = "nobody" if os.getuid() == 0 else None
    for path in (folder, users, file):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with (folder / "out.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            [str(which("pgbouncer")), str(file)], stdout=log, stderr=log, user=user, cwd="/"
        )
    through = f"postgresql://{found['user']}@127.0.0.1:{port}/academy"
    try:
        for _ in range(100):
            try:
                psycopg.connect(through, connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield through, process.pid
    finally:
        process.terminate()
        process.wait(10)
