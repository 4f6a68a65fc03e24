"""Results of an exam: score bands, pass rates by division, item analysis, similarity and response times."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from exam_app.exams.export import export
from exam_app.exams.models import Attempt, Exam
from question_bank.copying import Pair, similar_pairs
from question_bank.effort import Pace, paces
from question_bank.responses import read_groups, read_key, read_responses
from training_records.divisions import WIDTHS, division_names
from training_records.ledger.models import Person
from training_records.ledger.service import ids_in, places_in

BANDS = ((90, "90 分以上"), (80, "80–89 分"), (70, "70–79 分"), (60, "60–69 分"), (0, "60 分以下"))
# Below this number of people IRT curves are not estimated.
ENOUGH_FOR_CURVES = 200
# Wise & Kong (2005): a result is doubtful when at least a tenth of the answers were rapid.
HASTY = 0.1


@dataclass(frozen=True)
class Part:
    """A division's figures: people with a result, how many passed, mean percentage."""

    name: str
    persons: int
    passed: int
    mean: float


@dataclass(frozen=True)
class Summary:
    """Figures over each person's best released result within a code prefix."""

    whole: Part
    bands: list[tuple[str, int]]
    parts: list[Part]


def summary(session: Session, exam: Exam, prefix: str) -> Summary | None:
    """None before anything is released. `parts`: the divisions one level below, lowest pass rate first."""
    best = (
        select(
            Attempt.person_id,
            func.max(100.0 * Attempt.score / Attempt.max_score).label("percent"),
            func.max(cast(Attempt.passed, Integer)).label("passed"),
        )
        .where(Attempt.exam_id == exam.id, Attempt.state == "released")
        .group_by(Attempt.person_id)
        .subquery()
    )
    division = places_in(prefix)
    rows = session.execute(
        select(division.c.code, best.c.percent, best.c.passed).join(
            division, division.c.person_id == best.c.person_id
        )
    ).all()
    if not rows:
        return None
    results = [(str(code), float(percent), bool(passed)) for code, percent, passed in rows]
    names = division_names(session, prefix)
    width = next((w for w in WIDTHS.values() if w > len(prefix)), 12)
    groups: dict[str, list[tuple[str, float, bool]]] = {}
    for result in results:
        groups.setdefault(result[0][:width].ljust(12, "0"), []).append(result)
    parts = [_part(names.get(code, code), group) for code, group in groups.items()]
    bands = []
    upper = 101.0
    for low, word in BANDS:
        bands.append((word, sum(low <= percent < upper for _, percent, _ in results)))
        upper = low
    parts.sort(key=lambda part: (part.passed / part.persons, part.name))
    return Summary(_part("合计", results), bands, parts)


def _part(name: str, results: list[tuple[str, float, bool]]) -> Part:
    persons = len(results)
    mean = sum(percent for _, percent, _ in results) / persons
    return Part(name, persons, sum(passed for *_, passed in results), mean)


def similar_pairs_in(session: Session, exam: Exam, prefix: str) -> list[tuple[Pair, str, str]]:
    """(pair, both names) of people in one village whose wrong answers are too similar.

    `Refused` when nobody has been marked yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        export(session, exam.id, Path(folder), by="village", prefix=prefix)
        data = read_responses(Path(folder) / "responses.csv", read_key(Path(folder) / "key.csv"))
        pairs = similar_pairs(data, read_groups(Path(folder) / "groups.csv"))
    people = {int(p) for pair in pairs for p in (pair.first, pair.second)}
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
    names = {str(number): name for number, name in rows}
    return [(pair, names[pair.first], names[pair.second]) for pair in pairs]


def rapid_responders(session: Session, exam: Exam, prefix: str) -> list[tuple[Pace, str]]:
    """(pace, name) of people with at least `HASTY` of their answers too rapid to have read the item.

    Lowest effort first. `Refused` when nobody has been marked yet.
    """
    times: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        # Thresholds come from everybody's times, so that a small office's own people don't set
        # them.
        export(session, exam.id, Path(folder))
        with (Path(folder) / "times.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                person = row.pop("person")
                times[person] = {item: float(s) for item, s in row.items() if s.isdigit()}
    rapid = [pace for pace in paces(times) if 1 - pace.effort >= HASTY]
    query = select(Person.id, Person.name).where(
        Person.id.in_([int(pace.person) for pace in rapid]), Person.id.in_(ids_in(prefix))
    )
    names = {str(number): name for number, name in session.execute(query)}
    return [(pace, names[pace.person]) for pace in rapid if pace.person in names]


def analysis(session: Session, exam: Exam, prefix: str, *, day: date) -> tuple[bytes, bytes]:
    """(HTML page, workbook) of the item analysis over the people within a code prefix.

    `Refused` when nobody has been marked yet.
    """
    # Loaded where it is needed: the statistics take much memory, and few workers are ever asked.
    from exam_app.stats import report
    from question_bank.classical import analyse
    from question_bank.irt import calibrate

    with tempfile.TemporaryDirectory() as folder:
        persons = export(session, exam.id, Path(folder), prefix=prefix)
        data = read_responses(Path(folder) / "responses.csv", read_key(Path(folder) / "key.csv"))
    result = analyse(data)
    calibration = None
    if persons >= ENOUGH_FOR_CURVES:
        calibration = calibrate(data.shares(), "2pl", data.items, persons=data.persons)
    page = report.html(exam.title, result, calibration, data=data, day=day)
    return page.encode(), report.xlsx(exam.title, result, calibration, key=data.key)
