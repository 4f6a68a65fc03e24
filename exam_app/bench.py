"""Benchmarks: each row a measurement, each ratio against a reference in the same run."""

from __future__ import annotations

import io
import os
import platform
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

from exam_app.bench_assemble import assemble_rows
from exam_app.bench_clock import best
from exam_app.bench_coverage import coverage_rows
from exam_app.bench_exam import exam_rows
from exam_app.bench_fuzz import fuzz
from exam_app.bench_kill import kill_rows
from exam_app.bench_save import save_rows
from exam_app.bench_sheets import sheets_rows
from exam_app.bench_stats import irt_rows, memory_row, stats_rows
from exam_app.bench_storm import storm_rows
from exam_app.config import Config, load_config
from exam_app.demo.seed import seed_demo
from exam_app.demo.workbook import office_workbook
from exam_app.migrate import upgrade
from question_bank.formats import FORMATS
from training_records.certificates.models import Certificate
from training_records.certificates.pdf import certificate_pdf
from training_records.database import make_engine, make_session_factory
from training_records.divisions import division_names
from training_records.ledger.importer import import_ledger
from training_records.ledger.models import Person


def machine() -> str:
    """Processor kind and count, Python version."""
    return f"{platform.machine()} {os.cpu_count()} CPU, Python {platform.python_version()}"


def _result(name: str, rows: list[dict[str, Any]], ratios: dict[str, float]) -> dict[str, Any]:
    return {"name": name, "machine": machine(), "rows": rows, "ratios": ratios}


@contextmanager
def demo_database(people: int) -> Iterator[tuple[Session, Config]]:
    """A throw-away database with demonstration data."""
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


def bench_import() -> dict[str, Any]:
    """Import of a 7,000-row office workbook against reading it and one bulk insert."""
    with demo_database(20) as (session, _):
        data, planted = office_workbook(places(session), 7000, 0.03)

        def dry() -> Any:
            report = import_ledger(
                session,
                data,
                prefix="3702",
                today=date(2026, 11, 24),
                digest_key=b"x",
                dry_run=True,
            )
            session.rollback()
            return report

        def reference() -> None:
            rows = (
                CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
            )
            people = [{"name": str(r[1])[:40], "phone": f"{n:011d}"} for n, r in enumerate(rows)]
            session.execute(insert(Person), people)
            session.rollback()

        report = dry()
        seconds, bare = best(dry), best(reference)
        start = time.perf_counter()
        import_ledger(
            session,
            data,
            prefix="3702",
            today=date(2026, 11, 24),
            digest_key=b"x",
            accept_good=True,
        )
        session.rollback()
        applied = time.perf_counter() - start
    rows = [
        {"step": "读表加一次批量写入(参照)", "seconds": round(bare, 3)},
        {
            "step": "检查 7000 行",
            "seconds": round(seconds, 3),
            "faults": len({e.row for e in report.errors}),
            "planted": len(planted),
        },
        {"step": "检查并写入", "seconds": round(applied, 3)},
    ]
    return _result("import", rows, {"导入÷参照": applied / bare})


def bench_coverage(people: int = 20_000, engines: tuple[str, ...] = ()) -> dict[str, Any]:
    """Coverage of a whole nation against an empty signed-in page."""
    rows, ratios = coverage_rows(people, engines)
    return _result("coverage", rows, ratios)


def bench_assemble() -> dict[str, Any]:
    """Twenty parallel forms from a large pool, against drawing by hand (greedy)."""
    rows, ratios = assemble_rows()
    return _result("assemble", rows, ratios)


def bench_render() -> dict[str, Any]:
    """Certificates, one by one, the first against the following."""

    def make() -> bytes:
        return certificate_pdf(
            Certificate(
                no="QD2026-ABCD-EFGH-JKMN",
                holder="王示例",
                title="初任儿童主任考核",
                organiser="青岛市民政局",
                issued_on=date(2026, 11, 24),
            ),
            "示例村",
            "http://127.0.0.1:8000/verify/QD2026-ABCD-EFGH-JKMN",
        )

    first = best(make, 1)
    following = best(make, 5)
    return _result(
        "render",
        [
            {"step": "第一张", "seconds": round(first, 3)},
            {"step": "以后每张", "seconds": round(following, 3)},
        ],
        {"以后÷第一张": following / first},
    )


def bench_stats(persons: int = 65_000) -> dict[str, Any]:
    """Classical item analysis against reading the file."""
    rows, ratios = stats_rows(persons)
    return _result("stats", rows, ratios)


def bench_irt(persons: int = 20_000, many: int = 65_000) -> dict[str, Any]:
    """2PL against girth; time and memory of many persons."""
    rows, ratios = irt_rows(persons)
    return _result("irt", [*rows, memory_row(many)], ratios)


def bench_fuzz(runs: int = 2000) -> dict[str, Any]:
    """Mutated files through the parsers of the exchange formats."""
    return _result("fuzz", [fuzz(name, runs) for name in FORMATS], {})


def bench_save() -> dict[str, Any]:
    """The real save endpoint against a bare route of the same durability."""
    rows, ratios = save_rows()
    return _result("save", rows, ratios)


def bench_exam(
    examinees: int = 200,
    minutes: float = 60,
    compress: float = 120,
    opening: float | None = None,
) -> dict[str, Any]:
    """Whole exams over HTTP, arrivals whether or not the server keeps up."""
    rows, ratios = exam_rows(examinees, minutes, compress, opening)
    return _result("exam", rows, ratios)


def bench_kill(rounds: int = 3) -> dict[str, Any]:
    """Workers and whole servers killed in the midst of saves."""
    rows, ratios = kill_rows(rounds)
    return _result("kill", rows, ratios)


def bench_sheets(count: int = 40, seeds: int = 1) -> dict[str, Any]:
    """Answer sheets of paper, filled in and photographed: what is read wrong, what a person has to look at."""
    rows, ratios = sheets_rows(count, seeds)
    return _result("sheets", rows, ratios)


def bench_storm() -> dict[str, Any]:
    """Saves while a city signs in."""
    rows, ratios = storm_rows()
    return _result("storm", rows, ratios)


BENCHES = {
    "import": bench_import,
    "coverage": bench_coverage,
    "assemble": bench_assemble,
    "render": bench_render,
    "stats": bench_stats,
    "irt": bench_irt,
    "fuzz": bench_fuzz,
    "save": bench_save,
    "exam": bench_exam,
    "kill": bench_kill,
    "storm": bench_storm,
    "sheets": bench_sheets,
}
