from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from benchmarks import practice_model
from exam_app.exams.administration import reserved_items as service_reserved
from exam_app.practice import service
from exam_app.practice.answers import Choice, check_practice, parts, practice_set, read_response
from exam_app.practice.memory import LONGEST, mastery, recall, review
from exam_app.practice.models import PracticeAnswer, PracticeCard
from question_bank import load_bank, load_pool
from tests.factories import VILLAGE, ZONE, begin, form_values, hand_in, right_answer
from training_records.database import now

BANK = load_bank()
KINDS = ("single", "multiple", "true_false", "fill", "order", "match", "case")


def first(kind):
    return next(q for q in BANK if q.type == kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_form_is_right_and_an_empty_one_is_not(kind):
    item = first(kind)
    right = {name: form_values(question) for name, question, _ in parts(item)}
    assert all(p.right for p in check_practice(item, right.__getitem__))
    assert not any(p.right for p in check_practice(item, lambda name: []))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("single", ["Z"]),
        ("multiple", ["A", "Z"]),
        ("order", ["1", "1", "x"]),
        ("order", ["", "2"]),
        ("match", ["99", "a"]),
        ("fill", ["一", "二", "三", "四"]),
        ("true_false", ["maybe"]),
    ],
)
def test_what_a_form_may_not_say_is_wrong_and_no_error(kind, given):
    item = first(kind)
    assert not any(p.right for p in check_practice(item, lambda name: given))


def test_a_half_filled_order_is_no_answer():
    assert read_response(first("order"), ["1", "", "2"]) is None


def test_practice_by_page_and_by_point():
    pool, rng = load_pool("daily").of(BANK), random.Random(1)
    drawn = practice_set(pool, set(), Choice(page="services/visits"), rng, 9)
    assert len(drawn) == 9 and {q.kb.partition("#")[0] for q in drawn} == {"services/visits"}
    drawn = practice_set(pool, set(), Choice(point="duty-5.1"), rng, 3)
    assert len(drawn) == 3 and all("duty-5.1" in q.covers for q in drawn)
    reserved = {q.id for q in drawn}
    again = practice_set(pool, reserved, Choice(point="duty-5.1"), rng, 99)
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


DAILY = load_pool("daily").of(BANK)
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
    # A clock that is years ahead or behind is held to two weeks.
    for ago in (10**8, -50, "x", None):
        page.post("/practice/answers", {"answers": [told(first("true_false"), ago=ago)]})
    session.expire_all()
    oldest = min(session.scalars(select(PracticeAnswer.answered_at)))
    assert oldest > now() - timedelta(days=15)


def card(question, at, **more):
    values = {"state": 1, "step": 0, "due": at, "answers": 0, "right": True, **more}
    return PracticeCard(person_id=1, item_id=question.id, topic=question.topic, **values)


def test_memory_follows_fsrs():
    at = datetime(2026, 3, 1, 4, tzinfo=UTC)
    good, hard, bad = (card(DAILY[0], at) for _ in range(3))
    review(good, True, False, at)
    review(hard, True, True, at)
    review(bad, False, False, at)
    assert good.stability > hard.stability > bad.stability
    assert good.due > hard.due >= bad.due > at
    # By the definition of stability nine tenths are remembered when it has passed.
    assert recall(good, at + timedelta(days=round(good.stability))) == pytest.approx(0.9, abs=0.02)
    spans = []
    for _ in range(5):
        when = good.due
        review(good, True, False, when)
        spans.append((good.due - when).days)
    assert spans == sorted(spans) and 100 < spans[-1] <= LONGEST


