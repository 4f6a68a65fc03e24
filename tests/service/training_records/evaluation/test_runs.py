"""A run of the evaluation: each step in its turn, appeals, lock; the same again; what if."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from tests.factories import CITY, DISTRICT, TOWN, VILLAGE, ZONE
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import verify
from training_records.errors import NotFound, Refused
from training_records.evaluation import overview, runs, what_if
from training_records.evaluation.dashboard import dashboard, joined
from training_records.evaluation.measures import Frame, Subject
from training_records.evaluation.models import EvaluationResult
from training_records.evaluation.overview import Group
from training_records.evaluation.scheme import load_scheme

TODAY = date(2026, 12, 20)
SCHEME = load_scheme("2026")
FRAME = Frame("370283", 2026, TODAY, {}, (), 0, ZONE)


def subject(person, hours="8", months="12", **more):
    measures = {
        "training_hours": Decimal(hours),
        "visits_on_time_corrected_rate": Decimal("0.9"),
        **more,
    }
    return Subject(person.id, VILLAGE, [], Decimal(months), measures)


@pytest.fixture
def people(world):
    return [world.person() for _ in range(3)]


@pytest.fixture
def run(session, people):
    subjects = {p.id: subject(p, hours) for p, hours in zip(people, ("8", "4", "0"), strict=True)}
    made = runs.start(session, DISTRICT, FRAME, scheme=SCHEME, subjects=subjects, by="t")
    session.commit()
    return made


def to(session, run, state):
    while run.state != state:
        runs.advance(session, run, TODAY, by="t")
    session.commit()


def test_everybody_gets_what_the_scheme_says(session, run, people):
    rows = {r.person_id: r for r, _ in runs.results_of(session, run, "370283")}
    # 25 points for visits, 8 for hours; only these have data: 33 in all.
    assert rows[people[0].id].total == Decimal("92.42") and rows[people[0].id].grade == "优秀"
    assert rows[people[1].id].total == Decimal("80.30") and rows[people[2].id].total == Decimal(
        "68.18"
    )
    explained = runs.explain(run, rows[people[1].id])
    assert explained.total == rows[people[1].id].total
    hours = next(i for d in explained.dimensions for i in d.indicators if i.id == "hours")
    assert hours.score == 4 and "÷ 目标 8" in hours.explanation


def test_a_run_is_begun_once_and_by_a_district(session, run, people):
    with pytest.raises(Refused, match="已经开始"):
        runs.start(
            session,
            DISTRICT,
            FRAME,
            scheme=SCHEME,
            subjects={people[0].id: subject(people[0])},
            by="t",
        )
    with pytest.raises(Refused, match="区"):
        runs.start(
            session, CITY, FRAME, scheme=SCHEME, subjects={people[0].id: subject(people[0])}, by="t"
        )
    with pytest.raises(Refused, match="没有在任"):
        runs.start(session, DISTRICT, replace(FRAME, year=2025), scheme=SCHEME, subjects={}, by="t")
    with pytest.raises(NotFound):
        runs.get_run(session, run.id, "370281")
    assert runs.get_run(session, run.id, "370283001") is run


def test_each_says_their_word_in_turn(session, run, people):
    row = runs.get_result(session, run, people[0].id)
    with pytest.raises(Refused, match="自评"):
        runs.comment(session, run, row, step="town", text="好", by="t")
    runs.comment(session, run, row, step="self", text="走访 40 次", by="t")
    runs.advance(session, run, TODAY, by="t")
    with pytest.raises(Refused, match="镇"):
        runs.comment(session, run, row, step="self", text="再说一次", by="t")
    with pytest.raises(Refused, match="为什么退回"):
        runs.send_back(session, run, row, reason="", by="t")
    runs.send_back(session, run, row, reason="缺 3 月的记录", by="t")
    with pytest.raises(Refused, match="退回"):
        runs.advance(session, run, TODAY, by="t")
    runs.comment(session, run, row, step="self", text="3 月在外学习", by="t")
    runs.comment(session, run, row, step="town", text="属实", by="t")
    runs.advance(session, run, TODAY, by="t")
    with pytest.raises(Refused, match="5 到 30"):
        runs.advance(session, run, TODAY, by="t", days=2)
    session.rollback()


def test_appeals_only_while_public_and_all_answered(session, run, people):
    row = runs.get_result(session, run, people[2].id)
    with pytest.raises(Refused, match="公示期间"):
        runs.appeal(session, run, row, text="少算了", today=TODAY, by="t")
    to(session, run, "publicity")
    with pytest.raises(Refused, match="公示期间"):
        runs.appeal(session, run, row, text="少算了", today=TODAY + timedelta(days=6), by="t")
    made = runs.appeal(session, run, row, text="少算 4 学时", today=TODAY, by="t")
    session.flush()
    with pytest.raises(Refused, match="等答复"):
        runs.appeal(session, run, row, text="再提", today=TODAY, by="t")
    with pytest.raises(Refused, match="公示完"):
        runs.lock(session, run, TODAY, by="t")
    after = TODAY + timedelta(days=6)
    with pytest.raises(Refused, match="异议没有答复"):
        runs.lock(session, run, after, by="t")
    with pytest.raises(Refused, match="理由"):
        runs.answer(session, run, made, accepted=True, text=" ", by="t")
    runs.answer(session, run, made, accepted=True, text="档案已补记", by="t")
    with pytest.raises(Refused, match="答复过"):
        runs.answer(session, run, made, accepted=False, text="x", by="t")
    # The record was corrected: reckoned again, the old and the new total stay in the history.
    subjects = {p.id: subject(p, h) for p, h in zip(people, ("8", "4", "4"), strict=True)}
    assert runs.recalculate(session, run, subjects, by="t") == 1
    assert row.total == Decimal("80.30")
    assert any("68.18 分 → 80.30" in s.text for s in runs.steps_of(session, run, people[2].id))
    assert runs.recalculate(session, run, subjects, by="t") == 0


def test_locked_is_locked(session, run, people):
    to(session, run, "publicity")
    assert runs.lock(session, run, TODAY + timedelta(days=6), by="t") == 3
    session.commit()
    entries = {e.person_id: e for e in session.scalars(select(ArchiveEntry))}
    assert entries[people[0].id].title == "2026年工作评价：优秀"
    assert entries[people[0].id].score == Decimal("92.42") and verify(session)[1] == []
    assert runs.is_untouched(session, run)
    row = runs.get_result(session, run, people[0].id)
    for verb in (
        lambda: runs.comment(session, run, row, step="district", text="x", by="t"),
        lambda: runs.advance(session, run, TODAY, by="t"),
        lambda: runs.recalculate(session, run, {}, by="t"),
        lambda: runs.lock(session, run, TODAY, by="t"),
    ):
        with pytest.raises(Refused, match="锁定"):
            verb()
    # Whoever changes the database by hand is found.
    session.execute(
        text("UPDATE evaluation_result SET total = 99 WHERE person_id = :p"), {"p": people[1].id}
    )
    session.expire_all()
    assert not runs.is_untouched(session, run)


def test_who_was_there_for_a_short_time_gets_no_grade(session, world):
    person = world.person()
    made = runs.start(
        session,
        DISTRICT,
        FRAME,
        scheme=SCHEME,
        subjects={person.id: subject(person, months="2")},
        by="t",
    )
    row = runs.get_result(session, made, person.id)
    assert row.total is not None and row.grade is None
    to(session, made, "publicity")
    assert runs.lock(session, made, TODAY + timedelta(days=6), by="t") == 0


def test_other_weights(session, run, people):
    rows = what_if.of_results(session.scalars(select(EvaluationResult)))
    same = what_if.rescaled(SCHEME, {})
    assert same == SCHEME
    weights = {"visits": Decimal(10), "training": Decimal(40)}
    other = what_if.rescaled(SCHEME, weights)
    assert sum(d.weight for d in other.dimensions) == 100
    before, after, crossing = what_if.what_if(SCHEME, other, rows)
    assert sum(before.values()) == sum(after.values()) == 3
    assert {p for p, _, _ in crossing} and all(old != new for _, old, new in crossing)
    with pytest.raises(Refused, match="等于 100"):
        what_if.rescaled(SCHEME, {"visits": Decimal(90)})
    assert 0 <= what_if.stability(SCHEME, rows) <= 1


def test_the_overview_counts_as_plain_loops_do(session, run, people):
    rows = list(session.scalars(select(EvaluationResult)))
    shares = overview.shares_of(run, rows)
    # Only hours have data in training, only one measure in visits.
    assert shares[people[1].id]["training"] == 0.5 and shares[people[1].id]["visits"] == 0.9
    assert shares[people[1].id]["satisfaction"] is None
    [town] = overview.by_place(rows, shares, "town")
    assert (town.name, town.people) == ("370283001000", 3)
    assert town.shares["training"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert town.shares["activities"] is None


def test_only_the_far_off_are_named_within_their_band(session, world):
    crowd = [world.person() for _ in range(9)]
    subjects = {p.id: subject(p, "8" if n else "0") for n, p in enumerate(crowd)}
    made = runs.start(session, DISTRICT, FRAME, scheme=SCHEME, subjects=subjects, by="t")
    rows = list(session.scalars(select(EvaluationResult).where(EvaluationResult.run_id == made.id)))
    found = overview.outliers(rows, {})
    assert [o.person_id for o in found] == [crowd[0].id] and found[0].middle > found[0].total
    # In bands of fewer than five nobody stands out.
    assert overview.outliers(rows[:4], {}) == []


def test_places_taken_together_weigh_by_their_people(session, run, people):
    one = Group("a", 3, {"visits": 0.5, "training": None}, {"visits": 2, "training": 0})
    two = Group("b", 5, {"visits": 1.0, "training": 0.4}, {"visits": 6, "training": 5})
    both = joined([one, two], "all")
    assert both.people == 8 and both.shares["visits"] == pytest.approx((0.5 * 2 + 6) / 8)
    assert both.shares["training"] == pytest.approx(0.4) and both.known["visits"] == 8
    assert joined([one], "x").shares["training"] is None


def test_the_dashboard_is_the_overview_over_places_and_years(session, run, people):
    found = dashboard(session, "3702", run.year)
    rows = list(session.scalars(select(EvaluationResult)))
    shares = overview.shares_of(run, rows)
    [whole] = overview.groups(dict.fromkeys(shares, "x"), shares)
    assert found.whole.shares == pytest.approx(whole.shares)
    assert [g.name for g in found.places] == [DISTRICT] and found.trend[-1][0] == run.year
    assert found.weakest == min(
        (d for d, s in whole.shares.items() if s is not None), key=lambda d: whole.shares[d]
    )
    # A district sees its towns, another one nothing.
    assert [g.name for g in dashboard(session, "370283", run.year).places] == [TOWN]
    assert dashboard(session, "370283001", run.year).whole.people == 3
    assert dashboard(session, "370281", run.year).whole is None
    # What is reckoned again is read again; what only moves on says so.
    run.state = "town"
    assert dashboard(session, "3702", run.year).runs[0].state == "town"
    rows[0].measures = {}
    run.reckoned_at = run.reckoned_at + timedelta(seconds=1)
    session.flush()
    again = dashboard(session, "3702", run.year)
    assert again.whole.known["training"] == found.whole.known["training"] - 1
    session.rollback()
