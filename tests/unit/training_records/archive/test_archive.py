"""Texts cut to their length."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training_records.archive.experience import fit


@given(
    st.lists(st.text("甲乙丙丁", min_size=1, max_size=60), max_size=5),
    st.lists(st.text("甲乙丙丁", min_size=1, max_size=60), max_size=12),
)
def test_fit_never_exceeds_the_limit(posts, trainings):
    result = fit(posts, trainings)
    assert len(result) <= 200
    if posts and len(posts[-1]) < 190:
        assert posts[-1] in result
