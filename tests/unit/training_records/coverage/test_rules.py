"""The rule of coverage and the day it is seen from."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from training_records.coverage.definition import default_as_of, judge
from training_records.coverage.rules import Rule

DAY = date(2026, 11, 24)


@given(st.decimals(0, 20, places=2), st.booleans(), st.integers(0, 400))
def test_the_rule_itself(hours, exam, days):
    status, reason = judge(hours, exam, days, rule=Rule())
    assert (status == "covered") == (hours >= 8 and exam)
    assert (reason == "") == (status == "covered")
    if status != "covered":
        assert status == ("pending" if days <= 30 else "uncovered")


def test_the_day_that_a_year_is_seen_from():
    assert default_as_of(2026, DAY) == DAY
    assert default_as_of(2025, DAY) == date(2025, 12, 31)
    assert default_as_of(2027, DAY) == date(2027, 1, 1)
