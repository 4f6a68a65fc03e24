"""`deploy/try-cluster`: a failover test on loopback.

Starts three PostgreSQL nodes under Patroni with etcd, two application processes and nginx. Runs an exam, kills
the primary during it, and counts lost and duplicated records.

Needs Debian's postgresql, patroni, etcd-server and nginx-light. Processes started here are ended by process id.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import psycopg

from exam_app.operations.partitions import partition
from exam_app.serving import GRACE_SECONDS
from harness.examinee import Sitter, some
from harness.front import filled, nginx, which
from harness.postgres import find_binaries, free_port
from harness.processes import end
from harness.world import PASSWORD, compare, lost, phone_of, prepare
from training_records.database import make_engine, now

NODES, APPLICATIONS = 3, 2
# Used in this run only; the cluster is removed when it ends.
SECRET = "try-cluster"  # noqa: S105
PROGRAMS = ("patroni", "etcd", "nginx")
LONGEST_WAIT = 120


def missing_programs() -> list[str]:
    """Required programs that are not installed."""
    missing = [name for name in PROGRAMS if which(name) is None]
    return missing if find_binaries() else [*missing, "postgres"]


@dataclass
class Node:
    """A PostgreSQL node: its ports and its Patroni process."""

    name: str
    port: int
    api_port: int
    process: subprocess.Popen[bytes]

    def is_primary(self) -> bool:
        """Whether Patroni reports the node as primary."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}/primary", timeout=2):  # nosec B310
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """Kills Patroni and all PostgreSQL processes at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        # PostgreSQL runs in its own session, so outside the process group.
        for pid in _below(self.port):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _below(port: int) -> list[int]:
    """Process ids of the postmaster that listens on a port, and of its children."""
    postmasters: list[int] = []
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if command[0].endswith(b"postgres") and f"--port={port}".encode() in command:
                postmasters.append(int(entry.name))
    return postmasters + [pid for pid, parent in parents.items() if parent in postmasters]


@dataclass
class Cluster:
    """A running cluster."""

    folder: Path
    nodes: list[Node]
    url: str
    port: int = 0
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def primary(self) -> Node | None:
        """The current primary, if there is one."""
        return next((n for n in self.nodes if n.is_primary()), None)

    def standbys(self) -> int:
        """Number of synchronous standbys of the primary."""
        with psycopg.connect(self.url, connect_timeout=3) as connection:
            query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            return int((connection.execute(query).fetchone() or (0,))[0])


def _wait(what: str, ready: Callable[[], bool], seconds: float = LONGEST_WAIT) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, psycopg.Error):
            if ready():
                return
        time.sleep(0.3)
    raise SystemExit(f"{what}没有起来，等了 {seconds:.0f} 秒")


@contextmanager
def cluster(say: Callable[[str], None]) -> Iterator[Cluster]:
    """Runs the cluster on loopback with an empty database ``academy``, and removes it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="academy-cluster-"))
    # PostgreSQL refuses to run as root; Debian's package creates the user postgres.
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    shutil.chown(folder, user)
    started: list[subprocess.Popen[bytes]] = []
    nodes: list[Node] = []

    def run(name: str, *command: str) -> subprocess.Popen[bytes]:
        log = (folder / f"{name}.log").open("ab")
        process = subprocess.Popen(  # noqa: S603
            command,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
            user=user if os.getuid() == 0 else None,
        )
        started.append(process)
        return process

    try:
        etcd = _etcd(folder, run)
        say("etcd 起来了")
        for number in range(1, NODES + 1):
            nodes.append(_node(folder, number, etcd, run=run))
        hosts = ",".join(f"127.0.0.1:{n.port}" for n in nodes)
        base = f"postgresql://postgres:{SECRET}@{hosts}"
        running = Cluster(
            folder, nodes, f"{base}/academy?target_session_attrs=read-write&connect_timeout=3"
        )
        _wait("PostgreSQL 主库", lambda: running.primary() is not None)
        with psycopg.connect(
            f"{base}/postgres?target_session_attrs=read-write", autocommit=True
        ) as connection:
            connection.execute("CREATE DATABASE academy")
        _wait("同步备库", lambda: running.standbys() >= 1)
        say(f"{NODES} 个 PostgreSQL 节点起来了，1 个同步备库")
        yield running
    finally:
        for process in reversed(started):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        for node in nodes:
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _etcd(folder: Path, run: Any) -> str:
    client, peer = free_port(), free_port()
    run(
        "etcd",
        str(which("etcd")),
        "--name=one",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=one=http://127.0.0.1:{peer}",
    )

    def healthy() -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{client}/health", timeout=2) as answer:  # nosec B310
            return bool(json.load(answer)["health"] == "true")

    _wait("etcd", healthy)
    return f"127.0.0.1:{client}"


