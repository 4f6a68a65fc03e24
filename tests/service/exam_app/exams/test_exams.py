from __future__ import annotations

import json
from datetime import timedelta
from html import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from exam_app.exams import service
from exam_app.exams.models import Answer, Attempt, AttemptEvent, LateAnswer
from exam_app.exams.saving import NewAnswer
from exam_app.exams.service import save_answers
from exam_app.exams.slots import slots, slots_of
from question_bank import load_blueprint
from tests.examples import examples
from tests.factories import (
    DISTRICT,
    OTHER_DISTRICT,
    VILLAGE,
    begin,
    hand_in,
    keys,
    right_answer,
    rightly,
)
from tests.plans import asked, plan
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import verify
from training_records.certificates.models import Certificate
from training_records.database import now
from training_records.ledger.models import Person


@pytest.fixture
def exam(world):
    return world.exam()


@pytest.fixture
def api(world, sign_in):
    return sign_in(world.account("director", VILLAGE))


def start(api, exam):
    answer = api.post(f"/api/v1/exams/{exam.id}/attempts")
    assert answer.status_code == 200, answer.json
    return answer.json


def save(api, attempt, *answers):
    return api.put(
        f"/api/v1/attempts/{attempt}/answers",
        {"answers": [dict(zip(("slot", "response", "seq"), a, strict=True)) for a in answers]},
    )


def submit(api, attempt, **expected):
    return api.post(f"/api/v1/attempts/{attempt}/submit", {"expected": expected})


def pass_exam(api, exam):
    attempt = start(api, exam)["attempt_id"]
    assert save(api, attempt, *[(s, k, 1) for s, k in keys(exam).items()]).status_code == 200
    return submit(api, attempt).json


def test_all_right_passes_files_and_certifies(session, api, exam):
    result = pass_exam(api, exam)
    assert (result["state"], result["passed"], result["score"]) == ("released", True, 100)
    kinds = list(session.scalars(select(ArchiveEntry.kind).order_by(ArchiveEntry.id)))
    assert kinds == ["exam", "certificate"]
    assert session.scalars(select(ArchiveEntry.induction).order_by(ArchiveEntry.id)).first() is True
    certificate = session.scalars(select(Certificate)).one()
    assert certificate.no == result["certificate_no"]
    states = [
        (e.before, e.after) for e in session.scalars(select(AttemptEvent).order_by(AttemptEvent.id))
    ]
    assert states == [
        ("not_started", "in_progress"),
        ("in_progress", "submitted"),
        ("submitted", "marked"),
        ("marked", "released"),
    ]
    assert verify(session)[1] == []
    pdf = api.get(f"/certificates/{certificate.no}.pdf")
    assert pdf.status_code == 200 and pdf.data.startswith(b"%PDF")
    public = api.client.application.test_client().get(f"/verify/{certificate.no}")
    assert "真实有效" in public.text and "Set-Cookie" not in public.headers


def test_no_key_is_in_an_open_attempt(api, exam):
    opened = start(api, exam)
    page = api.get(f"/exams/attempts/{opened['attempt_id']}").text
    status = api.get(f"/api/v1/attempts/{opened['attempt_id']}").json
    for place in slots(exam.forms[0]):
        for text in (
            json.dumps(opened, ensure_ascii=False),
            page,
            json.dumps(status, ensure_ascii=False),
        ):
            assert place.question.explanation not in text
    # The same keys in every item: what a type has not is null.
    for item in opened["paper"]["items"]:
        assert set(item) == {
            "slot",
            "type",
            "stem",
            "text",
            "options",
            "order",
            "left",
            "blanks",
            "points",
        }
    assert status["result"] is None and status["score"] is None
    assert len(opened["paper"]["items"]) == len(slots(exam.forms[0])) > 50


def test_starting_again_resumes(api, exam):
    first = start(api, exam)
    save(api, first["attempt_id"], ("1", None, 3))
    again = start(api, exam)
    assert again["attempt_id"] == first["attempt_id"]
    assert again["answers"]["1"] == {"response": None, "seq": 3}


