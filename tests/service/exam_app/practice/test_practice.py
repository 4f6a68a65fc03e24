from __future__ import annotations

import itertools
import random
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from exam_app.exams.administration import reserved_items as service_reserved
from exam_app.practice import service
from exam_app.practice.answers import Choice, parts, practice_set
from exam_app.practice.models import PracticeAnswer, PracticeCard
from question_bank import load_bank, load_pool
from tests.factories import VILLAGE, ZONE, begin, form_values, hand_in, right_answer
from training_records.database import now

BANK = load_bank()
KINDS = ("single", "multiple", "true_false", "fill", "order", "match", "case")


def first(kind):
    return next(q for q in BANK if q.type == kind)


def test_practice_by_page_and_by_point():
    pool, rng = load_pool("daily").of(BANK), random.Random(1)
    drawn = practice_set(pool, set(), Choice(page="services/visits"), rng=rng, n=9)
    assert len(drawn) == 9 and {q.kb.partition("#")[0] for q in drawn} == {"services/visits"}
    drawn = practice_set(pool, set(), Choice(point="duty-5.1"), rng=rng, n=3)
    assert len(drawn) == 3 and all("duty-5.1" in q.covers for q in drawn)
    reserved = {q.id for q in drawn}
    again = practice_set(pool, reserved, Choice(point="duty-5.1"), rng=rng, n=99)
    assert not reserved & {q.id for q in again}


@pytest.fixture
def page(world, sign_in):
    return sign_in(world.account("director", VILLAGE))


def test_every_kind_is_shown_and_explained(page):
    for kind in KINDS:
        item = first(kind)
        fields = {name: form_values(q) for name, q, _ in parts(item)}
        text = page.form("/practice", item=item.id, **fields).text
        for _, question, _ in parts(item):
            assert question.explanation in text
        assert f"{len(parts(item))} 题答对 {len(parts(item))} 题" in text
    assert "只练和“变了就改" in page.get("/practice?point=duty-2.3").text


def test_the_key_of_an_open_exam_is_not_in_reach_of_practice(world, page):
    exam = world.exam()
    item = exam.forms[0].items[0]
    text = page.form("/practice", item=item["id"]).text
    assert "0 题答对 0 题" in text and item["explanation"] not in text


QUESTIONS = {q.id: q for q in BANK}


def told(question, right=True, key=None, **more):
    """An answer as a phone sends it."""
    response = right_answer(question)
    if not right:
        other = next(x for x in ("A", "B") if x != response)
        response = {"true_false": not question.key, "multiple": ["A"]}.get(question.type, other)
    return {"key": key or uuid4().hex, "item": question.id, "response": response, **more}


def test_the_pack_holds_what_can_be_marked_on_the_phone(world, page):
    exam = world.exam()
    reserved = {item["id"] for item in exam.forms[0].items}
    data = page.get("/practice/pack.json").json
    assert len(data["items"]) == service.PACK and data["done"] == 0
    assert not reserved & {i["id"] for i in data["items"]}
    for item in data["items"]:
        question = QUESTIONS[item["id"]]
        assert item["type"] in service.TYPES and set(item["key"]) <= {
            label for label, _ in item["options"]
        }
        again = right_answer(question)
        assert item["key"] == (
            again
            if question.type == "multiple"
            else [str(again).lower() if again in (True, False) else again]
        )
    topics = [i["topic"] for i in data["items"]]
    assert all(a != b for a, b in itertools.pairwise(topics))
    # Until it is answered it stays the same, also when the page is opened again.
    assert page.get("/practice/pack.json").json["items"] == data["items"]


def test_an_answer_sent_twice_counts_once(page, session):
    question = first("single")
    answer = told(question)
    for _ in range(3):
        data = page.post("/practice/answers", {"answers": [answer, answer]}).json
        assert data["right"] == {answer["key"]: True} and data["done"] == 1
    card = session.scalars(select(PracticeCard)).one()
    assert card.answers == 1 and card.right
    session.commit()
    wrong = told(question, right=False)
    assert page.post("/practice/answers", {"answers": [wrong]}).json["right"] == {
        wrong["key"]: False
    }
    assert "上一次答错的有 1 题" in page.get("/practice/wrong").text
    page.post("/practice/answers", {"answers": [told(question)]})
    assert "没有错题" in page.get("/practice/wrong").text


