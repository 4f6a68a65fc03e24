"""Leave is cut out of a time."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from training_records.ledger import absence


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=4),
    st.integers(0, 300),
    st.integers(0, 200),
)
def test_what_is_left_of_a_time_without_leave(spans, begin, length):
    day = date(2026, 1, 1)
    away, reached = [], -1
    for gap, long in spans:
        first = reached + 1 + gap
        away.append((day + timedelta(first), day + timedelta(first + long)))
        reached = first + long
    start, end = day + timedelta(begin), day + timedelta(begin + length)
    left = absence.without(start, end, away)
    days = {start + timedelta(n) for n in range(length + 1)}
    days -= {a + timedelta(n) for a, b in away for n in range((b - a).days + 1)}
    assert {a + timedelta(n) for a, b in left for n in range((b - a).days + 1)} == days
    assert all(a <= b for a, b in left)