def test_the_higher_seq_wins_and_saving_is_idempotent(session, api, exam):
    attempt = start(api, exam)["attempt_id"]
    slot = next(s for s, k in keys(exam).items() if isinstance(k, bool))
    assert save(api, attempt, (slot, True, 5)).json["saved"] == {slot: 5}
    assert save(api, attempt, (slot, False, 4)).json["saved"] == {slot: 5}
    assert save(api, attempt, (slot, True, 5)).json["saved"] == {slot: 5}
    assert save(api, attempt, (slot, True, 6), (slot, False, 7)).json["saved"] == {slot: 7}
    assert session.scalars(select(Answer)).one().response is False


@pytest.mark.parametrize(
    "bad",
    [
        {"slot": "99", "response": "A", "seq": 1},
        {"slot": "0", "response": "A", "seq": 1},
        {"slot": "1", "response": {"x": 1}, "seq": 1},
        {"slot": "1", "response": "Z", "seq": 1},
        {"slot": "1", "response": None, "seq": -1},
        {"slot": "1", "response": None, "seq": 2**63},
        {"slot": "1", "response": None, "seq": "1"},
        {"slot": "1", "response": None, "seq": 1.5},
        {"slot": 1, "response": None, "seq": 1},
        {"slot": "1", "seq": True, "response": None},
        {"slot": "1", "response": None, "seq": 1, "extra": 1},
        "x",
        None,
    ],
)
def test_bad_answers_change_nothing(session, api, exam, bad):
    attempt = start(api, exam)["attempt_id"]
    slot = next(s for s, k in keys(exam).items() if isinstance(k, bool))
    good = {"slot": slot, "response": True, "seq": 1}
    answer = api.put(f"/api/v1/attempts/{attempt}/answers", {"answers": [good, bad]})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json" and answer.json["detail"]
    assert session.scalar(select(func.count()).select_from(Answer)) == 0


def test_oversized_requests_are_refused(api, exam):
    attempt = start(api, exam)["attempt_id"]
    assert save(api, attempt, ("1", "x" * 2**20, 1)).status_code == 413
    assert save(api, attempt, *[("1", None, n + 1) for n in range(1000)]).status_code == 422
    assert (
        api.client.put(
            f"/api/v1/attempts/{attempt}/answers", data="{", headers=api.headers
        ).status_code
        == 400
    )


def test_submit_checks_what_the_client_thinks_is_saved(api, exam):
    attempt = start(api, exam)["attempt_id"]
    slots = [s for s, k in keys(exam).items() if isinstance(k, bool)][:2]
    save(api, attempt, (slots[0], True, 2))
    refused = submit(api, attempt, **{slots[0]: 2, slots[1]: 1})
    assert refused.status_code == 409
    assert refused.json["missing"] == [slots[1]]
    save(api, attempt, (slots[1], True, 1))
    first = submit(api, attempt, **{slots[0]: 2, slots[1]: 1})
    assert first.status_code == 200
    assert submit(api, attempt, **{slots[0]: 2}).json["score"] == first.json["score"]
    assert save(api, attempt, (slots[0], False, 9)).status_code == 409


def test_window_limit_and_scope(world, sign_in):
    person = world.account("director", VILLAGE)
    api = sign_in(person)
    early = world.exam(opens_at=now() + timedelta(hours=1))
    late = world.exam(closes_at=now() - timedelta(seconds=1))
    foreign = world.exam(OTHER_DISTRICT)
    assert api.post(f"/api/v1/exams/{early.id}/attempts").status_code == 409
    assert api.post(f"/api/v1/exams/{late.id}/attempts").status_code == 409
    assert api.post(f"/api/v1/exams/{foreign.id}/attempts").status_code == 404
    exam = world.exam(DISTRICT, attempts_allowed=2)
    for _ in range(2):
        submit(api, start(api, exam)["attempt_id"])
    refused = api.post(f"/api/v1/exams/{exam.id}/attempts")
    assert refused.status_code == 409 and "2 次机会" in refused.json["detail"]
    assert {e["id"]: e["state"] for e in api.get("/api/v1/exams").json["exams"]} == {
        early.id: "not_open",
        late.id: "closed",
        exam.id: "used_up",
    }


