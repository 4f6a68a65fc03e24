"""Benchmark of the ledger import: checking and writing an office's workbook, against reading the same sheet and
one bulk insert of its rows; and its memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook
from sqlalchemy import insert
from sqlalchemy.orm import Session

from benchmarks.clock import best
from benchmarks.results import Measured
from exam_app.config import Config, load_config
from exam_app.core.memory import settle_memory
from exam_app.demo.seed import seed_demo
from exam_app.demo.workbook import office_workbook
from exam_app.migrations.running import upgrade
from harness.server import peak_of
from training_records.corrections.batches import apply_checked
from training_records.database import make_engine, make_session_factory
from training_records.divisions import division_names
from training_records.ledger.importer import Checked, check_ledger
from training_records.ledger.models import Person

TODAY, CITY, DIRT = date(2026, 11, 24), "370200000000", 0.03


@contextmanager
def demo_database(people: int) -> Iterator[tuple[Session, Config]]:
    """A temporary database with demonstration data."""
    with tempfile.TemporaryDirectory() as folder:
        config = load_config({}, instance=folder, secret_key="bench" * 8)
        engine = make_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        upgrade(engine)
        with make_session_factory(engine)() as session:
            seed_demo(session, config, people)
            yield session, config
        engine.dispose()


def places(session: Session) -> list[tuple[str, str, str]]:
    """(district, town, village) names of all villages."""
    names = division_names(session)
    return [
        (names[c[:6].ljust(12, "0")], names[c[:9].ljust(12, "0")], n)
        for c, n in names.items()
        if c[9:] != "000"
    ]


def import_rows(rows: int) -> Measured:
    """Times of a sheet with `rows` rows, and memory for that size and a fifth of it, each in a separate process."""
    with demo_database(20) as (session, _):
        data, planted = office_workbook(places(session), rows, DIRT)
        settle_memory()
        reference = best(lambda: _reference(session, data), 3)
        checking = best(lambda: check(session, data), 3)
        report = check(session, data).report
        start = time.perf_counter()
        _write(session, check(session, data))
        session.rollback()
        applied = time.perf_counter() - start
    small, large = _apart(max(rows // 5, 1000)), _apart(rows)
    result = [
        {"step": "读表加一次批量写入（参照）", "rows": rows, "seconds": round(reference, 2)},
        {
            "step": "检查",
            "seconds": round(checking, 2),
            "faults": len({e.row for e in report.errors}),
            "planted": len(planted),
        },
        {"step": "检查并写入", "seconds": round(applied, 2)},
        *({"step": f"内存，{m['rows']} 行", **m} for m in (small, large)),
    ]
    grown = large["import_mb"] - small["import_mb"]
    return result, {
        "参照的速度÷导入的速度": applied / reference,
        "导入的速度÷参照的速度": reference / applied,
        "每万行多用的内存（MB）": grown / (large["rows"] - small["rows"]) * 10_000,
    }


def _reference(session: Session, data: bytes) -> None:
    """Reads the sheet and writes its texts, unchecked, in one bulk insert."""
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    people = [
        {
            "name": str(r[1])[:40],
            "gender": str(r[2])[:4],
            "phone": f"{n:011d}",
            "practice": str(r[4]),
            "workplace": f"{r[5]}{r[6]}{r[7]}",
            "full_time": r[8] == "是",
            "other_titles": f"{r[10]}{r[11]}"[:100],
        }
        for n, r in enumerate(rows)
    ]
    session.execute(insert(Person), people)
    session.rollback()


def check(session: Session, data: bytes) -> Checked:
    """Checks a workbook against the scope of the city."""
    return check_ledger(session, data, prefix="3702", today=TODAY, digest_key=b"bench")


def _write(session: Session, checked: Checked) -> None:
    apply_checked(
        session,
        checked,
        name="bench.xlsx",
        division_code=CITY,
        by="bench",
        today=TODAY,
        accept_good=True,
    )


def _apart(rows: int) -> dict[str, Any]:
    """Memory of one import in a separate process."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.importing", str(rows)],
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _memory(rows: int) -> dict[str, Any]:
    """Peak MB before the import, its increase by opening the sheet, and its further increase by the import."""
    with demo_database(20) as (session, _), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        path.write_bytes(_workbook_apart(places(session), rows))
        data = path.read_bytes()
        before = _peak()
        for row in (
            CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).iter_rows()
        ):
            del row
        opened = _peak()
        _write(session, check(session, data))
        session.rollback()
        return {
            "rows": rows,
            "before_mb": round(before),
            "open_mb": round(opened - before),
            "import_mb": round(_peak() - opened),
        }


def _workbook_apart(villages: list[tuple[str, str, str]], rows: int) -> bytes:
    """A workbook, made in a separate process so that its memory does not count here."""
    code = (
        "import json, sys; from exam_app.demo.workbook import office_workbook; "
        "places = [tuple(p) for p in json.load(sys.stdin)]; "
        f"sys.stdout.buffer.write(office_workbook(places, {rows}, {DIRT})[0])"
    )
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        input=json.dumps(villages).encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def _peak() -> float:
    return peak_of(os.getpid())


if __name__ == "__main__":
    json.dump(_memory(int(sys.argv[1])), sys.stdout)
