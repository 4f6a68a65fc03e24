"""Benchmark of whole exams over HTTP: sign-in, start, saves and submission in an open loop. Afterwards all
acknowledged answers are looked up in the database.

Time is compressed: an exam of M minutes takes M ÷ compress minutes, so the rate of saves is `compress` times
the real one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.results import Measured, Row
from harness.front import nginx, pgbouncer, which
from harness.load import apart
from harness.server import Running, cpu_of, peak_of, running
from harness.world import PASSWORD, another_database, compare, databases, phone_of, prepare

WARM = 12
STEPS = ("sign_in", "start", "save", "submit")


def exam_rows(
    examinees: int = 300,
    minutes: float = 60.0,
    compress: float = 60.0,
    *,
    opening: float | None = None,
    engines: tuple[str, ...] = (),
) -> Measured:
    """One run per engine: one row per step, and one row of totals.

    `opening`: seconds in which everybody starts, not compressed. Default: two of sixty minutes, compressed.
    """
    seconds = minutes * 60 / compress
    opened = seconds / 30 if opening is None else opening
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url, serve in _sizes(urls, Path(folder)):
            if engines and name not in engines:
                continue
            exam = prepare(url, examinees + WARM)
            with serve as served:
                # Warm-up: the first requests of a new server load its modules.
                warm_up = _drive(
                    served,
                    exam,
                    range(examinees + 1, examinees + WARM + 1),
                    seconds=2.0,
                    opening=0.1,
                )
                before, hashed = served.cpu(), served.hashing()
                result = _drive(
                    served, exam, range(1, examinees + 1), seconds=seconds, opening=opened
                )
                cpu, hashed = served.cpu() - before, served.hashing() - hashed
                memory = served.memory()
            rows += [
                {"step": f"{name} {step}", **result["steps"][step]}
                for step in STEPS
                if step in result["steps"]
            ]
            each = (cpu - hashed) / examinees
            comparison = compare(url, {**warm_up["acknowledged"], **result["acknowledged"]})
            rows.append(
                {
                    "step": f"{name} 合计",
                    "examinees": examinees,
                    "compress": compress,
                    "opening_s": round(opened, 1),
                    "saves_a_second": round(result["saves_a_second"], 1),
                    "cpu_an_examinee": round(each, 4),
                    "password_check": round(hashed / examinees, 4),
                    "peak_mb": round(memory),
                    **comparison,
                }
            )
            ratios[f"{name} 丢失的已确认答案"] = float(comparison["lost"])
            ratios[f"{name} 每人 CPU÷Kolibri 0.53 秒"] = each / 0.53
    return rows, ratios


Size = tuple[str, str, AbstractContextManager[Any]]


def _sizes(urls: dict[str, str], folder: Path) -> Iterator[Size]:
    """Yields (name, database URL, server): one server on each engine and, where the programs are installed, two
    processes between nginx and PgBouncer."""
    for name, url in urls.items():
        yield name, url, running(url, folder)
    if "PostgreSQL" in urls and which("nginx") and which("pgbouncer"):
        url = another_database(urls["PostgreSQL"])
        yield "nginx+2 个进程+PgBouncer", url, several(url, folder)


class Several:
    """Two application processes, nginx and PgBouncer as one server."""

    def __init__(self, port: int, parts: list[Running], proxies: list[int]) -> None:
        self.port, self._parts, self._proxies = port, parts, proxies

    def cpu(self) -> float:
        """CPU seconds of all processes so far (Linux)."""
        return sum(p.cpu() for p in self._parts) + sum(cpu_of(pid) for pid in self._family())

    def hashing(self) -> float:
        """CPU seconds of all password checks so far."""
        return sum(p.hashing() for p in self._parts)

    def memory(self) -> float:
        """Sum of the peak resident memory of all processes in MB (Linux)."""
        return sum(p.memory() for p in self._parts) + sum(peak_of(pid) for pid in self._family())

    def _family(self) -> list[int]:
        pids = list(self._proxies)
        for pid in self._proxies:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            pids += map(int, children)
        return pids


@contextmanager
def several(url: str, folder: Path) -> Iterator[Several]:
    """Runs two application processes, which share no state but the database, between nginx and PgBouncer."""
    with ExitStack() as stack:
        # PgBouncer runs as nobody, who can't read a private folder.
        readable = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="academy-front-")))
        readable.chmod(0o755)
        pooled_url, bouncer_pid = stack.enter_context(pgbouncer(readable / "pgbouncer", url))
        parts = []
        for number in (1, 2):
            instance = folder / f"process-{number}"
            instance.mkdir(exist_ok=True)
            parts.append(stack.enter_context(running(pooled_url, instance, workers=1)))
        port, nginx_pid = stack.enter_context(nginx(folder / "nginx", [p.port for p in parts]))
        yield Several(port, parts, [nginx_pid, bouncer_pid])


def _drive(
    served: Running | Several, exam: int, numbers: range, *, seconds: float, opening: float
) -> dict[str, Any]:
    spec = {
        "port": served.port,
        "exam": exam,
        "seconds": seconds,
        "opening": opening,
        "password": PASSWORD,
        "phones": [phone_of(n) for n in numbers],
    }
    return apart("harness.examinee", spec)