def _node(folder: Path, number: int, etcd: str, *, run: Any) -> Node:
    port, api_port = free_port(), free_port()
    values: dict[str, object] = {
        "name": f"node{number}",
        "host": "127.0.0.1",
        "port": port,
        "api_port": api_port,
        "etcd": etcd,
        "data": folder / f"node{number}",
        "bin": find_binaries(),
        "sockets": folder,
        "network": "127.0.0.1/32",
        "superuser_password": SECRET,
        "replication_password": SECRET,
    }
    file = folder / f"node{number}.yml"
    file.write_text(filled("patroni.yml", values))
    process = run(f"node{number}", str(which("patroni")), str(file))
    return Node(f"node{number}", port, api_port, process)


@contextmanager
def applications(running: Cluster, say: Callable[[str], None]) -> Iterator[None]:
    """Runs two application processes behind nginx."""
    ports = [free_port() for _ in range(APPLICATIONS)]
    started: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "ACADEMY_DATABASE_URL": running.url,
        "ACADEMY_INSTANCE": str(running.folder / "instance"),
        "ACADEMY_SECRET_KEY": "cluster-" * 6,
        "ACADEMY_TRUSTED_PROXIES": "1",
    }
    (running.folder / "instance").mkdir()
    for port in ports:
        code = f"from exam_app.serving import run\nrun('exam_app.serving:make', '127.0.0.1', {port}, workers=1)"
        log = (running.folder / f"app-{port}.log").open("ab")
        started.append(
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", code],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )
    try:
        for port in ports:

            def ready(port: int = port) -> bool:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):  # nosec B310
                    return True

            _wait(f"127.0.0.1:{port}", ready)
        with nginx(running.folder / "nginx", ports) as (running.port, _):
            say(f"{APPLICATIONS} 个应用进程和 nginx 起来了")
            yield
    finally:
        for process in reversed(started):
            end(process, GRACE_SECONDS + 10)


class Stubborn(Sitter):
    """An examinee whose client keeps retrying; records when each save was acknowledged."""

    def __init__(
        self, port: int, phone: str, log: dict[str, list[float]], *, bad: dict[str, int]
    ) -> None:
        super().__init__(port, phone, log, bad=bad)
        self.retries = 60
        self.moments: list[float] = []
        self.handed_in = False

    async def sit(self, exam: int, seconds: float) -> None:
        opened = await self.call("start", ("POST", f"/api/v1/exams/{exam}/attempts"), {})
        if not opened:
            return
        self.attempt = opened["attempt_id"]
        items, path = opened["paper"]["items"], f"/api/v1/attempts/{self.attempt}"
        begun, seq = time.perf_counter(), 0
        # Saves new and changed answers until the time is up.
        while time.perf_counter() < begun + seconds:
            seq += 1
            item = items[seq % len(items)]
            answer = {"slot": item["slot"], "response": some(item), "seq": seq}
            reply = await self.call("save", ("PUT", f"{path}/answers"), {"answers": [answer]})
            if reply:
                self.acknowledged.update(reply["saved"])
                self.moments.append(time.perf_counter())
            await asyncio.sleep(0.4)
        body = {"expected": dict(self.acknowledged)}
        self.handed_in = bool(await self.call("submit", ("POST", f"{path}/submit"), body))


