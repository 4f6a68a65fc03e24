"""Time on a course, and what courses hold."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exam_app.learn import study
from tests.examples import examples
from tests.factories import (
    BANK,
)
from training_records.facts.courses import Course, Unit
from training_records.facts.loading import load_facts

UNIT = Unit(id="u", title="读", minutes=20, text="读一读")


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=12))
def test_stretches_joined_cover_the_same_seconds(given_):
    stretches = [[a, a + b] for a, b in given_]
    found = study.joined(stretches)
    covered = {s for a, b in stretches for s in range(a, b)}
    assert covered == {s for a, b in found for s in range(int(a), int(b))}
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("done", "today", "months", "holds"),
    [
        (date(2025, 3, 15), date(2026, 3, 14), 12, True),
        (date(2025, 3, 15), date(2026, 3, 15), 12, False),
        (date(2025, 12, 31), date(2026, 1, 1), None, True),
        (date(2025, 1, 31), date(2025, 2, 28), 1, True),
        (date(2025, 1, 31), date(2025, 3, 1), 1, False),
    ],
)
def test_how_long_a_course_holds(done, today, months, holds):
    course = Course(id="c", title="课", kind="improvement", level="市", units=(UNIT,))
    assert course.model_copy(update={"valid_months": months}).still_counts(done, today) is holds


def test_quizzes_have_questions_enough():
    """Every quiz of the courses that ship can be asked, with the questions of the pages it names."""
    for course in load_facts().courses:
        for unit in course.units:
            if unit.quiz is None:
                continue
            pool = [
                q
                for q in BANK.reviewed()
                if q.type in ("single", "multiple", "true_false")
                and (
                    q.topic == unit.quiz.topic
                    if unit.quiz.topic
                    else q.kb.partition("#")[0] in unit.pages
                )
            ]
            assert len(pool) >= 3 * unit.quiz.items, (course.id, unit.id, len(pool))
