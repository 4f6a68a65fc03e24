from __future__ import annotations

from itertools import combinations, product

from hypothesis import given, settings
from hypothesis import strategies as st

from question_bank.conflict import smallest_conflict
from question_bank.programme import Constraint
from tests.examples import examples

COLUMNS = 4


@st.composite
def rows(draw):
    places = draw(st.lists(st.integers(0, COLUMNS - 1), min_size=1, max_size=COLUMNS, unique=True))
    coefficients = draw(
        st.none()
        | st.lists(st.sampled_from([1.0, -1.0]), min_size=len(places), max_size=len(places))
    )
    low = draw(st.integers(-1, 3))
    return Constraint(places, low, low + draw(st.integers(0, 2)), "x", coefficients)


def holds(row, values):
    own = row.coefficients or [1.0] * len(row.columns)
    return row.low <= sum(c * values[i] for c, i in zip(own, row.columns, strict=True)) <= row.high


def possible(chosen):
    return any(all(holds(r, v) for r in chosen) for v in product((0, 1), repeat=COLUMNS))


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(rows(), max_size=7))
def test_no_smaller_set_of_rows_conflicts(given_rows):
    """Against trying every set of rows and every choice of columns."""
    found = smallest_conflict(COLUMNS, given_rows)
    if possible(given_rows):
        assert found == []
        return
    assert not possible(found)
    for size in range(len(found)):
        assert all(possible(c) for c in combinations(given_rows, size))
