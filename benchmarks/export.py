"""Benchmark of the ledger export: time and memory of a workbook of the whole nation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.nation import fill
from benchmarks.results import Measured, Row
from exam_app.migrations.running import upgrade
from harness.server import peak_of
from training_records.archive.ledger_export import write_ledger
from training_records.database import make_engine, make_session_factory, now, read_only


def export_rows(people: int) -> Measured:
    """Rows for a nation of `people` directors with three years of training each; memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        engine = make_engine(url)
        upgrade(engine)
        entries = fill(engine, people, now().date())
        engine.dispose()
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "benchmarks.export", url, str(Path(folder) / "out.xlsx")],
            stdout=subprocess.PIPE,
            check=True,
        )
    result = json.loads(done.stdout)
    rows = [{"step": "导出台账", "people": people, "entries": entries, **result}]
    return rows, {"导出时的内存（MB）": result["peak_mb"]}


def _export(url: str, path: str) -> Row:
    engine = make_engine(url)
    start = time.perf_counter()
    with make_session_factory(engine)() as session, Path(path).open("wb") as out:
        rows = write_ledger(read_only(session), "", "全国", as_of=now().date(), out=out)
    return {
        "rows": rows,
        "seconds": round(time.perf_counter() - start, 1),
        "file_mb": round(Path(path).stat().st_size / 2**20, 1),
        "peak_mb": round(peak_of(os.getpid())),
    }


if __name__ == "__main__":
    json.dump(_export(*sys.argv[1:]), sys.stdout)
