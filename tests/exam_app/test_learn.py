from __future__ import annotations

import random

import pytest

from exam_app.learn.service import Choice, check_practice, parts, practice_set, read_response
from question_bank import load_bank, load_pool
from tests.factories import VILLAGE, right_answer

BANK = load_bank()
KINDS = ("single", "multiple", "true_false", "fill", "order", "match", "case")


def form_values(question) -> list[str]:
    """What a browser sends when the question is answered rightly."""
    answer = right_answer(question)
    if question.type == "order":
        return [str(question.key.index(label) + 1) for label in question.options]
    if question.type == "match":
        return [str(answer[label]) for label in question.left]
    if question.type == "true_false":
        return [str(answer).lower()]
    return answer if isinstance(answer, list) else [answer]


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
