from __future__ import annotations

import numpy as np
import pytest

from question_bank.fit import item_fit, q3, score_distribution
from question_bank.information import item_information, total_information
from question_bank.irt import ItemParameters, calibrate, probability
from question_bank.overall_fit import m2
from tests.unit.question_bank.lsat import LSAT6, LSAT7, matrix


def simulated(n, m=20, seed=1):
    rng = np.random.default_rng(seed)
    theta, a, b = rng.normal(size=n), rng.uniform(0.6, 2, m), rng.normal(size=m)
    p = 1 / (1 + np.exp(-a * (theta[:, None] - b)))
    return (rng.random((n, m)) < p).astype(np.float32), a, b, theta


def rounded(values, digits=3):
    return [round(float(v), digits) for v in values]


def test_2pl_of_lsat6_is_the_published_one():
    """Printed with the `ltm` package for Bock & Lieberman's data (Rizopoulos 2006, section 4.1)."""
    found = calibrate(matrix(LSAT6), "2pl", tolerance=1e-7)
    assert found.converged and round(found.log_likelihood, 2) == -2466.65
    a, b = [i.a for i in found.items], [i.b for i in found.items]
    assert np.allclose(a, [0.8254, 0.7229, 0.8905, 0.6886, 0.6575], atol=0.001)
    assert np.allclose(b, [-3.3597, -1.3696, -0.2799, -1.8659, -3.1236], atol=0.003)
    assert np.allclose(
        [i.se_a for i in found.items], [0.258, 0.187, 0.233, 0.185, 0.210], atol=0.001
    )
    assert np.allclose(
        [i.se_b for i in found.items], [0.867, 0.307, 0.100, 0.434, 0.870], atol=0.003
    )


def test_1pl_of_lsat6_is_the_published_one():
    """Thissen, Marginal maximum likelihood estimation for the one-parameter logistic model,
    Psychometrika 47 (1982): common slope 0.755 and intercepts."""
    found = calibrate(matrix(LSAT6), "1pl", tolerance=1e-7)
    assert round(found.items[0].a, 3) == 0.755 and len({i.a for i in found.items}) == 1
    assert round(found.log_likelihood, 2) == -2466.94
    intercepts = [-i.a * i.b for i in found.items]
    assert np.allclose(intercepts, [2.730, 0.999, 0.240, 1.306, 2.099], atol=0.001)


def test_2pl_of_lsat7_is_the_published_one():
    """Bock & Aitkin's data of 1981; figures as printed with the `mirt` package (Chalmers,
    J. Stat. Softw. 48, 2012)."""
    found = calibrate(matrix(LSAT7), "2pl", tolerance=1e-7)
    assert round(found.log_likelihood, 2) == -2658.81
    assert np.allclose([i.a for i in found.items], [0.988, 1.081, 1.706, 0.765, 0.736], atol=0.002)
    intercepts = [-i.a * i.b for i in found.items]
    assert np.allclose(intercepts, [1.856, 0.808, 1.804, 0.486, 1.855], atol=0.002)


@pytest.mark.parametrize(
    ("data", "value", "p", "rmsea"),
    [(LSAT6, 4.74, 0.449, 0.0), (LSAT7, 11.94, 0.036, 0.037)],
)
def test_m2_of_the_lsat_is_the_published_one(data, value, p, rmsea):
    """LSAT 6: Maydeu-Olivares & Joe (2005); LSAT 7 as printed with the `mirt` package."""
    found = m2(matrix(data), calibrate(matrix(data), "2pl", tolerance=1e-8).items)
    assert (round(found.m2, 2), found.df, round(found.p, 3)) == (value, 5, p)
    assert round(found.rmsea, 3) == rmsea and found.verdict == "close"
    assert found.rmsea_low <= found.rmsea <= found.rmsea_high


@pytest.mark.parametrize(("model", "df"), [("1pl", 44), ("2pl", 35)])
def test_m2_is_a_chi_square_when_the_model_holds(model, df):
    values = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a = np.full(10, 1.2) if model == "1pl" else rng.uniform(0.7, 1.8, 10)
        p = 1 / (1 + np.exp(-a * (rng.normal(size=(800, 1)) - rng.normal(size=10))))
        scores = (rng.random(p.shape) < p).astype(np.float32)
        found = m2(scores, calibrate(scores, model, errors=False).items, model)
        assert found.df == df
        values.append(found.m2)
    # Mean of 40 draws of a chi-square: df ± 4 standard errors.
    assert abs(np.mean(values) - df) < 4 * np.sqrt(2 * df / 40)


def test_m2_sees_two_traits_in_one_test():
    rng = np.random.default_rng(3)
    theta = np.repeat(rng.normal(size=(1500, 2)), 5, axis=1)
    scores = (rng.random(theta.shape) < 1 / (1 + np.exp(-1.5 * theta))).astype(np.float32)
    found = m2(scores, calibrate(scores).items)
    assert found.p < 1e-6 and found.srmsr > 0.08 and found.verdict == "poor"
    scores[0, 0] = np.nan
    assert m2(scores, calibrate(scores).items).df == found.df
    with pytest.raises(ValueError, match="4 到"):
        m2(scores[:, :3], calibrate(scores[:, :3]).items)