@dataclass(frozen=True)
class Outcome:
    """Result of a run.

    `acknowledged`: acknowledged saves. `lost`: acknowledged answers that are not stored. `twice`: duplicated
    effects. `pause_s`: longest gap between acknowledged saves that ends after the kill. `errors`: failed
    requests by step and status, each of which was retried.
    """

    examinees: int
    handed_in: int
    acknowledged: int
    lost: int
    twice: int
    pause_s: float
    errors: dict[str, int]
    killed: str
    primary: str


async def _exam(running: Cluster, exam: int, people: int, *, seconds: float) -> dict[str, Any]:
    log: dict[str, list[float]] = {}
    bad: dict[str, int] = {}
    sitters = [Stubborn(running.port, phone_of(n + 1), log, bad=bad) for n in range(people)]
    for sitter in sitters:
        if not await sitter.sign_in(PASSWORD):
            raise SystemExit("登录没有成功")
    loop = asyncio.get_running_loop()

    async def kill() -> tuple[str, float]:
        await asyncio.sleep(seconds / 4)
        node = await loop.run_in_executor(None, running.primary)
        if node is None:
            raise SystemExit("没有主库")
        killed_at = time.perf_counter()
        node.kill()
        return node.name, killed_at

    killing = asyncio.create_task(kill())
    await asyncio.gather(*(s.sit(exam, seconds) for s in sitters))
    killed, killed_at = await killing
    moments = sorted(m for s in sitters for m in s.moments)
    # The failover shows as the longest gap between saves that ends after the kill.
    gaps = [b - a for a, b in pairwise(moments) if b > killed_at]
    return {
        "killed": killed,
        "pause": max(gaps, default=float("inf")),
        "handed_in": sum(s.handed_in for s in sitters),
        "acknowledged": {str(s.attempt): s.acknowledged for s in sitters if s.attempt},
        "saves": len(moments),
        "bad": bad,
    }


def try_cluster(people: int, seconds: float, say: Callable[[str], None]) -> Outcome:
    """Starts the cluster, runs the exam, and kills the primary after a quarter of its time."""
    if lacking := missing_programs():
        raise SystemExit(
            f"本机没有 {'、'.join(lacking)}。请安装：apt install postgresql patroni etcd-server nginx-light"
        )
    with cluster(say) as running:
        exam = prepare(running.url, people)
        engine = make_engine(running.url)
        partition(engine, now().date())
        engine.dispose()
        with applications(running, say):
            say(f"{people} 人开始考试，{seconds:.0f} 秒；{seconds / 4:.0f} 秒后杀掉主库")
            with ThreadPoolExecutor(1) as pool:
                result = pool.submit(
                    lambda: asyncio.run(_exam(running, exam, people, seconds=seconds))
                ).result()
            new = running.primary()
            comparison = compare(running.url, result["acknowledged"])
            return Outcome(
                examinees=people,
                handed_in=result["handed_in"],
                acknowledged=result["saves"],
                lost=lost(running.url, result["acknowledged"]),
                twice=comparison["twice"],
                pause_s=round(result["pause"], 1),
                errors=dict(sorted(result["bad"].items())),
                killed=result["killed"],
                primary=new.name if new else "没有",
            )


@click.command()
@click.option("--examinees", default=60, show_default=True, type=click.IntRange(1, 2000))
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(30, 3600))
@click.option("--json", "as_json", is_flag=True)
def main(examinees: int, seconds: float, as_json: bool) -> None:
    """在本机起一整套集群，考一场试，中途杀掉主库，报告结果。"""
    outcome = try_cluster(examinees, seconds, lambda text: click.echo(text, err=True))
    good = outcome.lost == 0 and outcome.twice == 0 and outcome.handed_in == outcome.examinees
    if as_json:
        click.echo(json.dumps(vars(outcome), ensure_ascii=False, indent=1))
    else:
        click.echo(
            f"主库 {outcome.killed} 被杀，{outcome.primary} 接上；保存停了 {outcome.pause_s} 秒"
        )
        click.echo(
            f"确认过的保存 {outcome.acknowledged} 次，丢失 {outcome.lost}，重复 {outcome.twice}"
        )
        click.echo(
            f"{outcome.examinees} 人里 {outcome.handed_in} 人交了卷；重试过的错误：{outcome.errors}"
        )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
