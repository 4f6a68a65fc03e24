from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from exam_app.audit.models import AuditEntry
from exam_app.audit.service import verify
from exam_app.exams import invigilation, service
from exam_app.exams.errors import Closed
from exam_app.exams.models import Attempt, AttemptEvent, Exam, Seat
from exam_app.exams.saving import NewAnswer
from exam_app.exams.slots import slots_of
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    ZONE,
    answer,
    begin,
    hand_in,
    right_answer,
    rightly,
)
from training_records.archive.models import ArchiveEntry, effective
from training_records.database import make_session_factory, now
from training_records.errors import Refused


def blank(place):
    """Every slot saved, none answered."""
    return None


def sitting(session, exam, **more):
    values = {
        "title": "上午场",
        "place": None,
        "opens_at": now() - timedelta(hours=1),
        "closes_at": now() + timedelta(hours=1),
        "capacity": None,
        "division_code": CITY,
        "make_up": False,
        **more,
    }
    made = invigilation.add_sitting(session, exam, **values)
    session.commit()
    return made


def test_a_sitting_has_its_own_window_and_people(world, session):
    exam = world.exam()
    here, there = world.person(VILLAGE), world.person(OTHER_VILLAGE)
    own = sitting(session, exam, division_code=DISTRICT, closes_at=now() + timedelta(minutes=10))
    attempt = begin(session, exam, here)
    assert attempt.sitting_id == own.id and attempt.deadline == own.closes_at
    with pytest.raises(Closed, match="没有您可以考的场次"):
        service.start(session, exam.id, there.id)
    session.rollback()
    sitting(
        session,
        exam,
        division_code=OTHER_DISTRICT,
        opens_at=now() + timedelta(hours=2),
        closes_at=now() + timedelta(hours=3),
    )
    with pytest.raises(Closed, match="还没开始"):
        service.start(session, exam.id, there.id)


def test_the_last_seat_is_taken_once(clean, world, session):
    exam = world.exam()
    people = [world.person() for _ in range(6)]
    sitting(session, exam, capacity=2)

    def one(person_id):
        with make_session_factory(clean)() as own:
            try:
                service.start(own, exam_id, person_id)
            except Closed as refused:
                own.rollback()
                return str(refused)
            own.commit()
            return "in"

    exam_id, ids = exam.id, [p.id for p in people]
    session.commit()
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(one, ids))
    assert results.count("in") == 2 and sum("坐满" in r for r in results) == 4
    assert session.scalar(select(func.count()).select_from(Seat)) == 2


def test_a_make_up_is_for_those_who_have_not_passed(world, session, saver):
    exam = world.exam(attempts_allowed=5)
    failed, passed = world.person(), world.person()
    hand_in(session, saver, begin(session, exam, failed), blank)
    hand_in(session, saver, begin(session, exam, passed), rightly)
    again = sitting(session, exam, make_up=True)
    assert begin(session, exam, failed).sitting_id == again.id
    with pytest.raises(Closed, match="合格"):
        service.start(session, exam.id, passed.id)


def test_extra_time_counts_within_the_window(world, session, sign_in):
    exam, person = world.exam(), world.person()
    with pytest.raises(Refused, match="原因"):
        invigilation.grant(session, exam, person, 30, False, " ", "t")
    invigilation.grant(session, exam, person, 30, True, "视力不好", "t")
    session.commit()
    attempt = begin(session, exam, person)
    assert attempt.deadline - attempt.started_at == timedelta(minutes=exam.minutes + 30)
    path = f"/exams/attempts/{attempt.id}"
    session.commit()
    assert 'data-large="1"' in sign_in(world.account(person=person)).get(path).text


@pytest.mark.parametrize(
    ("counts", "entries"), [("best", [0, 100]), ("first", [0]), ("last", [100])]
)
def test_which_attempt_counts(world, session, saver, counts, entries):
    exam, person = world.exam(counts=counts), world.person()
    for right in (False, True):
        hand_in(session, saver, begin(session, exam, person), rightly if right else blank)
    found = session.scalars(
        select(ArchiveEntry.score)
        .where(effective(), ArchiveEntry.kind == "exam")
        .order_by(ArchiveEntry.id)
    )
    assert [int(score) for score in found] == entries


def test_a_practice_exam_leaves_no_trace_in_the_archive(world, session, saver):
    exam, person = world.exam(practice=True, attempts_allowed=1), world.person()
    for _ in range(3):
        assert hand_in(session, saver, begin(session, exam, person), rightly).state == "released"
    assert session.scalar(select(func.count()).select_from(ArchiveEntry)) == 0


