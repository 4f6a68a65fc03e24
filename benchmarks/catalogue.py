"""All benchmarks: each row is a measurement, each ratio is against a reference in the same run."""

from __future__ import annotations

import os
import platform

from benchmarks.assemble import assemble_rows
from benchmarks.check_in import door_rows
from benchmarks.coverage import coverage_rows
from benchmarks.evaluation import evaluation_rows
from benchmarks.exam import exam_rows
from benchmarks.export import export_rows
from benchmarks.fuzz import fuzz
from benchmarks.importing import import_rows
from benchmarks.kill import kill_rows
from benchmarks.partition import partition_rows
from benchmarks.practice import practice_rows
from benchmarks.render import render_rows
from benchmarks.results import Result, Row
from benchmarks.save import save_rows
from benchmarks.sheets import sheets_rows
from benchmarks.start import start_rows
from benchmarks.stats import irt_rows, memory_row, stats_rows
from benchmarks.storm import storm_rows
from question_bank.formats import FORMATS


def machine() -> str:
    """Architecture, number of CPUs, Python version."""
    return f"{platform.machine()} {os.cpu_count()} CPU, Python {platform.python_version()}"


def _result(name: str, rows: list[Row], ratios: dict[str, float]) -> Result:
    return {"name": name, "machine": machine(), "rows": rows, "ratios": ratios}


def bench_import(rows: int = 20_000) -> Result:
    """Import of an office's workbook against reading it and one bulk insert of its rows."""
    measured, ratios = import_rows(rows)
    return _result("import", measured, ratios)


def bench_coverage(people: int = 20_000, engines: tuple[str, ...] = ()) -> Result:
    """Coverage of a whole nation against an empty page."""
    rows, ratios = coverage_rows(people, engines)
    return _result("coverage", rows, ratios)


def bench_export(people: int = 20_000) -> Result:
    """Export of a national ledger as a workbook."""
    rows, ratios = export_rows(people)
    return _result("export", rows, ratios)


def bench_assemble() -> Result:
    """Twenty parallel forms from a large pool, against a greedy baseline."""
    rows, ratios = assemble_rows()
    return _result("assemble", rows, ratios)


def bench_render(count: int = 1000) -> Result:
    """A batch of certificates as one file, against typesetting one."""
    rows, ratios = render_rows(count)
    return _result("render", rows, ratios)


def bench_stats(persons: int = 65_000) -> Result:
    """Classical item analysis against reading the file."""
    rows, ratios = stats_rows(persons)
    return _result("stats", rows, ratios)


def bench_irt(persons: int = 20_000, many: int = 65_000) -> Result:
    """2PL against girth; time and memory for many persons."""
    rows, ratios = irt_rows(persons)
    return _result("irt", [*rows, memory_row(many)], ratios)


def bench_fuzz(runs: int = 2000) -> Result:
    """Mutated files through the parsers of the exchange formats."""
    return _result("fuzz", [fuzz(name, runs) for name in FORMATS], {})


def bench_save() -> Result:
    """The save endpoint against a bare route of the same durability."""
    rows, ratios = save_rows()
    return _result("save", rows, ratios)


def bench_exam(
    *,
    examinees: int = 200,
    minutes: float = 60,
    compress: float = 120,
    opening: float | None = None,
    engines: tuple[str, ...] = (),
) -> Result:
    """Whole exams over HTTP in an open loop."""
    rows, ratios = exam_rows(examinees, minutes, compress, opening=opening, engines=engines)
    return _result("exam", rows, ratios)


def bench_kill(rounds: int = 3) -> Result:
    """Workers and whole servers killed during saves."""
    rows, ratios = kill_rows(rounds)
    return _result("kill", rows, ratios)


def bench_sheets(count: int = 40, seeds: int = 1) -> Result:
    """Paper answer sheets, filled in and photographed: misread marks, and marks left for manual resolution."""
    rows, ratios = sheets_rows(count, seeds)
    return _result("sheets", rows, ratios)


def bench_storm() -> Result:
    """Saves during a storm of sign-ins."""
    rows, ratios = storm_rows()
    return _result("storm", rows, ratios)


def bench_start() -> Result:
    """Start of the command line against importing Flask; memory of an idle server, size of the installation."""
    rows, ratios = start_rows()
    return _result("start", rows, ratios)


def bench_practice(people: int = 500) -> Result:
    """A year of daily practice against the same minutes of re-reading: a simulation."""
    rows, ratios = practice_rows(people)
    return _result("practice", rows, ratios)


def bench_door(people: int = 500) -> Result:
    """Hundreds of check-ins to a training within a minute."""
    rows, ratios = door_rows(people)
    return _result("door", rows, ratios)


def bench_evaluation(people: int = 2000) -> Result:
    """Evaluation of a year's records of many directors, against only reading them."""
    rows, ratios = evaluation_rows(people)
    return _result("evaluation", rows, ratios)


def bench_partition(people: int = 2000) -> Result:
    """The largest tables partitioned by year on PostgreSQL: how long they are locked."""
    rows, ratios = partition_rows(people)
    return _result("partition", rows, ratios)


BENCHES = {
    "import": bench_import,
    "coverage": bench_coverage,
    "export": bench_export,
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
    "start": bench_start,
    "practice": bench_practice,
    "door": bench_door,
    "evaluation": bench_evaluation,
    "partition": bench_partition,
}
