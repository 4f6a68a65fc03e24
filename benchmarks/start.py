"""Benchmark of weight and start: how long commands take to start, what an idle server holds, what an installation takes up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from statistics import median

from packaging.requirements import Requirement

from benchmarks.results import Measured, Row
from exam_app.config import ROOT
from exam_app.migrations.running import upgrade
from harness.server import running
from training_records.database import make_engine

PROJECT = "child-director-academy"
ROUNDS, WORKERS, LARGEST = 5, 2, 10
REFERENCE = ["-c", "import flask"]
STARTS = {
    "academy --help": ["-m", "exam_app", "--help"],
    "import exam_app.config": ["-c", "import exam_app.config"],
}

LAUNCH = """
import json, os, sys, time
begin = time.perf_counter()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
command = [sys.executable, *sys.argv[1:]]
process = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet)
_, status, used = os.wait4(process, 0)
taken = time.perf_counter() - begin
print(json.dumps([taken, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


def start_rows() -> Measured:
    """Starts against `import flask`, the medians of five in turn; then the server, then the packages."""
    starts = {"import flask（参照）": REFERENCE, **STARTS}
    for arguments in starts.values():
        _start(arguments)
    seconds: dict[str, list[float]] = {name: [] for name in starts}
    memory: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, arguments in starts.items():
            taken, memory[name] = _start(arguments)
            seconds[name].append(taken)
    typical = {name: median(values) for name, values in seconds.items()}
    rows: list[Row] = [
        {"step": name, "seconds": round(typical[name], 3), "peak_mb": round(memory[name])}
        for name in starts
    ]
    reference, *_ = typical.values()
    ratios = {f"{name}÷import flask": typical[name] / reference for name in STARTS}
    return [*rows, _idle_server(), *_packages()], ratios


def _start(arguments: list[str]) -> tuple[float, float]:
    """(seconds, peak memory in MB) of a process."""
    # By a small process between: a peak is that of the process that a new one was forked from, if that was higher.
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", LAUNCH, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    taken, peak, code = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{arguments} ended with {code}")
    return taken, peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def _idle_server() -> Row:
    """`academy serve` that nobody has asked anything but whether it is there (Linux)."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/start.db"
        engine = make_engine(url)
        upgrade(engine)
        engine.dispose()
        with running(url, Path(folder), WORKERS, target=None) as served:
            before, sizes = [0.0], served.proportional_memory()
            # The other worker may still be loading.
            while len(sizes) != 1 + WORKERS or sum(sizes) > 1.01 * sum(before):
                time.sleep(2)
                before, sizes = sizes, served.proportional_memory()
    return {
        "step": f"academy serve 空着，1 个主进程和 {WORKERS} 个工作进程",
        "pss_mb": round(sum(sizes)),
        "each_mb": [round(size) for size in sizes],
    }


def _packages() -> Iterator[Row]:
    """What `make run` installs, and the largest parts of it; nothing where its packages can't be read."""
    sizes = {name: _size(own) for name, own in _needed(PROJECT, {}).items()}
    if not sizes:
        return
    yield {
        "step": "运行要装的包",
        "packages": len(sizes),
        "mb": round(sum(sizes.values())),
        "largest_mb": {
            name: round(sizes[name])
            for name in sorted(sizes, key=lambda name: -sizes[name])[:LARGEST]
        },
    }


def _needed(
    name: str, found: dict[str, Distribution], extras: frozenset[str] = frozenset()
) -> dict[str, Distribution]:
    """A distribution and all that it requires on this machine, extras of ours left out."""
    try:
        own = distribution(name)
    except PackageNotFoundError:
        return found
    key = re.sub(r"[-_.]+", "-", name).lower()
    known = key in found
    found[key] = own
    for text in own.requires or ():
        wanted = Requirement(text)
        environments = [{"extra": extra} for extra in extras or {""}]
        marker = wanted.marker
        if marker and not any(marker.evaluate(environment) for environment in environments):
            continue
        if not known or extras:
            _needed(wanted.name, found, frozenset(wanted.extras))
    return found


def _size(own: Distribution) -> float:
    """Size of a distribution's files in MB, as the disk keeps them."""
    paths = (Path(str(own.locate_file(file))) for file in own.files or ())
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file()) / 2**20
