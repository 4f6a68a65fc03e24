"""The sample of a survey."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from training_records.work import checking


@given(
    st.dictionaries(st.integers(1, 50), st.lists(st.integers(1, 10**6), unique=True, max_size=12)),
    st.integers(0, 10**9),
)
def test_a_sample_can_be_drawn_again_by_anybody(visits, seed):
    found = checking.sample(visits, seed)
    # Neither the order of people nor that of visits matters.
    turned = {p: list(reversed(ids)) for p, ids in reversed(list(visits.items()))}
    assert checking.sample(turned, seed) == found
    for person, ids in visits.items():
        assert len(found[person]) == min(3, len(ids)) and set(found[person]) <= set(ids)


def test_a_sample_is_fair():
    drawn = Counter(
        v for seed in range(3000) for v in checking.sample({1: list(range(10))}, seed)[1]
    )
    assert all(abs(n - 900) < 120 for n in drawn.values())
