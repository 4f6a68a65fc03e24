"""Temporary PostgreSQL servers on loopback for tests and benchmarks."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_binaries() -> Path | None:
    """Folder with `initdb` of the newest version; None when PostgreSQL is not installed."""
    candidates = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    if candidates:
        return candidates[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Machine:
    """Temporary folder of one server, and the account that runs it."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="academy-pg-"))
        self.data, self.port = self.folder / "data", free_port()
        self._user = None
        if os.getuid() == 0:
            # initdb refuses to run as root; Debian's package creates the user postgres.
            self._user = "postgres" if _exists("postgres") else "nobody"
            shutil.chown(self.folder, self._user)

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603
            [str(self._binaries / program), "-D", str(self.data), *arguments],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )

    @contextmanager
    def started(self, extra: str = "") -> Iterator[str]:
        options = f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-o", options + extra, "-l", str(self.folder / "log"), "-w", "start")
        try:
            yield f"postgresql://academy@127.0.0.1:{self.port}"
        finally:
            self.run("pg_ctl", "-m", "immediate", "stop")
            shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def server(binaries: Path, durable: bool = False) -> Iterator[str]:
    """Runs a server; yields its URL without a database name.

    `durable`: a commit is on disk before it returns, as in production. Tests that kill no process don't need it.
    """
    machine = _Machine(binaries)
    machine.run("initdb", "-U", "academy", "-A", "trust", "-E", "UTF8", "--no-sync")
    with machine.started("" if durable else " -c fsync=off") as url:
        yield url


@contextmanager
def standby(binaries: Path, primary: str) -> Iterator[str]:
    """Runs a streaming standby of the server at `primary`; yields its URL without a database name."""
    machine = _Machine(binaries)
    machine.run("pg_basebackup", "-d", primary, "-R", "-X", "stream", "-c", "fast")
    with machine.started(" -c fsync=off") as url:
        yield url


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
