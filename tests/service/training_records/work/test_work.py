"""The daily work: how often, what is due, visits that count once and name nobody, activities, tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import String, Text, select

from exam_app.work.options import duty_steps, known_cadences, visit_options
from tests.factories import DISTRICT, OTHER_VILLAGE, TOWN, VILLAGE, VILLAGE_2
from training_records.database import now
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Post
from training_records.work import office_tasks, service
from training_records.work.models import CaseEntry, TaskDone, Visit

TODAY = date(2026, 5, 20)
KNOWN = known_cadences(TODAY)
OPTIONS = visit_options(TODAY)


def case(session, code="03-07", categories=("left-behind",), village=VILLAGE, opened=None, **more):
    row = service.open_case(
        session,
        village,
        code,
        categories=categories,
        known=KNOWN,
        by="t",
        today=opened or TODAY,
        **more,
    )
    session.commit()
    return row


def visit(entry, on=TODAY, form="home", key="k" * 12, **more):
    values = {
        "findings": {},
        "needs": [],
        "measures": [],
        "next_on": None,
        "reported": False,
        **more,
    }
    return service.NewVisit(key, entry.id, on, form, **values)


def log(session, person, new, today=TODAY, villages=(VILLAGE,)):
    done = service.log_visit(
        session, person.id, new, villages=villages, options=OPTIONS, today=today
    )
    session.commit()
    return done


@pytest.mark.parametrize(
    "code", ["", "3-7", "王小明", "03-071", "03-07王", "0307", "ab-cd", "03 07"]
)
def test_only_codes_name_a_child(session, world, code):
    with pytest.raises(Refused, match="03-07"):
        case(session, code)


def test_no_text_can_be_written_about_a_child(session, world):
    """There is no column of free text in a visit or a case, and what is ticked comes from the lists."""
    for table in (CaseEntry, Visit):
        texts = {
            c.name: c.type.length for c in table.__table__.c if isinstance(c.type, String | Text)
        }
        assert all(length and length <= 64 for length in texts.values()), texts
    entry, person = case(session), world.person()
    for odd in (
        {"findings": {"姓名": "王小明"}},
        {"findings": {next(iter(OPTIONS.checks)): "王小明"}},
        {"needs": ["王小明"]},
        {"measures": ["身份证 370283"]},
    ):
        with pytest.raises(Refused):
            log(session, person, visit(entry, **odd))


def test_a_changed_category_begins_a_new_row(session, world):
    first = case(session, opened=TODAY - timedelta(days=40))
    with pytest.raises(Refused, match="已经在名单里"):
        case(session)
    second = case(session, categories=("orphan", "left-behind"))
    assert first.closed_on == second.opened_on == TODAY
    assert [e.id for e in service.caseload(session, [VILLAGE], TODAY)] == [second.id]
    for odd in ((), ("none",), ("orphan", "none")):
        with pytest.raises(Refused, match="类别"):
            case(session, "09-09", odd)


def test_what_is_due(session, world):
    person, opened = world.person(), date(2026, 1, 5)
    monthly = case(session, "01-01", ("orphan",), opened=opened)
    quarterly = case(session, "01-02", opened=opened)
    fresh = case(session, "01-03", ("orphan",), opened=date(2026, 5, 2))
    contact = case(session, "01-04", ("more-often",), opened=opened)

    def states(day=TODAY):
        return {
            d.entry.code: d.state for d in service.due_list(session, [VILLAGE], KNOWN, today=day)
        }

    assert states() == {"01-01": "overdue", "01-02": "overdue", "01-03": "due", "01-04": "contact"}
    log(session, person, visit(monthly, date(2026, 4, 30), key="a" * 12))
    log(session, person, visit(quarterly, date(2026, 4, 1), key="b" * 12))
    log(session, person, visit(contact, date(2026, 5, 1), "wechat", key="c" * 12))
    assert states() == {"01-01": "due", "01-02": "done", "01-03": "due", "01-04": "kept"}
    log(session, person, visit(fresh, key="d" * 12, form="phone"))
    assert states()["01-03"] == "due"
    log(session, person, visit(fresh, key="e" * 12))
    assert states()["01-03"] == "done" and states(date(2026, 6, 1))["01-03"] == "due"
    # Visits go with the code, also when its categories change.
    case(session, "01-02", ("orphan",))
    assert states()["01-02"] == "due"


def test_a_visit_sent_twice_counts_once(session, world):
    entry, person = case(session), world.person()
    assert [log(session, person, visit(entry)) for _ in range(3)] == [True, False, False]
    assert len(session.scalars(select(Visit)).all()) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"on": TODAY + timedelta(days=1)}, "不能晚于今天"),
        ({"on": TODAY - timedelta(days=63)}, "两个月"),
        ({"form": "letter"}, "怎么走访"),
        ({"next_on": TODAY - timedelta(days=1)}, "以后"),
    ],
)
def test_visits_that_can_t_be(session, world, change, told):
    entry, person = case(session), world.person()
    with pytest.raises(Refused, match=told):
        log(session, person, replace(visit(entry), **change))


def test_other_villages_are_not_visited(session, world):
    entry, person = case(session, village=OTHER_VILLAGE), world.person()
    with pytest.raises(NotFound):
        log(session, person, visit(entry))


def test_what_has_to_be_reported_stays_until_it_was(session, world):
    entry, person = case(session), world.person()
    check, answer = sorted(OPTIONS.alarms)[0]
    log(session, person, visit(entry, findings={check: answer}))
    log(session, person, visit(entry, findings={check: answer}, key="r" * 12, reported=True))
    [(found, of)] = service.unreported(session, person.id)
    assert of.code == "03-07"
    with pytest.raises(NotFound):
        service.note_report(session, world.person().id, found.id, at=now())
    service.note_report(session, person.id, found.id, at=now())
    assert service.unreported(session, person.id) == []


def test_activities(session, world):
    person = world.person()
    plan = {"theme": "drowning", "title": "防溺水", "on": TODAY + timedelta(days=9)}
    row = service.plan_activity(session, person.id, VILLAGE, today=TODAY, **plan)
    for values, told in (
        ({}, "还没到日子"),
        ({"on": TODAY}, "来了多少"),
        ({"on": TODAY, "children": 0, "adults": 0}, "来了多少"),
        ({"on": TODAY, "children": 9999, "adults": 0}, "5000"),
    ):
        with pytest.raises(Refused, match=told):
            service.hold_activity(session, row, TODAY, values=values)
    service.hold_activity(session, row, TODAY, values={"on": TODAY, "children": 20, "adults": 6})
    assert [a.held for a in service.activities_of(session, person.id, 2026)] == [True]
    with pytest.raises(NotFound):
        service.get_activity(session, row.id, world.person().id)


def test_tasks_by_rhythm_and_by_office(session, world):
    person = world.person()
    for division, due in (
        (DISTRICT, date(2026, 10, 30)),
        (TOWN, date(2026, 5, 10)),
        (OTHER_VILLAGE, TODAY),
    ):
        office_tasks.give_task(
            session, division, f"材料 {division}", due_on=max(due, TODAY), by="t", today=TODAY
        )
    session.commit()

    def tasks(today=TODAY):
        return {
            (t.task, t.period): t
            for t in service.tasks_of(
                session, person.id, [VILLAGE], steps=duty_steps(TODAY), today=today
            )
        }

    found = tasks()
    assert ("duty-1.1", "2026-05") in found and ("duty-2.1", "2026-Q2") in found
    assert sum(t.own for t in found.values()) == 2
    monthly = found["duty-1.1", "2026-05"]
    assert monthly.state(TODAY) == "open" and monthly.due_on == date(2026, 5, 31)
    service.do_task(session, person.id, monthly, today=TODAY)
    assert tasks()["duty-1.1", "2026-05"].state(TODAY) == "done"
    assert ("duty-1.1", "2026-06") in tasks(date(2026, 6, 2))
    service.undo_task(session, person.id, monthly, today=TODAY)
    assert tasks()["duty-1.1", "2026-05"].done_on is None
    late = next(t for t in found.values() if t.own and t.due_on == TODAY)
    assert late.state(TODAY + timedelta(days=1)) == "overdue"
    for odd in ({"title": " "}, {"due_on": TODAY - timedelta(days=1)}):
        with pytest.raises(Refused):
            office_tasks.give_task(
                session, TOWN, **{"title": "x", "due_on": TODAY, **odd}, by="t", today=TODAY
            )


def test_two_villages_of_one_person(session, world):
    person = world.person(VILLAGE)
    world.post(person, VILLAGE_2)
    case(session, "01-01")
    case(session, "01-01", village=VILLAGE_2)
    villages = service.villages_of(session, person.id, TODAY)
    assert villages == [VILLAGE, VILLAGE_2]
    assert len(service.due_list(session, villages, KNOWN, today=TODAY)) == 2


def test_who_has_done_what_an_office_gave(session, world):
    one, two, gone = world.person(VILLAGE), world.person(VILLAGE_2), world.person(VILLAGE)
    world.person(OTHER_VILLAGE)
    session.get(Post, gone.posts[0].id).end = TODAY - timedelta(days=1)
    row = office_tasks.give_task(session, DISTRICT, "材料", due_on=TODAY, by="t", today=TODAY)
    session.add(TaskDone(person_id=two.id, task=f"office-{row.id}", period="once", done_on=TODAY))
    session.commit()
    assert office_tasks.counts(session, row, "370283", today=TODAY) == (1, 2)
    assert office_tasks.counts(session, row, VILLAGE, today=TODAY) == (0, 1)
    assert office_tasks.counts(session, row, "3702", today=TODAY) == (1, 2)
    found = office_tasks.doing(session, row, "3702", today=TODAY)
    assert [(d.person.id, d.code, d.done_on) for d in found] == [
        (one.id, VILLAGE, None),
        (two.id, VILLAGE_2, TODAY),
    ]
    town = office_tasks.give_task(session, TOWN, "镇里的", due_on=TODAY, by="t", today=TODAY)
    assert [t.id for t in office_tasks.given_tasks(session, "370283001")] == [town.id, row.id]
    # A town takes its own back, not the district's; another district sees neither.
    with pytest.raises(NotFound):
        office_tasks.withdraw(session, row.id, "370283001")
    office_tasks.withdraw(session, town.id, "370283001")
    with pytest.raises(Refused, match="已经撤回"):
        office_tasks.withdraw(session, town.id, "370283")
    with pytest.raises(NotFound):
        office_tasks.get_given(session, row.id, "370281")
    assert office_tasks.given_tasks(session, "370281") == []
    session.commit()
