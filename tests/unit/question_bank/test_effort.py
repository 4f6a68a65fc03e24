from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.effort import MIN_RESPONSES, paces, thresholds

CROWD = {f"p{n}": {"a": 30.0, "b": 200.0} for n in range(MIN_RESPONSES)}


def test_a_tenth_of_the_mean_at_most_ten_seconds() -> None:
    assert thresholds(CROWD) == pytest.approx({"a": 3.0, "b": 10.0})


def test_items_with_few_times_are_not_judged() -> None:
    few = {f"p{n}": {"a": 30.0} for n in range(MIN_RESPONSES - 1)}
    assert thresholds(few) == {} and paces(few) == []


def test_who_clicked_through_comes_first() -> None:
    found = paces({**CROWD, "fast": {"a": 1.0, "b": 9.0}, "half": {"a": 1.0, "b": 90.0}})
    assert [(p.person, p.rapid, p.effort) for p in found[:2]] == [
        ("fast", 2, 0.0),
        ("half", 1, 0.5),
    ]
    assert all(p.effort == 1 for p in found[2:]) and found[0].median == 5.0


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=3),
        st.dictionaries(st.sampled_from("abc"), st.floats(0, 5000), max_size=3),
        max_size=40,
    )
)
def test_effort_is_a_share_of_the_timed(times: dict[str, dict[str, float]]) -> None:
    limit = thresholds(times)
    for pace in paces(times):
        own = {item: s for item, s in times[pace.person].items() if item in limit}
        assert pace.timed == len(own) and 0 <= pace.rapid <= pace.timed
        assert pace.rapid == sum(s < limit[item] for item, s in own.items())
        assert 0 <= pace.effort <= 1