def test_results_wait_until_they_are_released(world, session, saver, sign_in):
    exam, account = world.exam(DISTRICT, release="by_hand"), world.account()
    person = account.person_id
    attempt = service.start(session, exam.id, person)
    session.commit()
    hand_in(session, saver, attempt, rightly)
    assert attempt.state == "marked"
    number = attempt.id
    api, office = sign_in(account), sign_in(world.account("district", DISTRICT))
    told = api.get(f"/api/v1/attempts/{number}").json
    assert told["score"] is None and told["result"] is None and told["passed"] is None
    listed = api.get("/api/v1/exams").json["exams"][0]
    assert listed["attempts"][0]["score"] is None and listed["state"] != "passed"
    assert "答案都存好了" in api.get(f"/exams/attempts/{number}/result").text
    assert "由民政部门公布" in api.get("/exams").text
    room = f"/exams/manage/{exam.id}"
    assert "有 1 人评完分" in office.get(room).text
    office.form(f"{room}/release")
    session.expire_all()
    assert session.get_one(Attempt, number).state == "marked"
    session.rollback()
    office.form(f"{room}/release", sure="1")
    assert api.get(f"/api/v1/attempts/{number}").json["passed"] is True


def test_results_appear_at_their_time(world, session, saver, monkeypatch):
    exam, person = world.exam(release="at_time"), world.person()
    attempt = hand_in(session, saver, begin(session, exam, person), rightly)
    assert invigilation.sweep(session, ZONE) == 0 and attempt.state == "marked"
    later = exam.closes_at + timedelta(seconds=1)
    session.commit()
    monkeypatch.setattr(invigilation, "now", lambda: later)
    assert invigilation.sweep(session, ZONE) == 1
    session.refresh(attempt)
    assert attempt.state == "released"


def test_the_sweeper_closes_what_nobody_looks_at(clean, world, session, saver, monkeypatch):
    """Several processes sweep at once: each attempt is closed once, one without answers is abandoned."""
    exam = world.exam()
    attempts = [begin(session, exam, world.person()) for _ in range(6)]
    for attempt in attempts[:4]:
        answer(session, saver, attempt, rightly)
    late = max(a.deadline for a in attempts) + timedelta(minutes=2)
    ids = [a.id for a in attempts]
    session.commit()
    for module in (service, invigilation):
        monkeypatch.setattr(module, "now", lambda: late)

    def one(_):
        with make_session_factory(clean)() as own:
            return invigilation.sweep(own, ZONE)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 6
    session.expire_all()
    states = [session.get_one(Attempt, n).state for n in ids]
    assert states == ["released"] * 4 + ["abandoned"] * 2
    counted = select(AttemptEvent.attempt_id, func.count()).where(AttemptEvent.after == "overdue")
    assert {n for _, n in session.execute(counted.group_by(AttemptEvent.attempt_id))} == {1}


def test_a_lost_connection_at_the_start_takes_no_attempt(world, session, monkeypatch):
    """As Runestone (872) and LifterLMS (2783) learnt: nothing answered is nothing taken."""
    exam, person = world.exam(attempts_allowed=1), world.person()
    first = begin(session, exam, person)
    later = first.deadline + timedelta(minutes=2)
    for module in (service, invigilation):
        monkeypatch.setattr(module, "now", lambda: later)
    invigilation.sweep(session, ZONE)
    assert begin(session, exam, person).id != first.id
    again = later + timedelta(hours=2)
    for module in (service, invigilation):
        monkeypatch.setattr(module, "now", lambda: again)
    invigilation.sweep(session, ZONE)
    # Once is an accident; a second time counts, and a person may reopen it.
    with pytest.raises(Closed, match="用完"):
        service.start(session, exam.id, person.id)


def test_the_board_shows_who_is_at_work(world, session, saver, sign_in, monkeypatch):
    exam = world.exam()
    busy, silent = world.person(VILLAGE, name="周一"), world.person(VILLAGE, name="郑二")
    there = world.person(OTHER_VILLAGE, name="吴三")
    for person in (busy, silent, there):
        attempt = begin(session, exam, person)
        if person is busy:
            answer(session, saver, attempt, rightly)
    later = now() + timedelta(minutes=4)
    session.commit()
    office = sign_in(world.account("district", DISTRICT))
    monkeypatch.setattr(invigilation, "now", lambda: later)
    told = office.get(f"/exams/manage/{exam.id}/board.json").json
    assert {r["name"] for r in told["rows"]} == {"周一", "郑二"} and told["running"] == 2
    assert told["quiet"] == 2
    monkeypatch.setattr(invigilation, "now", now)
    told = office.get(f"/exams/manage/{exam.id}/board.json").json
    rows = {r["name"]: r for r in told["rows"]}
    assert told["quiet"] == 0 and rows["周一"]["last"] and not rows["郑二"]["last"]
    page = office.get(f"/exams/manage/{exam.id}").text
    assert "正在考 2 人" in page and "吴三" not in page
    assert (
        sign_in(world.account("district", OTHER_DISTRICT))
        .get(f"/exams/manage/{world.exam(DISTRICT).id}")
        .status_code
        == 404
    )