@settings(max_examples=60, deadline=None)
@given(
    met=st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.integers(0, 60)), max_size=40),
    n=st.integers(1, 15),
    seed=st.integers(0, 99),
)
def test_what_is_drawn(met, n, seed):
    at = datetime(2026, 6, 1, 4, tzinfo=UTC)
    pool = [q for q in DAILY if q.type in service.TYPES]
    cards = {}
    for place, right, days in met:
        question = pool[place % len(pool)]
        own = card(question, at - timedelta(days=days), right=right)
        review(own, right, False, at - timedelta(days=days))
        cards[question.id] = own
    reserved = {q.id for q in pool[::7]}
    drawn = service.draw(cards, pool, reserved, at, random.Random(seed), n)
    ids = [q.id for q in drawn]
    assert len(ids) == len(set(ids)) == n and not reserved & set(ids)
    due = [c for c in cards.values() if c.due <= at and c.item_id not in reserved]
    met_before = [cards[i] for i in ids if i in cards]
    # Nothing is asked before it is due; two in five are new, more where less is due.
    assert all(c.due <= at for c in met_before)
    assert len(met_before) == min(n - n * 2 // 5, len(due))
    if met_before:
        worst = max(recall(c, at) for c in met_before)
        assert all(recall(c, at) >= worst for c in due if c.item_id not in ids)


def test_mastery_says_how_sure_it_is():
    at = datetime(2026, 6, 1, 4, tzinfo=UTC)
    nothing = mastery("走访建档", [], at)
    assert (nothing.met, nothing.share) == (0, 0.5) and nothing.high - nothing.low > 0.85
    cards = [card(q, at) for q in DAILY[:40]]
    for own in cards:
        review(own, True, False, at)
    few, many = mastery("x", cards[:5], at), mastery("x", cards, at)
    assert many.low > few.low and many.high - many.low < few.high - few.low
    assert many.share == pytest.approx(41 / 42)
    # What was right once is forgotten with time.
    later = mastery("x", cards, at + timedelta(days=200))
    assert later.share < many.share - 0.1
    wrong = [card(q, at, right=False) for q in DAILY[:10]]
    assert mastery("x", wrong, at).share == pytest.approx(1 / 12)


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
    assert service.streak(session, person.id, today, ZONE) == 3
    assert service.streak(session, person.id, today + timedelta(days=1), ZONE) == 3
    assert service.streak(session, person.id, today + timedelta(days=2), ZONE) == 0
    assert service.done_on(session, person.id, today, ZONE) == 1


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


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=12))
def test_the_simulated_memory_is_the_library_s(history):
    """Step by step the same stability, difficulty, interval and recall as FSRS by itself."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    memory, own, day = practice_model.Memory(1, 1), card(DAILY[0], start), 0
    one = np.zeros(1, dtype=int)
    for gap, right in history:
        day += gap
        review(own, right, False, start + timedelta(days=day))
        rating = np.array([practice_model.GOOD if right else practice_model.AGAIN])
        memory.review(one, one, rating, day)
        assert memory.stability[0, 0] == pytest.approx(own.stability)
        assert memory.difficulty[0, 0] == pytest.approx(own.difficulty)
        days = practice_model.interval(memory.stability)[0, 0]
        assert start + timedelta(days=day + int(days)) == own.due
        later = start + timedelta(days=day + 17)
        assert memory.recall(day + 17)[0, 0] == pytest.approx(recall(own, later))


def test_a_simulated_year_repeats_itself_and_adds_up():
    setting = practice_model.Setting(people=40, items=60, exam=80, diligence=0.8)
    found = practice_model.simulate(setting)
    again = practice_model.simulate(setting)
    assert all(np.array_equal(found[k], again[k]) for k in found)
    assert all(((v >= 0) & (v <= 1)).all() for k, v in found.items() if k != "questions")
    # Nobody answers more than five a day, and a small bank met again and again is known well.
    assert found["questions"].max() <= 5 * 80 and found["daily_exam"].mean() > 0.8
    # What is crammed on the eve is there on the day and gone sooner.
    assert found["eve_exam"].mean() - found["eve_later"].mean() > 0.1
    idle = practice_model.simulate(replace(setting, diligence=0.0))
    assert idle["daily_exam"].max() == idle["eve_exam"].max() == 0
