from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank import InvalidResponse, parse_question, round_points, score, valid_response
from question_bank.scoring import fold

OPTIONS = {"A": "一", "B": "二", "C": "三", "D": "四"}


def question(kind: str, **more):
    return parse_question({"id": "topic-0001", "type": kind, "stem": "这是一道题", **more})


def multiple(key=("A", "C")):
    return question("multiple", options=OPTIONS, key=list(key))


@pytest.mark.parametrize(
    ("chosen", "all_or_nothing", "partial", "social_work"),
    [
        (["A", "C"], 1, 1, 1),
        (["A"], 0, 0.5, 0.25),
        (["A", "B"], 0, 0, 0),
        (["A", "C", "D"], 0, 0, 0),
        ([], 0, 0, 0),
        (None, 0, 0, 0),
    ],
)
def test_multiple_by_scheme(chosen, all_or_nothing, partial, social_work):
    q = multiple()
    assert score(q, chosen) == all_or_nothing
    assert score(q, chosen, "partial") == partial
    assert score(q, chosen, "social_work") == social_work


def test_social_work_never_gives_full_marks_when_incomplete():
    options = {c: c + "项" for c in "ABCDEF"}
    q = question("multiple", options=options, key=list("ABCDE"))
    assert score(q, list("ABCD"), "social_work") < 1


def test_order_fill_match():
    order = question("order", options={"A": "一", "B": "二", "C": "三"}, key=["C", "A", "B"])
    assert score(order, ["C", "A", "B"]) == 1
    assert score(order, ["C", "B", "A"]) == 0
    assert score(order, ["C", "B", "A"], "absolute") == pytest.approx(1 / 3)
    fill = question("fill", key=[["每月", "每个月"], ["30"]])
    assert score(fill, ["每 月。", "三十"]) == 1
    assert score(fill, ["每年", "30"]) == 0.5
    match = question(
        "match", left={"a": "甲", "b": "乙"}, options={1: "一", 2: "二"}, key={"a": 2, "b": 1}
    )
    assert score(match, {"a": 2}) == 0.5


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("30", "三十"),
        ("110", "一一〇"),
        ("A。", "A"),
        (" 12 345 ", "12345"),
        ("二十一", "21"),
        ("一百零五", "105"),
    ],
)
def test_fold_makes_spellings_equal(a, b):
    assert fold(a) == fold(b)


@pytest.mark.parametrize("bad", ["E", ["A"], True, 1, {}])
def test_single_refuses_what_is_no_option(bad):
    with pytest.raises(InvalidResponse):
        valid_response(question("single", options=OPTIONS, key="A"), bad)


@pytest.mark.parametrize("bad", ["A", ["A", "A"], ["E"], [1], {"A": 1}, [["A"]]])
def test_multiple_refuses_what_is_no_choice(bad):
    with pytest.raises(InvalidResponse):
        valid_response(multiple(), bad)


def test_true_false_takes_only_booleans():
    q = question("true_false", key=False)
    assert valid_response(q, False) is False
    assert score(q, False) == 1
    with pytest.raises(InvalidResponse):
        valid_response(q, 0)


@given(st.lists(st.sampled_from("ABCD"), unique=True))
def test_every_scheme_stays_between_nothing_and_all(chosen):
    for scheme in ("all_or_nothing", "partial", "social_work"):
        value = score(multiple(), chosen, scheme)
        assert 0 <= value <= 1
        assert (value == 1) == (set(chosen) == {"A", "C"})


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.125, 0.13), (2.675, 2.68), (1.005, 1.01), (0.1 + 0.2, 0.3), (59.995, 60.0)],
)
def test_rounding_is_half_up(value, rounded):
    assert round_points(value) == rounded


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "single", "options": OPTIONS, "key": "E"},
        {"type": "single", "options": {"A": "一", "C": "二"}, "key": "A"},
        {"type": "single", "options": {"A": "一", "B": "一"}, "key": "A"},
        {"type": "multiple", "options": OPTIONS, "key": ["A"]},
        {"type": "multiple", "options": OPTIONS, "key": ["A", "B", "C", "D"]},
        {"type": "order", "options": OPTIONS, "key": ["A", "B"]},
        {"type": "single", "options": OPTIONS, "key": "A", "status": "reviewed"},
    ],
)
def test_broken_questions_are_refused(broken):
    with pytest.raises(ValueError):
        parse_question({"id": "topic-0001", "stem": "这是一道题", **broken})