def test_decisions_of_the_invigilator(world, session, saver, sign_in):
    exam, person = world.exam(DISTRICT), world.person()
    attempt = begin(session, exam, person)
    office, room = sign_in(world.account("district", DISTRICT)), f"/exams/manage/{exam.id}"
    before, number = attempt.deadline, attempt.id
    session.commit()

    def decide(**values):
        office.form(f"{room}/decide", **values)
        session.expire_all()
        found = session.get_one(Attempt, number)
        state = found.state, found.deadline
        session.rollback()
        return state

    assert decide(what="extend", attempt=number, minutes=15) == ("in_progress", before)
    longer = before + timedelta(minutes=15)
    told = {"what": "extend", "attempt": number, "minutes": 15, "reason": "停电"}
    assert decide(**told) == ("in_progress", longer)
    everybody = {"what": "extend_all", "minutes": 5, "reason": "断网"}
    assert decide(**everybody) == ("in_progress", longer + timedelta(minutes=5))
    assert decide(what="reopen", attempt=number, minutes=5, reason="x")[0] == "in_progress"
    other = sign_in(world.account("district", OTHER_DISTRICT))
    assert other.form(f"{room}/decide", **told).status_code == 404
    assert decide(what="void", attempt=number, reason="替考")[0] == "voided"
    reasons = select(AttemptEvent.reason).order_by(AttemptEvent.id)
    assert list(session.scalars(reasons))[-3:] == ["延长 15 分钟:停电", "延长 5 分钟:断网", "替考"]


def test_voiding_a_released_attempt_takes_its_entry_back(world, session, saver):
    exam, person = world.exam(), world.person()
    attempt = hand_in(session, saver, begin(session, exam, person), rightly)
    invigilation.void_attempt(session, attempt, "account:1", "替考")
    session.commit()
    counted = select(func.count()).where(effective(), ArchiveEntry.kind == "exam")
    assert session.scalar(counted) == 0
    assert begin(session, exam, person).number == 2


def test_sittings_and_extra_time_from_the_page(world, session, sign_in):
    exam = world.exam(DISTRICT)
    world.person(phone="13800009999")
    office, room = sign_in(world.account("district", DISTRICT)), f"/exams/manage/{exam.id}"
    good = {
        "title": "云桥镇场",
        "opens": "2026-11-20T09:00",
        "closes": "2026-11-20T11:00",
        "division": TOWN,
        "capacity": "30",
    }
    assert office.form(f"{room}/sittings", **good).status_code == 302
    office.form(f"{room}/sittings", **{**good, "closes": "2026-11-20T08:00"})
    assert "结束时间要晚于开始时间" in office.get(room).text
    office.form(f"{room}/grants", phone="13800009999", minutes="25", reason="视力不好")
    office.form(f"{room}/grants", phone="13000000000", minutes="25", reason="视力不好")
    page = office.get(room).text
    assert "台账里没有这个手机号" in page and "多 25 分钟" in page and "30 个座位" in page
    session.expire_all()
    (made,) = session.get_one(Exam, exam.id).sittings
    assert made.opens_at.astimezone(ZONE).hour == 9 and made.division_code == TOWN


def test_how_it_went_by_score_and_by_place(world, session, saver, sign_in):
    exam = world.exam()
    for place, right in ((VILLAGE, True), (VILLAGE, False), (OTHER_VILLAGE, True)):
        hand_in(
            session,
            saver,
            begin(session, exam, world.person(place)),
            rightly if right else blank,
        )
    room = f"/exams/manage/{exam.id}"
    city, district = (
        sign_in(world.account(r, d)) for r, d in (("city", CITY), ("district", DISTRICT))
    )
    page = city.get(room).text
    assert "3 人出了成绩,2 人合格(67%),平均 66.7 分" in page
    assert page.index("平度市") < page.index("胶州市")
    page = district.get(room).text
    assert "2 人出了成绩,1 人合格(50%),平均 50.0 分" in page and "胶州市" not in page
    html, book = district.get(f"{room}/analysis.html"), district.get(f"{room}/analysis.xlsx")
    assert "2 人答了" in html.text and html.headers["Content-Disposition"].startswith("attachment")
    assert book.data[:2] == b"PK"
    assert district.get(f"{room}/analysis.pdf").status_code == 404
    empty = world.exam(DISTRICT)
    refused = district.get(f"/exams/manage/{empty.id}/analysis.html")
    assert refused.status_code == 422 and "还没有人交卷" in refused.text


