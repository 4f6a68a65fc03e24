"""Allowances to the cent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from training_records.evaluation import allowances

money = st.integers(0, 10_000_000).map(lambda n: Decimal(n) / 100)


@given(st.booleans() | st.none(), st.booleans(), st.integers(0, 120), money, money, money, money)
def test_allowances_to_the_cent(full, certified, tenths, a, b, c, d):
    rules = {"full_time": a, "part_time": b, "social_worker": c, "grade:优秀": d}
    told = "助理社会工作师" if certified else None
    told = "社会工作者（助理）" if certified else told
    found = allowances.allowance(rules, full, told, months=Decimal(tenths) / 10, grade="优秀")

    def half_up(value):
        return Fraction((2 * value * 100).__floor__() + 1 >> 1, 100)

    months = Fraction(tenths, 10)
    assert Fraction(found.post) == half_up(Fraction(a if full else b) * months)
    assert Fraction(found.certificate) == (half_up(Fraction(c) * months) if certified else 0)
    assert found.grade == d
    assert found.total == found.post + found.certificate + found.grade