def test_after_passing_there_is_no_second_attempt(api, exam):
    pass_exam(api, exam)
    assert api.post(f"/api/v1/exams/{exam.id}/attempts").status_code == 409


def test_grace_then_late_answers_are_kept_apart(session, api, exam, clock):
    attempt = start(api, exam)["attempt_id"]
    slot = next(s for s, k in keys(exam).items() if isinstance(k, bool))
    deadline = session.get_one(Attempt, attempt).deadline
    session.rollback()
    clock.at = deadline + timedelta(seconds=59)
    assert save(api, attempt, (slot, True, 1)).status_code == 200
    clock.at = deadline + timedelta(seconds=61)
    refused = save(api, attempt, (slot, False, 2))
    assert refused.status_code == 409 and refused.json["late"] is True
    assert session.scalars(select(Answer.response)).one() is True
    assert session.scalars(select(LateAnswer)).one().seq == 2
    session.rollback()
    closed = submit(api, attempt, **{slot: 2})
    assert closed.json["state"] == "released"
    after = [e.after for e in session.scalars(select(AttemptEvent).order_by(AttemptEvent.id))]
    assert after == ["in_progress", "overdue", "submitted", "marked", "released"]


def test_pages_of_the_exam(api, exam):
    assert "初任儿童主任考核" in api.get("/exams").text
    assert "50 题" in api.get(f"/exams/{exam.id}").text
    refused = api.form(f"/exams/{exam.id}")
    assert refused.status_code == 422 and "请先勾选" in refused.text
    taken = api.form(f"/exams/{exam.id}", honest="y")
    assert taken.status_code == 302
    attempt = taken.location.rsplit("/", 1)[1]
    submit(api, attempt)
    page = api.get(f"/exams/attempts/{attempt}/result").text
    assert "还没合格" in page and "建议再看看" in page


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["41", "42", "43"]), st.booleans(), st.integers(1, 6)),
        max_size=12,
    )
)
def test_saves_in_any_order_leave_the_highest_seq(session, saver, world_with_attempt, history):
    ticket, tf = world_with_attempt
    session.query(Answer).delete()
    session.commit()
    model: dict[str, tuple[int, bool]] = {}
    for at, response, seq in history:
        slot = tf[int(at) % len(tf)]
        saved, _ = save_answers(saver, ticket, [NewAnswer(slot, response, seq)])
        if slot not in model or seq > model[slot][0]:
            model[slot] = (seq, response)
        assert saved[slot] == model[slot][0]
    session.expire_all()
    assert {a.slot: (a.seq, a.response) for a in session.scalars(select(Answer))} == model
    session.commit()


@pytest.fixture
def world_with_attempt(session, world):
    person, exam = world.person(), world.exam()
    attempt = service.start(session, exam.id, person.id)
    ticket = service.ticket_for(session, attempt.id, person.id)
    true_false = [s for s, k in keys(exam).items() if isinstance(k, bool)]
    session.commit()
    return ticket, true_false


def test_an_exam_that_cannot_be_assembled_says_why(world, sign_in):
    api = sign_in(world.account("district", DISTRICT))
    good = {
        "title": "年中补考",
        "blueprint": "induction",
        "opens": "2026-01-01",
        "closes": "2026-12-31",
        "attempts": "2",
        "forms": "2",
    }
    assert api.form("/exams/manage", **good).status_code == 302
    assert "年中补考" in api.get("/exams/manage").text
    for field, value, text in (
        ("title", "", "请填考试名称"),
        ("attempts", "0", "1 到 20"),
        ("closes", "2025-01-01", "结束时间要晚于"),
    ):
        refused = api.form("/exams/manage", **{**good, field: value})
        assert refused.status_code == 422 and text in refused.text