def test_parameters_are_recovered_within_their_errors():
    scores, a, b, theta = simulated(6000)
    found = calibrate(scores)
    za = [(i.a - t) / i.se_a for i, t in zip(found.items, a, strict=True)]
    zb = [(i.b - t) / i.se_b for i, t in zip(found.items, b, strict=True)]
    # Standardised errors scatter like N(0, 1): errors neither too small nor too large.
    assert 0.6 < np.std(za) < 1.5 and 0.6 < np.std(zb) < 1.5
    estimate = np.array([p.theta for p in found.persons])
    assert np.corrcoef(estimate, theta)[0, 1] > 0.9
    errors = np.array([p.se for p in found.persons])
    assert np.sqrt(np.mean((estimate - theta) ** 2)) == pytest.approx(
        float(np.sqrt(np.mean(errors**2))), rel=0.05
    )


def test_standard_errors_are_the_curvature_of_the_likelihood():
    """The observed information against second differences of the log-likelihood."""
    from question_bank.irt import _Data, _expect, quadrature

    scores, *_ = simulated(400, 4, seed=5)
    found = calibrate(scores, tolerance=1e-8)
    theta, weight = quadrature()
    data, m = _Data(scores), 4
    start = np.array([i.a for i in found.items] + [-i.a * i.b for i in found.items])

    def likelihood(point):
        return _expect(data, point[:m], point[m:], theta=theta, log_weight=np.log(weight))[2]

    h, size = 1e-3, 2 * m
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            e, f = np.eye(size)[i] * h, np.eye(size)[j] * h
            hessian[i, j] = (
                likelihood(start + e + f)
                - likelihood(start + e - f)
                - likelihood(start - e + f)
                + likelihood(start - e - f)
            ) / (4 * h * h)
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    assert np.allclose([i.se_a for i in found.items], errors[:m], rtol=0.01)


def test_items_and_persons_without_information():
    scores, *_ = simulated(300, 6)
    scores[:, 0], scores[:, 1] = 1, 0
    scores[0], scores[1] = 1, np.nan
    found = calibrate(scores)
    assert found.items[0].a is None or found.items[0].b is not None
    nobody = calibrate(np.ones((5, 3), dtype=np.float32))
    assert all(i.a is None for i in nobody.items) and nobody.converged
    assert found.persons[1].theta == pytest.approx(0, abs=1e-6)
    assert found.persons[1].se == pytest.approx(1, abs=0.01)
    with pytest.raises(ValueError, match="0/1"):
        calibrate(np.array([[0, 2], [1, 0]], dtype=np.float32))


def test_not_administered_blocks_leave_the_estimates_about_the_same():
    scores, a, b, _ = simulated(8000, 12, seed=2)
    holed = scores.copy()
    holed[:4000, :4] = np.nan
    holed[4000:, 8:] = np.nan
    found = calibrate(holed)
    assert np.sqrt(np.mean((np.array([i.b for i in found.items]) - b) ** 2)) < 0.12
    assert all(i.se_b > 0 for i in found.items)
    assert np.mean([abs(i.a - t) for i, t in zip(found.items, a, strict=True)]) < 0.15


def total_information_and_score_distribution():
    info = item_information([1.5], [0.5], [0.5, 3])
    assert info[0, 0] == pytest.approx(1.5**2 / 4) and info[0, 1] < info[0, 0]
    assert total_information([1, 2], [0, 0], [0])[0] == pytest.approx(0.25 + 1)
    p = probability(np.array([1.0, 2.0, 0.5]), np.array([0.0, 1.0, -1.0]), np.array([-1.0, 0, 2]))
    table = score_distribution(p)
    assert np.allclose(table.sum(axis=0), 1)
    assert np.allclose(table[3], p.prod(axis=0)) and np.allclose(table[0], (1 - p).prod(axis=0))


def test_item_fit_is_even_under_the_model_and_finds_a_misfit():
    scores, *_ = simulated(4000, 15, seed=7)
    rng = np.random.default_rng(0)
    # One item that the able and the weak get right and the middle does not.
    clean = item_fit(scores, calibrate(scores, errors=False).items)
    assert sum(f.p < 0.01 for f in clean) <= 1 and all(f.df > 3 for f in clean)
    total = scores.sum(axis=1)
    middle = np.abs(total - np.median(total)) < 3
    scores[:, 0] = np.where(middle, rng.random(4000) < 0.2, rng.random(4000) < 0.9)
    found = calibrate(scores, errors=False)
    fits = item_fit(scores, found.items)
    assert fits[0].p < 0.001 and fits[0].s_x2 == max(f.s_x2 for f in fits)
    none = item_fit(scores[:3], [ItemParameters(str(j), None, None, None, None) for j in range(15)])
    assert all(f.s_x2 is None for f in none)


def test_q3_finds_two_items_that_hang_together():
    scores, *_ = simulated(3000, 10, seed=9)
    scores[:, 1] = np.where(np.random.default_rng(1).random(3000) < 0.4, scores[:, 0], scores[:, 1])
    found = calibrate(scores, errors=False)
    table = q3(scores, found.items, np.array([p.theta for p in found.persons]))
    others = table[np.triu_indices(10, 1)]
    assert table[0, 1] == np.nanmax(others) > 0.15 and abs(np.median(others)) < 0.1
    assert np.allclose(np.diag(table), 1)
