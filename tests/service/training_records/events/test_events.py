"""Training events: plan, quotas and waiting lists, clashes, the door, filing, the survey."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.examples import examples
from tests.factories import CITY, DISTRICT, OTHER_DISTRICT, OTHER_VILLAGE, TOWN, VILLAGE, ZONE
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import verify
from training_records.divisions import prefix_of
from training_records.errors import NotFound, Refused
from training_records.events import attendance, enrolment, filing, planning, survey
from training_records.events.clashes import busy
from training_records.events.demonstration import demonstrations, repeatable
from training_records.events.models import Attendance, Enrolment, Event, EventSession, SurveyAnswer
from training_records.events.report import report_of

TODAY = date(2026, 5, 10)
START = datetime(2026, 5, 11, 9, tzinfo=ZONE)


class Desk:
    """Builds events, with a clock that the test moves."""

    def __init__(self, session, world, clock):
        self.session, self.world, self.clock = session, world, clock
        clock.at = START - timedelta(days=3)

    def event(self, division=DISTRICT, sessions=2, capacity=50, opened=True, start=START, **more):
        values = {
            "title": "儿童主任培训",
            "audience": "director",
            "form": "面授",
            "capacity": capacity,
            "place": "党校",
            **more,
        }
        event = planning.create_event(self.session, division, "民政局", by="t", **values)
        for number in range(sessions):
            self.add(event, start + timedelta(hours=5 * number), number=number)
        if opened:
            planning.announce(self.session, event, "t")
        self.session.commit()
        return event

    def add(self, event, start, hours="4", number=0, length=3):
        return planning.add_session(
            self.session,
            event,
            "t",
            title=f"第 {number + 1} 节",
            starts_at=start,
            ends_at=start + timedelta(hours=length),
            hours=Decimal(hours),
        )

    def take(self, event, people, *, own=True, prefix=None):
        ids = [p.id for p in people]
        reach = prefix_of(event.division_code) if prefix is None else prefix
        done = enrolment.nominate(
            self.session, event, ids, prefix=reach, by="t", today=TODAY, own=own
        )
        self.session.commit()
        return done

    def sign(self, one, person, how="qr"):
        told = attendance.check_in(self.session, one, person.id, how=how, by="t")
        self.session.commit()
        return told


@pytest.fixture
def desk(session, world, clock):
    return Desk(session, world, clock)


def test_the_plan_becomes_an_event(desk):
    line = planning.add_plan(
        desk.session,
        CITY,
        2026,
        by="t",
        month=9,
        title="示范培训",
        audience="director",
        form="面授",
        hours=Decimal(16),
        heads=41,
        budget=Decimal("50000.50"),
        demonstration=True,
    )
    event = planning.start_planned(desk.session, line, "青岛市民政局", by="t", zone=ZONE)
    assert [s.hours for s in event.sessions] == [4, 4, 4, 4] and event.level == "city"
    # 41 seats among two districts: none lost, none made.
    assert planning.quotas_of(desk.session, event) == {OTHER_DISTRICT: 21, DISTRICT: 20}
    with pytest.raises(Refused, match="已经办了班"):
        planning.remove_plan(desk.session, line)
    found = demonstrations(desk.session, "3702", 2026, zone=ZONE)
    assert [d.event.id for d in found] == [event.id]
    assert demonstrations(desk.session, "3702", 2025, zone=ZONE) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"title": " "}, "培训名称"),
        ({"month": 13}, "月份"),
        ({"hours": Decimal(0)}, "学时"),
        ({"heads": 0}, "人数"),
        ({"budget": Decimal(-1)}, "经费"),
        ({"audience": "x"}, "给谁"),
    ],
)
def test_a_plan_that_can_t_be(desk, values, told):
    good = {
        "month": 3,
        "title": "班",
        "audience": "both",
        "form": "面授",
        "hours": Decimal(8),
        "heads": 10,
        "budget": Decimal(0),
    }
    with pytest.raises(Refused, match=told):
        planning.add_plan(desk.session, CITY, 2026, by="t", **{**good, **values})


@pytest.mark.parametrize(
    ("length", "hours", "told"),
    [
        (0, "4", "晚于"),
        (13, "4", "12 小时"),
        (3, "0", "学时"),
        (3, "4.5", "算不到"),
        (1, "2", "算不到"),
    ],
)
def test_a_session_that_can_t_be(desk, length, hours, told):
    event = desk.event(sessions=0, opened=False)
    with pytest.raises(Refused, match=told):
        desk.add(event, START, hours, length=length)


def test_nothing_is_announced_half_done(desk):
    event = desk.event(sessions=0, opened=False)
    with pytest.raises(Refused, match="至少加一节"):
        planning.announce(desk.session, event, "t")
    desk.add(event, START)
    event.place = ""
    with pytest.raises(Refused, match="地点"):
        planning.announce(desk.session, event, "t")


def test_quotas_waiting_and_moving_up(desk):
    event = desk.event(CITY, capacity=3)
    planning.set_quotas(desk.session, event, {DISTRICT: 2, OTHER_DISTRICT: 1})
    with pytest.raises(Refused, match="超过"):
        planning.set_quotas(desk.session, event, {DISTRICT: 3})
    with pytest.raises(Refused, match="直接下一级"):
        planning.set_quotas(desk.session, event, {TOWN: 1})
    own = [desk.world.person(VILLAGE) for _ in range(4)]
    other = desk.world.person(OTHER_VILLAGE)
    done = desk.take(event, own, own=False, prefix=prefix_of(DISTRICT))
    assert done.taken == [p.id for p in own[:2]] and done.waiting == [p.id for p in own[2:]]
    # One district's full quota takes nothing from the other's.
    assert desk.take(event, [other], own=False, prefix=prefix_of(OTHER_DISTRICT)).taken
    assert desk.take(event, own[:1], own=False, prefix=prefix_of(DISTRICT)).there
    refused = desk.take(event, [other], own=False, prefix=prefix_of(DISTRICT)).refused
    assert "管理范围" in refused[0][1]
    assert (
        enrolment.decide(
            desk.session, event, [p.id for p in own[:2]], approved=True, reason="", by="t"
        )
        == 2
    )
    with pytest.raises(Refused, match="原因"):
        enrolment.decide(desk.session, event, [other.id], approved=False, reason="", by="t")
    moved = enrolment.withdraw(desk.session, event, own[0].id, reason="家里有事", by="t")
    assert moved == own[2].id
    # Only their own office and those above it read who it was.
    told = f"候补的{own[2].name}补上了"
    for code, reads in ((DISTRICT, True), (CITY, True), (OTHER_DISTRICT, False)):
        notes = [n.text for n in planning.notes_of(desk.session, event, prefix_of(code))]
        assert (told in notes) == reads and "发布通知" in notes
    rows = {e.person_id: e for e, _ in enrolment.roll(desk.session, event)}
    assert rows[own[2].id].state == "approved" and rows[own[3].id].state == "waiting"
    numbers = [r.number for r in rows.values() if r.number]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_who_is_not_meant_is_not_taken(desk):
    event = desk.event()
    supervisor = desk.world.person(TOWN, "supervisor")
    gone = desk.world.person(VILLAGE, start=date(2020, 1, 1))
    for post in gone.posts:
        post.end = date(2025, 1, 1)
    desk.session.commit()
    done = desk.take(event, [supervisor, gone])
    assert [why for _, why in done.refused] == [
        "不是这次培训的对象",
        "现在没有在任记录，或不在您的管理范围内",
    ]


def test_nobody_is_in_two_places(desk):
    first = desk.event(title="甲班", sessions=1)
    second = desk.event(title="乙班", start=START + timedelta(hours=1), sessions=1)
    later = desk.event(title="丙班", start=START + timedelta(hours=3), sessions=1)
    person = desk.world.person()
    desk.take(first, [person])
    assert "甲班" in desk.take(second, [person]).refused[0][1]
    # It begins when the other one ends.
    assert desk.take(later, [person]).taken == [person.id]
    # A session that is moved onto another training is moved, and the clash is named.
    clash = planning.move_session(
        desk.session,
        later.sessions[0],
        START + timedelta(hours=1),
        ends_at=START + timedelta(hours=4),
        reason="教室冲突",
        by="t",
    )
    assert clash == [person.id] and busy(desk.session, [person.id], later) == {person.id: "甲班"}
    with pytest.raises(Refused, match="为什么改"):
        planning.move_session(
            desk.session, later.sessions[0], START, ends_at=START, reason=" ", by="t"
        )
    # What is cancelled holds nobody.
    planning.cancel(desk.session, first, "下雪", by="t")
    assert busy(desk.session, [person.id], later) == {}


def test_codes_change_and_end(desk):
    event = desk.event()
    one, two = event.sessions
    at = datetime(2026, 5, 11, 9, 0, 0, tzinfo=ZONE)
    code = attendance.code_at(event, one.id, at)
    assert attendance.code_holds(event, one.id, code.upper(), moment=at + timedelta(seconds=29))
    assert attendance.code_holds(event, one.id, code, moment=at + timedelta(seconds=59))
    assert not attendance.code_holds(event, one.id, code, moment=at + timedelta(seconds=60))
    assert not attendance.code_holds(event, one.id, code, moment=at - timedelta(seconds=1))
    assert not attendance.code_holds(event, two.id, code, moment=at)
    other = desk.event()
    assert not attendance.code_holds(other, other.sessions[0].id, code, moment=at)
    codes = {attendance.code_at(event, one.id, at + timedelta(seconds=30 * n)) for n in range(200)}
    assert len(codes) == 200
    for odd in ("", "x" * 500, "é", code[:-1]):
        assert not attendance.code_holds(event, one.id, odd, moment=at)


def test_signing_in(desk):
    event = desk.event()
    one = event.sessions[0]
    early, late, stranger = (desk.world.person() for _ in range(3))
    desk.take(event, [early, late])
    with pytest.raises(Refused, match="还没到"):
        desk.sign(one, early)
    desk.clock.at = START - timedelta(minutes=30)
    assert desk.sign(one, early) == ("present", False)
    assert desk.sign(one, early) == ("present", True)
    desk.clock.at = START + timedelta(minutes=16)
    assert desk.sign(one, late) == ("late", False)
    assert desk.sign(one, stranger) == ("unlisted", False)
    assert [p.id for p, _ in attendance.unlisted(desk.session, event)] == [stranger.id]
    assert attendance.counts(desk.session, one) == {"present": 1, "late": 1, "unlisted": 1}
    attendance.admit(desk.session, event, stranger.id, by="t", today=TODAY)
    assert attendance.unlisted(desk.session, event) == []
    desk.clock.at = START + timedelta(hours=3, seconds=1)
    with pytest.raises(Refused, match="已经结束"):
        desk.sign(one, early)


def test_leave_making_up_and_numbers(desk):
    event = desk.event()
    one, two = event.sessions
    people = [desk.world.person() for _ in range(6)]
    desk.take(event, people)
    with pytest.raises(Refused, match="请假原因"):
        attendance.mark(desk.session, one, people[0].id, state="leave", note="", by="t")
    attendance.mark(desk.session, one, people[0].id, state="leave", note="孩子生病", by="t")
    with pytest.raises(Refused, match="还没开始"):
        attendance.mark(desk.session, one, people[1].id, state="present", note="", by="t")
    desk.clock.at = START
    # Who is excused and comes all the same was there.
    assert desk.sign(one, people[0]) == ("present", False)
    desk.clock.at = START + timedelta(hours=9)
    done = attendance.check_in_numbers(desk.session, one, "1、2-4, 7 9", late=False, by="t")
    assert len(done.signed) == 3 and len(done.again) == 1 and done.unknown == ["7", "9"]
    for odd, told in (("", "编号"), ("9-3", "前面的编号"), ("1-9999", "前面的编号")):
        with pytest.raises(Refused, match=told):
            attendance.check_in_numbers(desk.session, one, odd, late=False, by="t")
    attendance.mark(
        desk.session, two, people[4].id, state="made_up", note="5 月 20 日跟班补课", by="t"
    )
    due, absent = filing.preview(desk.session, event)
    assert {d.person.id: d.hours for d in due} == {
        **{p.id: 4 for p in people[:4]},
        people[4].id: 4,
    }
    assert [p.id for p in absent] == [people[5].id]


def test_hours_are_filed_once_by_attended_sessions_only(desk):
    event = desk.event()
    one, two = event.sessions
    both, first, never, stranger = (desk.world.person() for _ in range(4))
    desk.take(event, [both, first, never])
    desk.clock.at = START
    for person in (both, first, stranger):
        desk.sign(one, person)
    with pytest.raises(Refused, match="还没有上完"):
        filing.file_event(desk.session, event, "王五", by="t", zone=ZONE)
    desk.clock.at = two.starts_at + timedelta(minutes=20)
    desk.sign(two, both)
    desk.clock.at = two.ends_at
    with pytest.raises(Refused, match="核对名单的人"):
        filing.file_event(desk.session, event, " ", by="t", zone=ZONE)
    assert filing.file_event(desk.session, event, "王五", by="t", zone=ZONE) == 2
    assert filing.file_event(desk.session, event, "王五", by="t", zone=ZONE) == 0
    desk.session.commit()
    entries = {e.person_id: e for e in desk.session.scalars(select(ArchiveEntry))}
    assert {p: e.hours for p, e in entries.items()} == {both.id: 8, first.id: 4}
    entry = entries[both.id]
    assert (entry.kind, entry.level, entry.organiser) == ("training", "district", "民政局")
    assert entry.date == date(2026, 5, 11) and entry.evidence["confirmed_by"] == "王五"
    assert verify(desk.session)[1] == []
    for verb in (
        lambda: planning.edit(desk.session, event, "t", values={"title": "x"}),
        lambda: attendance.mark(desk.session, one, never.id, state="present", note="", by="t"),
        lambda: planning.cancel(desk.session, event, "x", by="t"),
    ):
        with pytest.raises(Refused, match="归档"):
            verb()


def test_a_training_cancelled_after_sign_ins(desk):
    event = desk.event()
    one, two = event.sessions
    came, other = desk.world.person(), desk.world.person()
    desk.take(event, [came, other])
    desk.clock.at = START
    desk.sign(one, came)
    with pytest.raises(Refused, match="已经有人签到"):
        planning.move_session(
            desk.session, one, START, ends_at=START + timedelta(hours=3), reason="x", by="t"
        )
    with pytest.raises(Refused, match="不能退出"):
        enrolment.withdraw(desk.session, event, came.id, reason="x", by="t")
    with pytest.raises(Refused, match="为什么取消"):
        planning.cancel(desk.session, event, "", by="t")
    assert planning.cancel(desk.session, event, "台风", by="t") == 1
    desk.session.commit()
    with pytest.raises(Refused, match="取消"):
        desk.sign(two, came)
    desk.session.rollback()
    desk.clock.at = one.ends_at
    assert filing.file_event(desk.session, event, "王五", by="t", zone=ZONE) == 1
    assert [e.hours for e in desk.session.scalars(select(ArchiveEntry))] == [4]


def test_the_survey_hides_who_said_what(desk):
    event = desk.event(sessions=1)
    people = [desk.world.person() for _ in range(6)]
    desk.take(event, people)
    desk.clock.at = START
    for person in people[:5]:
        desk.sign(event.sessions[0], person)
    assert not survey.may_answer(desk.session, event, people[0].id)
    desk.clock.at = event.sessions[0].ends_at
    marks = dict.fromkeys(survey.QUESTIONS, 5)
    with pytest.raises(Refused, match="没有参加"):
        survey.answer(desk.session, event, people[5].id, marks=marks, comment="")
    with pytest.raises(Refused, match="每一项"):
        survey.answer(desk.session, event, people[0].id, marks={"content": 5}, comment="")
    for number, person in enumerate(people[:5]):
        assert survey.results(desk.session, event).satisfied is None
        assert survey.results(desk.session, event).comments == ()
        survey.answer(
            desk.session,
            event,
            person.id,
            marks={**marks, "content": 1 + number},
            comment=f"话{number}",
        )
        with pytest.raises(Refused, match="已经填过"):
            survey.answer(desk.session, event, person.id, marks=marks, comment="")
        desk.session.commit()
    found = survey.results(desk.session, event)
    assert found.means["content"] == 3 and found.means["teacher"] == 5
    assert found.satisfied == pytest.approx(17 / 20) and len(found.comments) == 5
    columns = {c.name for c in SurveyAnswer.__table__.columns}
    assert not columns & {"person_id", "at", "by"}


def test_demonstration_and_what_repeats_it(desk):
    parent = desk.event(CITY, sessions=1, demonstration=True, title="示范")
    teacher = desk.world.person(VILLAGE)
    desk.take(parent, [teacher])
    desk.clock.at = START
    desk.sign(parent.sessions[0], teacher)
    assert [e.id for e in repeatable(desk.session, prefix_of(DISTRICT))] == [parent.id]
    child = desk.event(DISTRICT, sessions=1, parent_id=parent.id, start=START + timedelta(days=5))
    child.sessions[0].teacher_id = teacher.id
    pupils = [desk.world.person() for _ in range(3)]
    desk.take(child, pupils)
    desk.clock.at = START + timedelta(days=5)
    for pupil in pupils[:2]:
        desk.sign(child.sessions[0], pupil)
    found = demonstrations(desk.session, "3702", 2026, zone=ZONE)[0]
    assert found.came == {DISTRICT: 1}
    assert [(r.reached, r.teachers) for r in found.repeats] == [(2, 1)]


def test_offices_see_their_own_and_what_was_announced_above(desk):
    city = desk.event(CITY)
    draft = desk.event(CITY, opened=False)
    own, other = desk.event(DISTRICT), desk.event(OTHER_DISTRICT)
    seen = {e.id for e in planning.events_for_office(desk.session, prefix_of(DISTRICT))}
    assert seen == {city.id, own.id}
    for event, visible in ((city, True), (draft, False), (own, True), (other, False)):
        if visible:
            assert planning.get_event(desk.session, event.id, prefix_of(DISTRICT)) is event
        else:
            with pytest.raises(NotFound):
                planning.get_event(desk.session, event.id, prefix_of(DISTRICT))
    with pytest.raises(NotFound, match="上级"):
        planning.own_event(desk.session, city.id, prefix_of(DISTRICT))
    assert planning.own_event(desk.session, own.id, prefix_of(CITY)) is own


def test_the_report_counts_as_a_slow_hand_would(desk):
    """The figures against plain loops, over a random event."""
    rng = random.Random(7)
    event = desk.event(CITY, sessions=3, capacity=60)
    planning.set_quotas(desk.session, event, {DISTRICT: 40, OTHER_DISTRICT: 20})
    people = [desk.world.person(rng.choice([VILLAGE, OTHER_VILLAGE])) for _ in range(40)]
    desk.take(event, people)
    for one in event.sessions:
        desk.clock.at = one.starts_at + timedelta(minutes=rng.randrange(40))
        for person in rng.sample(people, 30):
            desk.sign(one, person)
    approved = {
        e.person_id: e for e in desk.session.scalars(select(Enrolment)) if e.state == "approved"
    }
    rows = list(desk.session.scalars(select(Attendance)))
    report = report_of(desk.session, event)
    for branch in report.branches:
        ids = {p for p, e in approved.items() if e.division_code.startswith(prefix_of(branch.code))}
        came = [r for r in rows if r.person_id in ids and r.state in ("present", "late")]
        assert branch.approved == len(ids) and branch.attended == len(came)
        assert branch.came == len({r.person_id for r in came})
        assert branch.hours == 4 * len(came) and branch.expected == 3 * len(ids)
    assert report.total.attended == sum(b.attended for b in report.branches)
    for held in report.held:
        own = Counter(r.state for r in rows if r.session_id == held.session.id)
        assert held.states == own
        there = {r.person_id for r in rows if r.session_id == held.session.id}
        assert held.absent == len(set(approved) - there)


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["nominate", "approve", "decline", "withdraw"]), st.integers(0, 7)
        ),
        max_size=25,
    ),
    seats=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_lists_never_overflow(desk, steps, seats):
    """Whatever is done in whatever order: no quota and no capacity is overdrawn, numbers are unique."""
    session = desk.session
    event = desk.event(CITY, sessions=1, capacity=4, opened=True)
    total = min(sum(seats), 4)
    planning.set_quotas(
        session,
        event,
        {DISTRICT: min(seats[0], total), OTHER_DISTRICT: total - min(seats[0], total)},
    )
    if not hasattr(desk, "crowd"):
        desk.crowd = [desk.world.person(VILLAGE if n % 2 else OTHER_VILLAGE) for n in range(8)]
    quotas = planning.quotas_of(session, event)
    for verb, number in steps:
        person = desk.crowd[number]
        try:
            if verb == "nominate":
                enrolment.nominate(
                    session,
                    event,
                    [person.id],
                    prefix="3702",
                    by="t",
                    today=TODAY,
                    own=number % 3 == 0,
                )
            elif verb == "withdraw":
                enrolment.withdraw(session, event, person.id, reason="x", by="t")
            else:
                enrolment.decide(
                    session, event, [person.id], approved=verb == "approve", reason="x", by="t"
                )
        except (Refused, NotFound):
            continue
        rows = list(session.scalars(select(Enrolment).where(Enrolment.event_id == event.id)))
        approved = [r for r in rows if r.state == "approved"]
        assert len(approved) <= event.capacity
        numbers = [r.number for r in rows if r.number]
        assert len(numbers) == len(set(numbers)) and all(r.number for r in approved)
        # Only the office's own word puts somebody beyond a quota.
        if not any(v == "approve" for v, _ in steps):
            for code, most in quotas.items():
                held = [
                    r
                    for r in rows
                    if r.state in ("nominated", "approved")
                    and r.division_code.startswith(prefix_of(code))
                ]
                assert len(held) <= most
    planning.cancel(session, event, "x", by="t")
    session.commit()
    assert session.get_one(Event, event.id).state == "cancelled"
    assert session.scalar(select(EventSession.id).where(EventSession.event_id == event.id))
