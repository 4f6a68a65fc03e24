"""Measures from records: against slow loops over random histories; edges; fairness."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from sqlalchemy import select

from exam_app.evaluation.sources import KNOWN, SOURCES, check_known, frame_of
from exam_app.practice.models import PracticeAnswer
from exam_app.work.options import duty_steps, known_cadences
from tests.factories import (
    CHECKS,
    CITY,
    DISTRICT,
    OTHER_VILLAGE,
    VILLAGE,
    VILLAGE_2,
    ZONE,
    add_case,
    add_visit,
)
from training_records.divisions import prefix_of
from training_records.errors import Refused
from training_records.evaluation import measures
from training_records.evaluation.catalogue import CATALOGUE, with_parts
from training_records.evaluation.measures import measured, subjects_of
from training_records.evaluation.records import SHOWN, records_behind, without_codes
from training_records.evaluation.scheme import load_scheme
from training_records.evaluation.scoring import evaluate
from training_records.ledger.absence import note_absence
from training_records.ledger.models import Post
from training_records.work import service
from training_records.work.cadence import period_of, strictest
from training_records.work.models import (
    Activity,
    CaseEntry,
    OfficeTask,
    TaskDone,
    Visit,
    VisitCheck,
)

YEAR, AS_OF = 2026, date(2026, 9, 15)
KNOWN_CADENCES = known_cadences(AS_OF)


@pytest.fixture
def frame(config):
    return frame_of(prefix_of(DISTRICT), YEAR, AS_OF, config=config)


def values(session, frame, person):
    found = measured(session, frame, SOURCES)[person.id]
    session.commit()
    return found.measures


def test_visits_on_time(session, world, frame):
    person = world.person()
    assert values(session, frame, person)["visits_on_time_rate"] is None
    entry = add_case(session)
    # January to August are whole months before the day; September is not over.
    assert values(session, frame, person)["visits_on_time_rate"] == 0
    for month in (1, 2, 3, 4):
        add_visit(session, person, entry, date(YEAR, month, 28))
    assert values(session, frame, person)["visits_on_time_rate"] == Decimal("0.5")
    # Many visits in one month are no more than one; a telephone call is no home visit.
    for day in range(1, 9):
        add_visit(session, person, entry, date(YEAR, 4, day))
        add_visit(session, person, entry, date(YEAR, 5, day), "phone")
    assert values(session, frame, person)["visits_on_time_rate"] == Decimal("0.5")
    # To split one child into two codes does not help: twice as much is owed.
    add_case(session, "01-02")
    assert values(session, frame, person)["visits_on_time_rate"] == Decimal("0.25")


def test_two_directors_of_a_village_share_its_visits(session, world, frame):
    one, two = world.person(), world.person()
    shared, own = add_case(session, "01-01"), add_case(session, "01-02", assigned_id=two.id)
    for month in range(1, 9):
        add_visit(session, one, shared, date(YEAR, month, 5))
    assert values(session, frame, one)["visits_on_time_rate"] == 1
    assert values(session, frame, two)["visits_on_time_rate"] == Decimal("0.5")
    for month in range(1, 9):
        add_visit(session, two, own, date(YEAR, month, 5))
    assert values(session, frame, two)["visits_on_time_rate"] == 1


def test_staying_away_from_an_exam_is_no_better_than_failing(session, world, frame):
    there, later = world.person(), world.person(VILLAGE_2, start=date(YEAR, 8, 1))
    elsewhere = world.person(OTHER_VILLAGE)
    opens = datetime(YEAR, 6, 1, 9, tzinfo=ZONE)
    world.exam(DISTRICT, opens_at=opens, closes_at=opens + timedelta(days=10))
    world.exam(CITY, opens_at=opens, closes_at=opens + timedelta(days=10), practice=True)
    assert values(session, frame, there)["exam_score"] == 0
    assert values(session, frame, later)["exam_score"] is None
    whole = replace(frame, prefix=prefix_of(CITY))
    assert values(session, whole, elsewhere)["exam_score"] is None
    world.entry(there, "exam", date(YEAR, 6, 5), score=Decimal(83))
    assert values(session, frame, there)["exam_score"] == 83


def test_the_results_behind_the_exam_score_add_up_to_it(session, world, frame):
    """Over random exams, results and posts: the best of the lines that count is the measure."""
    rng = random.Random(7)
    held = []
    for number in range(3):
        opens = datetime(YEAR, 2 + 3 * number, 1, 9, tzinfo=ZONE)
        where = rng.choice([CITY, DISTRICT, VILLAGE, OTHER_VILLAGE])
        held.append(world.exam(where, opens_at=opens, closes_at=opens + timedelta(days=5)))
    people = []
    for _ in range(25):
        start = date(YEAR, 1, 1) + timedelta(days=rng.randrange(-60, 240))
        people.append(world.person(rng.choice([VILLAGE, VILLAGE_2]), start=start))
        for exam in held:
            score = rng.randrange(100)
            if rng.random() < 0.4:
                day = exam.opens_at.date() + timedelta(days=1)
                more = {"passed": score >= 60, "score": Decimal(score)}
                world.entry(people[-1], "exam", day, evidence={"exam": exam.id}, **more)
    found = measured(session, frame, SOURCES)
    seen = set()
    for person in people:
        lines = records_behind(session, frame, person.id, measure="exam_score")
        value = found[person.id].measures["exam_score"] if person.id in found else None
        assert value == max((x.points for x in lines if x.counted), default=None)
        assert all("算 0 分" in x.note for x in lines if x.counted and x.points == 0)
        seen.add((value is None, value == 0, any(x.note.startswith("没有参加") for x in lines)))
    assert {(True, False, False), (False, True, True), (False, False, True)} <= seen
    session.commit()


def test_the_order_of_the_sources_does_not_matter(session, world, frame, monkeypatch):
    person = world.person()
    entry = add_case(session)
    visits = [add_visit(session, person, entry, date(YEAR, month, 5)) for month in range(1, 5)]
    for visit in visits:
        session.add(
            VisitCheck(
                visit_id=visit.id,
                person_id=person.id,
                division_code=VILLAGE,
                seed=1,
                confirmed=visit is visits[0],
            )
        )
    opens = datetime(YEAR, 6, 1, 9, tzinfo=ZONE)
    world.exam(DISTRICT, opens_at=opens, closes_at=opens + timedelta(days=10))
    forwards = measured(session, frame, SOURCES)[person.id].measures
    monkeypatch.setattr(measures, "_SOURCES", measures._SOURCES[::-1])
    assert measured(session, frame, SOURCES[::-1])[person.id].measures == forwards
    assert forwards["visits_on_time_corrected_rate"] == Decimal("0.125")
    session.commit()


def test_leave_owes_nothing_and_is_no_time_in_post(session, world, frame):
    person = world.person()
    entry = add_case(session)
    for month in (1, 2):
        add_visit(session, person, entry, date(YEAR, month, 5))
    # Away from March 10 to June 20: March to June owe nothing, July and August were missed.
    note_absence(
        session, person, "birth", start=date(YEAR, 3, 10), end=date(YEAR, 6, 20), by="t", reason=""
    )
    session.add(
        OfficeTask(division_code=DISTRICT, title="x", due_on=date(YEAR, 5, 5), created_by="t")
    )
    session.commit()
    found = measured(session, frame, SOURCES)[person.id]
    # 258 days until September 15, 103 of them away.
    assert found.months == Decimal("5.1")
    assert found.measures["visits_on_time_rate"] == Decimal("0.5")
    due = found.measures["tasks_done_rate"]
    session.commit()
    # The task that fell into the leave is not among those that were due.
    session.add(
        OfficeTask(division_code=DISTRICT, title="y", due_on=date(YEAR, 7, 5), created_by="t")
    )
    session.add(
        TaskDone(person_id=person.id, task="office-2", period="once", done_on=date(YEAR, 7, 1))
    )
    session.commit()
    assert due == 0 and values(session, frame, person)["tasks_done_rate"] > 0
    # On leave all the year: nothing to judge, no grade.
    other = world.person(VILLAGE_2)
    note_absence(session, other, "illness", start=date(2025, 12, 1), end=None, by="t", reason="")
    session.commit()
    away = measured(session, frame, SOURCES)[other.id]
    assert away.months == 0 and away.measures["visits_on_time_rate"] is None
    assert evaluate(load_scheme("2026"), away.measures, away.months).grade is None
    session.commit()


def test_part_of_a_year_and_another_village(session, world, frame):
    person = world.person(start=date(YEAR, 4, 1))
    session.scalars(select(Post)).one().end = date(YEAR, 6, 30)
    world.post(person, VILLAGE_2, start=date(YEAR, 7, 1))
    add_case(session)
    add_case(session, village=VILLAGE_2)
    found = measured(session, frame, SOURCES)[person.id]
    # April to September 15: 168 of 365 days.
    assert found.months == Decimal("5.5") and found.code == VILLAGE_2
    session.commit()
    entry = session.scalars(select(CaseEntry).where(CaseEntry.division_code == VILLAGE_2)).one()
    for month in (7, 8):
        add_visit(session, person, entry, date(YEAR, month, 9))
    # Owed: three months in the first village, two in the second.
    assert values(session, frame, person)["visits_on_time_rate"] == Decimal("0.4")


def test_who_left_before_the_year_or_is_elsewhere_is_not_there(session, world, frame):
    gone, other = world.person(), world.person(OTHER_VILLAGE)
    session.scalars(select(Post).where(Post.person_id == gone.id)).one().end = date(2025, 12, 31)
    session.commit()
    assert not {gone.id, other.id} & set(subjects_of(session, frame))


def test_logging_and_reports(session, world, frame):
    person, entry = world.person(), add_case(session)
    on = date(YEAR, 3, 3)
    at = datetime(YEAR, 3, 3, 18, tzinfo=ZONE)
    add_visit(session, person, entry, on)
    add_visit(session, person, entry, on, findings={CHECKS[0]: "好"})
    add_visit(session, person, entry, on, created_at=at + timedelta(days=8))
    add_visit(session, person, entry, on, alarm=True)
    add_visit(session, person, entry, on, alarm=True, reported_at=at + timedelta(hours=23))
    add_visit(session, person, entry, on, alarm=True, reported_at=at + timedelta(hours=25))
    found = values(session, frame, person)
    assert found["visits_logged"] == 6 and found["visit_log_rate"] == Decimal("0.6667")
    assert found["missed_mandatory_reports"] == 2


def test_training_activities_practice(session, world, frame):
    person = world.person()
    world.entry(person, "training", date(YEAR, 3, 1), hours=5)
    world.entry(person, "training", date(YEAR, 4, 1), hours=4, level="镇(街)")  # as stored
    world.entry(person, "training", date(2025, 3, 1), hours=50)
    world.entry(person, "training", date(YEAR, 10, 1), hours=50)
    world.entry(person, "exam", date(2025, 3, 1), score=99, induction=True)
    world.entry(person, "exam", date(YEAR, 3, 1), score=70)
    world.entry(person, "exam", date(YEAR, 5, 1), score=95, passed=False)
    for theme, held, on in (
        ("drowning", True, 3),
        ("drowning", True, 4),
        ("safety", True, 5),
        ("safety", False, 6),
    ):
        session.add(
            Activity(
                person_id=person.id,
                division_code=VILLAGE,
                on=date(YEAR, on, 1),
                theme=theme,
                title="x",
                held=held,
                children=1,
                adults=1,
            )
        )
    # Late in the evening and early in the morning of one day here, two days by Greenwich.
    for hour in (0, 23):
        session.add(
            PracticeAnswer(
                person_id=person.id,
                key=f"k{hour}",
                item_id="x",
                version=1,
                response=None,
                right=True,
                unsure=False,
                daily=True,
                answered_at=datetime(YEAR, 3, 3, hour, 30, tzinfo=ZONE),
            )
        )
    session.commit()
    found = values(session, frame, person)
    assert (found["training_hours"], found["exam_score"], found["induction_passed"]) == (5, 70, 1)
    assert (found["activities_held"], found["activity_themes"], found["practice_days"]) == (3, 2, 1)


def test_against_slow_loops_over_random_histories(session, world, frame):
    """Everything that is a share, once more day by day."""
    rng = random.Random(5)
    villages = [VILLAGE, VILLAGE_2]
    people = [
        world.person(
            rng.choice(villages), start=date(YEAR, 1, 1) + timedelta(days=rng.randrange(-90, 200))
        )
        for _ in range(6)
    ]
    posts = list(session.scalars(select(Post)))
    for post in posts:
        if rng.random() < 0.4:
            post.end = post.start + timedelta(days=rng.randrange(20, 200))
    for number in range(14):
        add_case(
            session,
            f"{number % 5:02d}-01",
            rng.choice(villages),
            rng.sample(list(KNOWN_CADENCES), rng.choice([1, 2])),
            date(YEAR, 1, 1) + timedelta(days=rng.randrange(-200, 150)),
            closed_on=date(YEAR, 9, 1) - timedelta(days=rng.randrange(0, 200))
            if number % 3 == 0
            else None,
            assigned_id=rng.choice(people).id if number % 4 == 0 else None,
        )
    cases = list(session.scalars(select(CaseEntry)))
    for _ in range(160):
        on = date(YEAR, 1, 1) + timedelta(days=rng.randrange(0, 300))
        add_visit(
            session,
            rng.choice(people),
            rng.choice(cases),
            on,
            rng.choice(["home", "phone", "school"]),
        )
    for division in (DISTRICT, VILLAGE):
        due = date(YEAR, rng.randrange(2, 11), 9)
        session.add(OfficeTask(division_code=division, title="x", due_on=due, created_by="t"))
    session.commit()
    for person in people:
        for step in duty_steps(AS_OF):
            months = service.MONTHS.get(step["rhythm"])
            if months and rng.random() < 0.6:
                first, _ = period_of(date(YEAR, rng.randrange(1, 9), 3), months)
                from training_records.work.cadence import name_of

                on = first + timedelta(days=rng.randrange(0, 60))
                session.merge(
                    TaskDone(
                        person_id=person.id,
                        task=step["id"],
                        period=name_of(first, months),
                        done_on=on,
                    )
                )
        session.merge(
            TaskDone(person_id=person.id, task="office-1", period="once", done_on=date(YEAR, 6, 1))
        )
    session.commit()
    visits = list(session.scalars(select(Visit)))
    code_of = {c.id: (c.division_code, c.code) for c in cases}
    found = measured(session, frame, SOURCES)
    offices = list(session.scalars(select(OfficeTask)))
    ticks = {(t.person_id, t.task, t.period): t.done_on for t in session.scalars(select(TaskDone))}

    def share(part, whole):
        return (
            None
            if whole == 0
            else (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        )

    for person in people:
        owed = paid = 0
        mine = [p for p in posts if p.person_id == person.id]
        for post in mine:
            for entry in cases:
                if entry.division_code != post.division_code or entry.assigned_id not in (
                    None,
                    person.id,
                ):
                    continue
                cadence = strictest(entry.categories, KNOWN_CADENCES)
                if cadence.months is None:
                    continue
                day, seen = date(YEAR, 1, 1), set()
                while day <= AS_OF:
                    period = period_of(day, cadence.months)
                    if period not in seen and period[1] <= min(AS_OF, post.end or AS_OF):
                        seen.add(period)
                        inside = 0
                        probe = period[0]
                        while probe <= period[1]:
                            inside += probe >= max(
                                post.start, date(YEAR, 1, 1), entry.opened_on
                            ) and (entry.closed_on is None or probe <= entry.closed_on)
                            probe += timedelta(days=1)
                        if 2 * inside >= (period[1] - period[0]).days + 1:
                            owed += 1
                            paid += any(
                                code_of[v.case_id] == (entry.division_code, entry.code)
                                and period[0] <= v.on <= period[1]
                                and v.form in cadence.forms
                                for v in visits
                            )
                    day += timedelta(days=1)
        subject = found.get(person.id)
        if subject is None:
            assert all(p.start > AS_OF or (p.end and p.end < date(YEAR, 1, 1)) for p in mine)
            continue
        assert subject.measures["visits_on_time_rate"] == share(paid, owed), person.id
        whole = done = in_time = 0
        wanted = []
        for step in duty_steps(AS_OF):
            months = service.MONTHS.get(step["rhythm"])
            for month in range(1, 13):
                first, last = period_of(date(YEAR, month, 1), months or 1)
                if months and first.month == month and last <= AS_OF:
                    from training_records.work.cadence import name_of

                    wanted.append((step["id"], name_of(first, months), last, ""))
        wanted += [
            (f"office-{t.id}", "once", t.due_on, prefix_of(t.division_code))
            for t in offices
            if t.due_on <= AS_OF
        ]
        for task, period, due, prefix in wanted:
            if any(
                p.start <= due <= (p.end or due) and p.division_code.startswith(prefix)
                for p in mine
            ):
                on = ticks.get((person.id, task, period))
                on = on if on is not None and on <= AS_OF else None
                whole, done, in_time = (
                    whole + 1,
                    done + (on is not None),
                    in_time + (on is not None and on <= due),
                )
        assert subject.measures["tasks_done_rate"] == share(done, whole)
        assert subject.measures["tasks_on_time_rate"] == share(in_time, whole)
        # What a person is shown behind a share adds up to it.
        for name in (
            "visits_on_time_rate",
            "tasks_done_rate",
            "tasks_on_time_rate",
            "visit_log_rate",
        ):
            lines = records_behind(session, frame, person.id, measure=name)
            assert subject.measures[name] == share(sum(x.counted for x in lines), len(lines))
        counted = len(records_behind(session, frame, person.id, measure="visits_logged"))
        assert subject.measures["visits_logged"] == counted


def test_the_same_records_give_the_same_figures(session, world, frame):
    test_against_slow_loops_over_random_histories(session, world, frame)
    first, again = (measured(session, frame, SOURCES) for _ in range(2))
    assert {p: s.measures for p, s in first.items()} == {p: s.measures for p, s in again.items()}


def test_what_the_sample_does_not_confirm_is_taken_off(session, world, frame):
    person = world.person()
    entry = add_case(session)
    for month in range(1, 9):
        add_visit(session, person, entry, date(YEAR, month, 5))
    made = list(session.scalars(select(Visit).order_by(Visit.on)))

    def check(visit, confirmed):
        session.add(
            VisitCheck(visit_id=visit.id, person_id=person.id, division_code=VILLAGE, seed=1,
                       confirmed=confirmed)
        )  # fmt: skip
        session.commit()

    check(made[0], True)
    check(made[1], False)
    # Too few to say anything.
    assert values(session, frame, person)["visits_on_time_corrected_rate"] == 1
    check(made[2], True)
    assert values(session, frame, person)["visits_on_time_corrected_rate"] == Decimal("0.6667")
    lines = records_behind(session, frame, person.id, measure="visits_checked_rate")
    assert [x.counted for x in lines] == [True, False, True] and lines[0].code == "01-01"
    assert all(x.code == "" for x in without_codes(lines))
    assert with_parts(["visits_on_time_corrected_rate", "exam_score"]) == [
        "visits_on_time_corrected_rate",
        "visits_on_time_rate",
        "visits_checked_rate",
        "exam_score",
    ]
    session.commit()


def test_records_behind_every_measure_that_has_some(session, world, frame):
    person = world.person()
    entry = add_case(session)
    day = date(YEAR, 3, 5)
    late = datetime(YEAR, 4, 1, tzinfo=ZONE)
    add_visit(session, person, entry, day, alarm=True, findings={"x": "y"}, created_at=late)
    world.entry(person, "training", day, hours=Decimal(4))
    world.entry(person, "training", day, hours=Decimal(4), level="镇街")
    world.entry(person, "exam", day, passed=False, score=Decimal(40))
    for held in (True, False):
        session.add(
            Activity(person_id=person.id, division_code=VILLAGE, on=day, theme="safety", title="课",
                     held=held, children=3, adults=1)
        )  # fmt: skip
    session.commit()
    found = {name: records_behind(session, frame, person.id, measure=name) for name in SHOWN}
    assert all(found[name] for name in SHOWN - {"visits_checked_rate"})
    assert "记晚了" in found["visit_log_rate"][0].note and not found["visit_log_rate"][0].counted
    assert found["missed_mandatory_reports"][0].note == "没有记下报告"
    assert sorted(x.counted for x in found["training_hours"]) == [False, True]
    assert [x.counted for x in found["exam_score"]] == [False]
    assert sorted(x.counted for x in found["activities_held"]) == [False, True]
    assert records_behind(session, frame, person.id, measure="satisfaction_mean") is None
    assert records_behind(session, frame, 9999, measure="training_hours") == []
    session.commit()


def test_the_catalogue_is_whole(session, world, frame):
    person = world.person()
    found = values(session, frame, person)
    assert set(found) == set(KNOWN) and {m.name for m in CATALOGUE} <= set(KNOWN)
    assert all(m.title and m.unit and m.definition and m.source and m.edges for m in KNOWN.values())
    scheme = load_scheme("2026")
    with pytest.raises(Refused, match="不是系统能算的指标"):
        check_known(
            scheme.model_copy(
                update={"vetoes": (scheme.vetoes[0].model_copy(update={"measure": "magic"}),)}
            )
        )