def test_a_doubt_is_made_once_answered_once_and_seen(world, session, saver, sign_in):
    exam, account = world.exam(), world.account()
    attempt = service.start(session, exam.id, account.person_id)
    session.commit()
    hand_in(session, saver, attempt, blank)
    number, room = attempt.id, f"/exams/manage/{exam.id}"
    session.commit()
    api, office = sign_in(account), sign_in(world.account("district", DISTRICT))
    page, path = f"/exams/attempts/{number}/result", f"/exams/attempts/{number}/doubt"
    api.form(path, text=" ")
    assert "请写明对哪一题有疑问" in api.get(page).text
    api.form(path, text="第 3 题我填的是对的")
    api.form(path, text="再问一次")
    shown = api.get(page).text
    assert "第 3 题我填的是对的" in shown and "请等答复" in shown and "再问一次" not in shown
    other = sign_in(world.account())
    assert other.form(path, text="x").status_code == 404
    stranger = sign_in(world.account("district", OTHER_DISTRICT))
    assert "第 3 题我填的是对的" not in stranger.get(room).text
    assert stranger.form(f"{room}/doubts/1", answer="x").status_code == 404
    assert "第 3 题我填的是对的" in office.get(room).text
    office.form(f"{room}/doubts/1", answer="查过了,评分没有错")
    office.form(f"{room}/doubts/1", answer="改口")
    shown = api.get(page).text
    assert "查过了,评分没有错" in shown and "改口" not in shown and "申请复核" in shown


def test_wrong_answers_that_are_too_much_alike_are_a_hint(world, session, saver, sign_in):
    """Two of one village give the same wrong answers, others their own."""
    exam = world.exam()
    people = [world.person(VILLAGE, name=f"甲{n}") for n in range(4)]
    people += [world.person(OTHER_VILLAGE, name=f"乙{n}") for n in range(4)]
    for number, person in enumerate(people):

        def choose(place, number=number):
            response = right_answer(place.question)
            if place.question.type == "single":
                wrong = [o for o in place.order if o != response]
                # The first two choose alike, the others each in their own way.
                response = wrong[(int(place.slot) * 7 + max(number, 1) * int(place.slot)) % 3]
            return response

        hand_in(session, saver, begin(session, exam, person), choose)
    page = sign_in(world.account("district", DISTRICT)).get(f"/exams/manage/{exam.id}/alike").text
    assert "甲0、甲1" in page and "只是线索" in page and "乙0" not in page


def test_who_answers_before_reading_is_shown_to_their_own_office(world, session, saver, sign_in):
    exam = world.exam()
    hasty, stranger = world.person(name="快手张"), world.person(OTHER_VILLAGE, name="快手李")
    calm = [world.person(name=f"慢慢{n}") for n in range(25)]
    for person in (hasty, stranger, *calm):
        attempt = begin(session, exam, person)
        seconds = 1 if person in (hasty, stranger) else 40
        ticket = service.ticket_of(attempt)
        slots = [place.slot for place in slots_of(attempt)]
        session.commit()
        saver.save(ticket, [NewAnswer(slot, None, 1, seconds) for slot in slots], now())
        service.submit(session, attempt.id, person.id, {}, ZONE)
        session.commit()
    page = sign_in(world.account("district", DISTRICT)).get(f"/exams/manage/{exam.id}/alike").text
    assert "有 1 人答得太快" in page and "快手张" in page and "快手李" not in page
    assert "慢慢" not in page


def test_every_change_of_an_attempt_is_once_in_the_audit_log(world, session, saver):
    exam = world.exam()
    for _ in range(3):
        hand_in(session, saver, begin(session, exam, world.person()), rightly)
    invigilation.void_attempt(session, session.scalars(select(Attempt)).first(), "office", "代考")
    session.commit()
    make = make_session_factory(session.get_bind().engine)

    def copy(_):
        with make() as own:
            done = 0
            while count := invigilation.copy_events(own):
                done += count
            return done

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(copy, range(4))) == 3 * 4 + 1
    session.expire_all()
    told = session.scalars(select(AuditEntry).where(AuditEntry.action == "attempt.state")).all()
    events = session.scalars(select(AttemptEvent).order_by(AttemptEvent.id)).all()
    assert sorted(
        (entry.subject, entry.detail["before"], entry.detail["after"], entry.detail["reason"])
        for entry in told
    ) == sorted((f"attempt:{e.attempt_id}", e.before, e.after, e.reason) for e in events)
    assert all(event.audited for event in events)
    assert verify(session) == (len(told), [])
    assert copy(0) == 0


def test_an_office_sees_the_accommodations_of_its_own_people_only(world, sign_in, session):
    exam = world.exam(CITY)
    near, far = world.person(VILLAGE, name="王秀兰"), world.person(OTHER_VILLAGE, name="李桂英")
    for person in (near, far):
        invigilation.grant(session, exam, person, 25, False, "视力不好", "t")
    session.commit()
    page = sign_in(world.account("district", DISTRICT)).get(f"/exams/manage/{exam.id}").text
    assert "王秀兰" in page and "李桂英" not in page