def test_neither_start_nor_submit_reads_through_a_table(session, api, exam):
    """However many have sat before: every search is by an index."""
    with asked(session) as statements:
        assert pass_exam(api, exam)["passed"]
    plans = [
        (step, statement)
        for statement, parameters in statements
        if statement.startswith(("SELECT", "UPDATE"))
        for step in plan(session, statement, parameters)
    ]
    assert len(plans) > 10
    few = ("SCAN exam", "SCAN CONSTANT ROW")
    assert not [p for p in plans if p[0].startswith("SCAN") and not p[0].startswith(few)]


def test_everybody_sits_a_paper_of_their_own(world, session, sign_in):
    """Two forms, items and options shuffled: all right answers still earn all points, the stored
    labels are those of the questions, and the page letters them as they were seen."""
    exam = world.exam(forms=2, shuffled=True)
    ids = [{item["id"] for item in form.items} for form in exam.forms]
    assert len(ids) == 2 and len(ids[0] & ids[1]) <= 0.2 * len(ids[0])
    papers, forms = [], []
    for _ in range(4):
        api = sign_in(world.account("director", VILLAGE))
        opened = start(api, exam)
        assert start(api, exam)["paper"] == opened["paper"]
        attempt = session.get_one(Attempt, opened["attempt_id"])
        places = {p.id: p for p in slots_of(attempt)}
        forms.append(attempt.form_id)
        session.commit()
        papers.append([(i["stem"], i.get("order")) for i in opened["paper"]["items"]])
        for item in opened["paper"]["items"]:
            assert item["stem"] == places[item["slot"]].question.stem
            assert sorted(item.get("order") or []) == sorted(item.get("options") or [])
        right = {slot: right_answer(p.question) for slot, p in places.items()}
        save(api, opened["attempt_id"], *[(slot, key, 1) for slot, key in right.items()])
        done = submit(api, opened["attempt_id"]).json
        assert done["passed"] and done["score"] == done["max_score"] == 100
        page = api.get(f"/exams/attempts/{opened['attempt_id']}/result").text
        single = next(p for p in places.values() if p.question.type == "single")
        letter = "ABCD"[single.order.index(single.question.key)]
        text = escape(single.question.options[single.question.key])
        assert f"{letter}. {text} <span" in page
    assert forms[0] != forms[1] and forms[:2] == forms[2:]
    assert len({str(p) for p in papers}) == 4


def test_a_second_attempt_is_another_form(world, session, api):
    exam = world.exam(forms=2, shuffled=True)
    first = start(api, exam)["attempt_id"]
    submit(api, first)
    second = start(api, exam)["attempt_id"]
    assert session.get_one(Attempt, first).form_id != session.get_one(Attempt, second).form_id


def test_the_supervisors_exam_is_for_supervisors(world, session):
    exam = world.exam(blueprint="supervisors", kind="supervisors", title="儿童督导员考核")
    director = world.account("director", VILLAGE)
    supervisor = world.account("supervisor", VILLAGE[:9] + "000")
    assert exam.id not in {e.id for e, _ in service.exams_for(session, director.person_id)}
    assert exam.id in {e.id for e, _ in service.exams_for(session, supervisor.person_id)}


@pytest.mark.parametrize("blueprint", ["induction", "annual", "supervisors"])
def test_an_exam_of_each_blueprint_gives_all_points_for_all_right(world, session, saver, blueprint):
    exam = world.exam(blueprint=blueprint, kind=blueprint)
    role = "supervisor" if blueprint == "supervisors" else "director"
    account = world.account(role, VILLAGE if role == "director" else VILLAGE[:9] + "000")
    person = session.get_one(Person, account.person_id)
    done = hand_in(session, saver, begin(session, exam, person), rightly)
    assert float(done.score) == float(done.max_score) == 2 * len(exam.forms[0].items)


def test_a_case_shares_its_points_among_its_questions(world):
    exam = world.exam()
    blueprint = load_blueprint("induction")
    places = [p for p in slots(exam.forms[0]) if p.item.type == "case"]
    assert {p.text for p in places} == {p.item.text for p in places}
    for item in {p.item.id: p.item for p in places}.values():
        own = [p for p in places if p.item.id == item.id]
        assert sum(p.worth(blueprint) for p in own) == pytest.approx(2)
        assert [p.question for p in own] == list(item.questions)