def test_what_a_phone_may_not_send_is_left_out(world, page, session):
    exam = world.exam()
    reserved = QUESTIONS[exam.forms[0].items[0]["id"]]
    single = next(q for q in BANK if q.type == "single" and q.id != reserved.id)
    odd = [
        told(reserved),
        told(single, key="short"),
        {**told(single), "item": "none-0001"},
        {**told(single), "item": 5},
        {**told(single), "response": {"a": "x" * 1000}},
        {**told(single), "response": "Z"},
        "text",
        None,
    ]
    data = page.post("/practice/answers", {"answers": odd}).json
    assert data["right"] == {} and data["done"] == 0
    assert session.scalars(select(PracticeCard)).all() == []
    session.commit()
    for body in ({}, {"answers": 5}, [], {"answers": [told(single) for _ in range(101)]}):
        assert page.post("/practice/answers", body).status_code == 422


def test_late_answers_keep_their_day_and_never_turn_memory_back(page, session):
    question = first("single")
    page.post("/practice/answers", {"answers": [told(question)]})
    before = session.scalars(select(PracticeCard)).one()
    last = before.last_review
    session.commit()
    old = told(question, right=False, ago=3 * 86400)
    data = page.post("/practice/answers", {"answers": [old]}).json
    assert data["done"] == 1
    session.expire_all()
    card = session.scalars(select(PracticeCard)).one()
    assert card.last_review >= last and card.answers == 2
    session.commit()
    # A clock that is years ahead or behind is held to two weeks.
    for ago in (10**8, -50, "x", None):
        sent = {"answers": [told(first("true_false"), ago=ago)]}
        assert page.post("/practice/answers", sent).status_code == 200
    session.expire_all()
    oldest = min(session.scalars(select(PracticeAnswer.answered_at)))
    assert oldest > now() - timedelta(days=15)


def card(question, at, **more):
    values = {"state": 1, "step": 0, "due": at, "answers": 0, "right": True, **more}
    return PracticeCard(person_id=1, item_id=question.id, topic=question.topic, **values)


def test_days_in_a_row(session, world):
    person = world.person()
    today = date(2026, 6, 10)
    for back in (0, 1, 2, 4):
        at = datetime(2026, 6, 10 - back, 9, tzinfo=ZONE)
        session.add(
            PracticeAnswer(
                person_id=person.id,
                key=f"k{back}",
                item_id="x",
                version=1,
                response=None,
                right=True,
                unsure=False,
                daily=True,
                answered_at=at,
            )
        )
    session.commit()
    assert service.streak(session, person.id, today, zone=ZONE) == 3
    assert service.streak(session, person.id, today + timedelta(days=1), zone=ZONE) == 3
    assert service.streak(session, person.id, today + timedelta(days=2), zone=ZONE) == 0
    assert service.done_on(session, person.id, today, zone=ZONE) == 1


def test_topic_practice_is_remembered_too(page, session):
    item = first("order")
    fields = {name: form_values(q) for name, q, _ in parts(item)}
    for _ in range(2):
        page.form("/practice", item=item.id, key="one-page", **fields)
    own = session.scalars(select(PracticeCard)).one()
    assert (own.item_id, own.right, own.answers) == (item.id, True, 1)


def test_the_mock_exam_of_social_workers_is_scored_by_its_rules(world, session, saver):
    exam = world.exam(blueprint="social-work-mock", kind="social-work", practice=True)
    assert len(exam.forms[0].items) == 80 and exam.minutes == 120
    attempt = begin(session, exam, world.person())

    def half(place):
        key = right_answer(place.question)
        return key[:1] if place.question.type == "multiple" else key

    hand_in(session, saver, attempt, half)
    # 60 single choices of one point; of twenty multiple choices one right choice each, half a point.
    assert (attempt.score, attempt.max_score) == (70, 100)
    assert not service_reserved(session) & {i["id"] for i in exam.forms[0].items}
