from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from question_bank import load_bank, parse_question, score
from question_bank.draw import KINDS, form_place, item_order, option_order, seen

BANK = load_bank()
SEEDS = st.integers(0, 2**31)
CHOICES = [q for q in BANK if q.type in ("single", "multiple")]


@given(st.integers(1, 10), st.integers(1, 10**6), st.integers(1, 20))
def test_forms_are_dealt_evenly_and_anew(forms, person, attempt):
    dealt = Counter(form_place(person + n, attempt, forms) for n in range(3 * forms))
    assert dict(dealt) == dict.fromkeys(range(forms), 3)
    again = {form_place(person, attempt + n, forms) for n in range(forms)}
    assert len(again) == forms


@given(SEEDS, st.lists(st.sampled_from(list(BANK)), max_size=30, unique_by=lambda q: q.id))
def test_an_order_is_a_permutation_by_type_and_always_the_same(seed, questions):
    order = item_order(questions, seed)
    assert sorted(q.id for q in order) == sorted(q.id for q in questions)
    kinds = [KINDS.index(q.type) for q in order]
    assert kinds == sorted(kinds)
    assert item_order(list(reversed(questions)), seed) == order


@given(SEEDS)
def test_questions_of_one_stimulus_stay_together_in_their_order(seed):
    questions = [q for q in BANK if q.type == "single"][:12]
    group = tuple(questions[i].id for i in (7, 2, 9))
    order = [q.id for q in item_order(questions, seed, [group, ("none-0001", "none-0002")])]
    start = order.index(group[0])
    assert tuple(order[start : start + 3]) == group


@given(SEEDS, st.sampled_from(CHOICES))
def test_shuffled_options_keep_their_labels_and_their_worth(seed, question):
    order = option_order(question, seed, question.id)
    assert sorted(order) == sorted(question.options)
    shown, letter = seen(question, order)
    assert [shown.options[c] for c in "ABCDEF"[: len(order)]] == [
        question.options[k] for k in order
    ]
    key = question.key
    told = letter[key] if isinstance(key, str) else [letter[k] for k in key]
    assert score(shown, told) == 1.0


def test_a_shuffle_known_by_heart():
    """The order of a seed never changes: old attempts are shown as they were seen."""
    question = parse_question(
        {
            "id": "t-0001",
            "type": "single",
            "stem": "题",
            "options": {"A": "甲", "B": "乙", "C": "丙", "D": "丁"},
            "key": "A",
        }
    )
    assert [option_order(question, seed, "t-0001") for seed in (1, 2)] == [
        tuple("BCDA"),
        tuple("CBDA"),
    ]


def test_options_that_speak_of_each_other_stay():
    for text in ("以上都对", "A 和 B", "选项 A"):
        question = parse_question(
            {
                "id": "t-0001",
                "type": "single",
                "stem": "题",
                "options": {"A": "甲", "B": "乙", "C": text},
                "key": "A",
            }
        )
        assert all(option_order(question, seed, "t-0001") == ("A", "B", "C") for seed in range(20))


def test_each_option_comes_first_about_as_often():
    first = Counter(option_order(CHOICES[0], seed, "x")[0] for seed in range(2000))
    even = 2000 / len(CHOICES[0].options)
    assert all(abs(n - even) < 5 * even**0.5 for n in first.values()) and len(first) == len(
        CHOICES[0].options
    )
