from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from question_bank.dif import mantel_haenszel
from question_bank.equating import equipercentile, linear, percentile_ranks
from question_bank.irt import calibrate
from question_bank.linking import Link, mean_sigma, stocking_lord
from question_bank.standard import angoff

counts = st.lists(st.integers(0, 30), min_size=3, max_size=12).filter(lambda c: sum(c) > 0)


@given(st.floats(0.4, 2.5), st.floats(-2, 2))
def test_both_links_find_the_line_between_two_scales(slope, intercept):
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.6, 2, 12), rng.normal(size=12)
    new_a, new_b = Link(slope, intercept).apply(a, b)
    for link in (mean_sigma(b, new_b), stocking_lord(a, b, new_a, b_new=new_b)):
        assert link.slope == pytest.approx(slope, rel=1e-3)
        assert link.intercept == pytest.approx(intercept, abs=2e-3)


def test_linking_two_groups_of_unlike_ability():
    rng = np.random.default_rng(2)
    a, b = rng.uniform(0.8, 1.8, 20), rng.normal(size=20)

    def group(n, mean, spread):
        theta = rng.normal(mean, spread, n)
        p = 1 / (1 + np.exp(-a * (theta[:, None] - b)))
        found = calibrate((rng.random((n, 20)) < p).astype(np.float32), errors=False)
        return [np.array([getattr(i, name) for i in found.items]) for name in ("a", "b")]

    (a1, b1), (a0, b0) = group(6000, 0, 1), group(6000, 0.7, 1.2)
    link = stocking_lord(a0, b0, a1, b_new=b1)
    assert link.slope == pytest.approx(1.2, abs=0.08)
    assert link.intercept == pytest.approx(0.7, abs=0.08)


def test_linking_refuses_what_gives_no_scale():
    with pytest.raises(ValueError, match="两道共同题"):
        mean_sigma([1.0], [2.0])
    with pytest.raises(ValueError, match="难度都一样"):
        mean_sigma([1.0, 1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="没估出参数"):
        stocking_lord([1, 1], [0, np.nan], [1, 1], b_new=[0, 1])


def test_equipercentile_of_a_worked_example():
    """Kolen & Brennan (2014), table 2.3: form X frequencies .2 .3 .2 .2 .1, form Y .1 .2 .2 .3 .2."""
    equivalents = equipercentile([20, 30, 20, 20, 10], [10, 20, 20, 30, 20])
    assert np.allclose(equivalents, [0.50, 1.75, 2.8333, 3.50, 4.25], atol=1e-4)
    assert np.allclose(percentile_ranks([20, 30, 20, 20, 10]), [10, 35, 60, 80, 95])


@given(counts)
def test_a_form_equated_to_itself_stays(frequencies):
    equivalents = equipercentile(frequencies, frequencies)
    present = np.array(frequencies) > 0
    assert np.allclose(equivalents[present], np.arange(len(frequencies))[present])


@given(counts, counts)
def test_equating_keeps_the_order(x, y):
    equivalents = equipercentile(x, y)
    assert (np.diff(equivalents) >= -1e-9).all()
    assert equivalents.min() >= -0.5 and equivalents.max() <= len(y) - 0.5


def test_linear_equating_gives_mean_and_spread():
    x, y = np.array([1, 2, 3, 4.0]), np.array([10, 14, 18, 22.0])
    slope, intercept = linear(x, y)
    assert np.allclose(slope * x + intercept, y)
    with pytest.raises(ValueError, match="不同的分数"):
        linear([1, 1], [2, 3])


def test_mantel_haenszel_finds_the_unfair_item():
    rng = np.random.default_rng(3)
    n, m = 4000, 20
    focal = rng.random(n) < 0.4
    theta, b = rng.normal(size=n) - 0.5 * focal, rng.normal(size=m)
    harder = np.zeros((n, m))
    harder[focal, 0] = 1.0
    p = 1 / (1 + np.exp(-(theta[:, None] - b - harder)))
    found = mantel_haenszel(
        (rng.random((n, m)) < p).astype(float), focal, [str(j) for j in range(m)]
    )
    # One logit against the focal group is a delta of −2.35.
    assert found[0].grade == "C" and found[0].delta == pytest.approx(-2.35, abs=0.4)
    assert sum(item.grade != "A" for item in found[1:]) <= 1
    with pytest.raises(ValueError, match="两组都要有人"):
        mantel_haenszel(np.ones((3, 2)), np.zeros(3, bool), ["a", "b"])
    flat = mantel_haenszel(np.ones((4, 2)), np.array([1, 0, 1, 0], bool), ["a", "b"])
    assert flat[0].grade is None


def test_mantel_haenszel_of_one_worked_table():
    """One stratum: 2×2 table 30/10 against 20/20, odds ratio 3."""
    x = np.array([1] * 30 + [0] * 10 + [1] * 20 + [0] * 20, float)
    other = np.array([0] * 30 + [1] * 10 + [0] * 20 + [1] * 20, float)
    focal = np.array([0] * 40 + [1] * 40, bool)
    item = mantel_haenszel(np.column_stack([x, other]), focal, ["a", "b"])[0]
    assert item.odds_ratio == pytest.approx(3)
    variance = 40 * 40 * 50 * 30 / (80**2 * 79)
    assert item.chi_square == pytest.approx((abs(30 - 25) - 0.5) ** 2 / variance)


def test_angoff_is_the_sum_of_the_means():
    found = angoff([[0.6, 0.8], [0.4, np.nan], [0.5, 0.6]], [2, 1])
    assert found.cut == pytest.approx(0.5 * 2 + 0.7)
    assert found.percent == pytest.approx(100 * 1.7 / 3)
    assert found.se > 0 and found.spread[0] == pytest.approx(0.1)
    assert angoff([[0.5]]).se is None
    for bad, reason in (([[1.2]], "0 到 1"), ([[np.nan]], "没有评")):
        with pytest.raises(ValueError, match=reason):
            angoff(bad)
