"""Benchmark of whole exams over HTTP: sign in, start, saves, submit, arriving whether or not the server
keeps up (open loop), with all acknowledged answers looked for in the database afterwards.

Time is compressed: an exam of M minutes lasts M ÷ compress minutes here, so that the rate of saves is
`compress` times that of the real one.
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
    opening: float | None = None,
    engines: tuple[str, ...] = (),
) -> Measured:
    """One run an engine; rows a step, and what was found afterwards. `opening`: seconds in which all
    start, not compressed; without it two of sixty minutes, compressed like the rest."""
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
                # A server that has just started loads its modules with the first requests.
                early = _drive(served, exam, range(examinees + 1, examinees + WARM + 1), 2.0, 0.1)
                before, hashed = served.cpu(), served.hashing()
                told = _drive(served, exam, range(1, examinees + 1), seconds, opened)
                cpu, hashed = served.cpu() - before, served.hashing() - hashed
                memory = served.memory()
            rows += [
                {"step": f"{name} {step}", **told["steps"][step]}
                for step in STEPS
                if step in told["steps"]
            ]
            each = (cpu - hashed) / examinees
            found = compare(url, {**early["acknowledged"], **told["acknowledged"]})
            rows.append(
                {
                    "step": f"{name} 合计",
                    "examinees": examinees,
                    "compress": compress,
                    "opening_s": round(opened, 1),
                    "saves_a_second": round(told["saves_a_second"], 1),
                    "cpu_an_examinee": round(each, 4),
                    "password_check": round(hashed / examinees, 4),
                    "peak_mb": round(memory),
                    **found,
                }
            )
            ratios[f"{name} 丢失的已确认答案"] = float(found["lost"])
            ratios[f"{name} 每人 CPU÷Kolibri 0.53 秒"] = each / 0.53
    return rows, ratios


Size = tuple[str, str, AbstractContextManager[Any]]


def _sizes(urls: dict[str, str], folder: Path) -> Iterator[Size]:
    """One machine on either engine, and (where the machine has the programs) two processes of their own between nginx and
    PgBouncer: name, address of the database, server."""
    for name, url in urls.items():
        yield name, url, running(url, folder)
    if "PostgreSQL" in urls and which("nginx") and which("pgbouncer"):
        url = another_database(urls["PostgreSQL"])
        yield "nginx+2 个进程+PgBouncer", url, several(url, folder)


class Several:
    """Two application processes, nginx and PgBouncer as one server."""

    def __init__(self, port: int, parts: list[Running], more: list[int]) -> None:
        self.port, self._parts, self._more = port, parts, more

    def cpu(self) -> float:
        """Processor seconds of all of them so far (Linux)."""
        return sum(p.cpu() for p in self._parts) + sum(cpu_of(pid) for pid in self._family())

    def hashing(self) -> float:
        """Processor seconds of all password checks so far."""
        return sum(p.hashing() for p in self._parts)

    def memory(self) -> float:
        """Peak resident MB of all of them (Linux)."""
        return sum(p.memory() for p in self._parts) + sum(peak_of(pid) for pid in self._family())

    def _family(self) -> list[int]:
        found = list(self._more)
        for pid in self._more:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            found += map(int, children)
        return found


@contextmanager
def several(url: str, folder: Path) -> Iterator[Several]:
    """Size 2: no process keeps anything that another would need."""
    with ExitStack() as stack:
        # PgBouncer runs as nobody, who may not look into a private folder.
        outside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="academy-front-")))
        outside.chmod(0o755)
        through, bouncer = stack.enter_context(pgbouncer(outside / "pgbouncer", url))
        parts = []
        for number in (1, 2):
            own = folder / f"process-{number}"
            own.mkdir(exist_ok=True)
            parts.append(stack.enter_context(running(through, own, workers=1)))
        port, front = stack.enter_context(nginx(folder / "nginx", [p.port for p in parts]))
        yield Several(port, parts, [front, bouncer])


def _drive(
    served: Running | Several, exam: int, numbers: range, seconds: float, opening: float
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
