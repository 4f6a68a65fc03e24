"""Practice: forms, memory, mastery and what is drawn."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import practice_model
from exam_app.practice import service
from exam_app.practice.answers import check_practice, parts, read_response
from exam_app.practice.memory import LONGEST, mastery, recall, review
from exam_app.practice.models import PracticeCard
from question_bank import load_bank, load_pool
from tests.examples import examples
from tests.factories import form_values

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


DAILY = load_pool("daily").of(BANK)


def card(question, at, **more):
    values = {"state": 1, "step": 0, "due": at, "answers": 0, "right": True, **more}
    return PracticeCard(person_id=1, item_id=question.id, topic=question.topic, **values)


def test_memory_follows_fsrs():
    at = datetime(2026, 3, 1, 4, tzinfo=UTC)
    good, hard, bad = (card(DAILY[0], at) for _ in range(3))
    review(good, True, False, at=at)
    review(hard, True, True, at=at)
    review(bad, False, False, at=at)
    assert good.stability > hard.stability > bad.stability
    assert good.due > hard.due >= bad.due > at
    # By the definition of stability nine tenths are remembered when it has passed.
    assert recall(good, at + timedelta(days=round(good.stability))) == pytest.approx(0.9, abs=0.02)
    spans = []
    for _ in range(5):
        when = good.due
        review(good, True, False, at=when)
        spans.append((good.due - when).days)
    assert spans == sorted(spans) and 100 < spans[-1] <= LONGEST


@settings(max_examples=examples(60), deadline=None)
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
        review(own, right, False, at=at - timedelta(days=days))
        cards[question.id] = own
    reserved = {q.id for q in pool[::7]}
    drawn = service.draw(cards, pool, reserved, at=at, rng=random.Random(seed), n=n)
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
        review(own, True, False, at=at)
    few, many = mastery("x", cards[:5], at), mastery("x", cards, at)
    assert many.low > few.low and many.high - many.low < few.high - few.low
    assert many.share == pytest.approx(41 / 42)
    # What was right once is forgotten with time.
    later = mastery("x", cards, at + timedelta(days=200))
    assert later.share < many.share - 0.1
    wrong = [card(q, at, right=False) for q in DAILY[:10]]
    assert mastery("x", wrong, at).share == pytest.approx(1 / 12)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=12))
def test_the_simulated_memory_is_the_library_s(history):
    """Step by step the same stability, difficulty, interval and recall as FSRS by itself."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    memory, own, day = practice_model.Memory(1, 1), card(DAILY[0], start), 0
    one = np.zeros(1, dtype=int)
    for gap, right in history:
        day += gap
        review(own, right, False, at=start + timedelta(days=day))
        rating = np.array([practice_model.GOOD if right else practice_model.AGAIN])
        memory.review(one, one, rating, day=day)
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
