"""An evaluation is reckoned with the facts of its day, however they are changed later."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exam_app.evaluation.sources import frame_of_run
from exam_app.work import options
from tests.factories import DISTRICT, OTHER_DISTRICT, OTHER_VILLAGE, VILLAGE
from training_records.evaluation import runs
from training_records.evaluation.models import EvaluationRun
from training_records.facts.loading import load_facts
from training_records.work.models import CaseEntry, Visit

# Last year's, evaluated this year.
YEAR = 2025
pytestmark = pytest.mark.time_machine("2026-11-24T10:00+08:00")
OWED = "个月内应走 1 次"


@pytest.fixture
def amend(monkeypatch):
    """Orphans are visited every three months from a day on; the duty list shrinks to one step."""
    cached = (options.known_cadences, options.visit_options, options.duty_steps)

    def change(day):
        facts = load_facts()
        data = copy.deepcopy(facts.data)
        orphan = next(v for v in data["visits"] if v["id"] == "orphan")
        data["visits"].append({**orphan, "from": day, "months": 3})
        data["duties"]["director"] = data["duties"]["director"][:1]
        changed = replace(facts, data=data)
        monkeypatch.setattr(options, "load_facts", lambda: changed)
        for function in cached:
            function.cache_clear()

    yield change
    for function in cached:
        function.cache_clear()


def add_orphan(session, village, person):
    """A child of the caseload, visited in January only."""
    case = CaseEntry(
        division_code=village,
        code="01-01",
        categories=["orphan"],
        opened_on=date(YEAR, 1, 1),
        created_by="t",
    )
    session.add(case)
    session.flush()
    ticks = {"findings": {}, "needs": [], "measures": []}
    session.add(
        Visit(
            person_id=person.id,
            case_id=case.id,
            key="v" * 12 + village,
            on=date(YEAR, 1, 9),
            form="home",
            **ticks,
        )
    )
    session.commit()


def begin(session, office, person):
    """A run of last year, and the addresses of what is behind it for one person."""
    office.form("/evaluation", year=str(YEAR))
    number = max(r.id for r in session.query(EvaluationRun))
    session.commit()
    pages = [
        f"/evaluation/{number}/{person.id}/{measure}"
        for measure in ("visits_on_time_rate", "tasks_done_rate")
    ]
    return number, pages


def shown(office, pages):
    """The lines of pages, without what every answer has anew."""
    return [re.findall(r"<tr.*?</tr>", office.get(page).text, re.S) for page in pages]


def test_a_run_keeps_the_facts_of_its_day(world, session, sign_in, amend):
    person, other = world.person(VILLAGE), world.person(OTHER_VILLAGE)
    add_orphan(session, VILLAGE, person)
    add_orphan(session, OTHER_VILLAGE, other)
    office = sign_in(world.account("district", DISTRICT))
    number, pages = begin(session, office, person)
    before = shown(office, pages)
    assert sum(OWED in line for line in before[0]) == 12

    amend(date(YEAR, 1, 1))
    office.form(f"/evaluation/{number}", again="1")
    assert "0 人有变化" in office.get(f"/evaluation/{number}").text
    assert shown(office, pages) == before

    run = session.get_one(EvaluationRun, number)
    while run.state != "publicity":
        runs.advance(session, run, run.as_of, by="t")
    runs.lock(session, run, run.as_of + timedelta(days=40), by="t")
    session.commit()
    assert run.state == "final"
    assert shown(office, pages) == before

    theirs = sign_in(world.account("district", OTHER_DISTRICT))
    _, new = begin(session, theirs, other)
    visits, tasks = shown(theirs, new)
    assert sum(OWED in line for line in visits) == 4
    assert 0 < len(tasks) < len(before[1])


def test_a_run_of_an_earlier_version_goes_by_what_was_in_force(
    world, session, sign_in, config, amend
):
    world.person(VILLAGE)
    office = sign_in(world.account("district", DISTRICT))
    number, _ = begin(session, office, world.person())
    run = session.get_one(EvaluationRun, number)
    stored = frame_of_run(run, config)
    run.facts = None
    session.commit()
    assert frame_of_run(run, config).cadences == stored.cadences
    amend(run.as_of + timedelta(days=1))
    assert frame_of_run(run, config).cadences["orphan"].months == 1
    amend(run.as_of)
    assert frame_of_run(run, config).cadences["orphan"].months == 3
    session.rollback()
