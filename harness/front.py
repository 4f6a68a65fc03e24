"""nginx in front of application processes, and PgBouncer in front of PostgreSQL.

Both run on loopback with the configuration files of `deploy/`.
"""

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
    """Path of a program; also searches the sbin folders, which only root has in PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def filled(name: str, values: dict[str, object]) -> str:
    """A file of `deploy/` with its placeholders substituted; nginx's own variables are kept."""
    return Template((DEPLOY / name).read_text("utf-8")).safe_substitute(values)


@contextmanager
def nginx(folder: Path, ports: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs nginx in front of processes on loopback; yields (port, process id)."""
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
    """Runs PgBouncer in front of a database on loopback without passwords; yields (URL through it, process id)."""
    folder.mkdir(parents=True, exist_ok=True)
    target, port = libpq(engine_url(url)), free_port()
    users = folder / "userlist.txt"
    users.write_text(f'"{target["user"]}" ""\n')
    values: dict[str, object] = {
        "host": target["host"],
        "port": target["port"],
        "database": target["dbname"],
        "user": target["user"],
        "listen_port": port,
        "auth_type": "trust",
        "auth_file": users,
    }
    file = folder / "pgbouncer.ini"
    file.write_text(filled("pgbouncer.ini", values))
    # PgBouncer refuses to run as root.
    user = "nobody" if os.getuid() == 0 else None
    for path in (folder, users, file):
        path.chmod(0o755 if path.is_dir() else 0o644)
    with (folder / "out.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            [str(which("pgbouncer")), str(file)], stdout=log, stderr=log, user=user, cwd="/"
        )
    pooled_url = f"postgresql://{target['user']}@127.0.0.1:{port}/academy"
    try:
        for _ in range(100):
            try:
                psycopg.connect(pooled_url, connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield pooled_url, process.pid
    finally:
        process.terminate()
        process.wait(10)
