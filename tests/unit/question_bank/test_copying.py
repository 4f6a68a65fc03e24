from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from question_bank.copying import similar_pairs, upper_tail
from question_bank.responses import read_responses

KEY = {f"q{j}": ("A", 1.0) for j in range(40)}


def room(path, copies, seed=1, persons=60):
    """Invented answers of villages of four; who copies takes half of the neighbour's answers."""
    rng = np.random.default_rng(seed)
    ability = rng.uniform(0.3, 0.8, persons)
    answers = np.where(
        rng.random((persons, 40)) < ability[:, None], "A", rng.choice(list("BCD"), (persons, 40))
    )
    for a, b in copies:
        taken = rng.random(40) < 0.7
        answers[b, taken] = answers[a, taken]
    rows = "\n".join(f"p{i}," + ",".join(row) for i, row in enumerate(answers))
    path.write_text("person," + ",".join(KEY) + f"\n{rows}\n", "utf-8")
    return read_responses(path, KEY), {f"p{i}": f"v{i // 4}" for i in range(persons)}


def test_who_copied_is_found_and_nobody_else(tmp_path):
    data, villages = room(tmp_path / "r.csv", [(0, 1), (20, 23)])
    found = similar_pairs(data, villages)
    assert {(p.first, p.second) for p in found} == {("p0", "p1"), ("p20", "p23")}
    assert all(p.same > 1.5 * p.expected and p.corrected <= 0.05 for p in found)


def test_honest_rooms_are_rarely_suspected(tmp_path):
    suspected = 0
    for seed in range(40):
        data, villages = room(tmp_path / "r.csv", [], seed)
        suspected += bool(similar_pairs(data, villages))
    # At most one room in twenty is to be expected; five of forty would be beyond chance.
    assert suspected <= 5


def test_people_of_different_villages_and_of_no_village_are_not_compared(tmp_path):
    data, _ = room(tmp_path / "r.csv", [(0, 1)])
    assert similar_pairs(data, {f"p{i}": f"v{i}" for i in range(60)}) == []
    assert similar_pairs(data, {}) == []


@settings(deadline=None)
@given(st.integers(1, 30), st.floats(0.01, 0.99), st.integers(0, 30))
def test_the_tail_is_the_binomial_s_where_all_chances_are_alike(n, p, count):
    count = min(count, n)
    assert upper_tail([p] * n, count) == pytest.approx(float(binom.sf(count - 1, n, p)), abs=1e-9)


def test_without_a_key_nothing_can_be_said(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("person,q1\na,1\n", "utf-8")
    with pytest.raises(ValueError, match="答案"):
        similar_pairs(read_responses(path), {})
