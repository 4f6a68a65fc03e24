"""Item response theory: 1PL and 2PL by marginal maximum likelihood.

Estimation: Bock & Aitkin, *Marginal maximum likelihood estimation of item parameters: Application
of an EM algorithm*, Psychometrika 46 (1981), the EM steps accelerated by SQUAREM (Varadhan &
Roland, Scand. J. Statist. 35, 2008); standard errors from the observed information by Louis, *Finding the
observed information matrix when using the EM algorithm*, JRSS B 44 (1982). Scores: EAP, Bock &
Mislevy (1982). Logistic metric, D = 1, θ ~ N(0, 1): P(θ) = 1 / (1 + exp(−a(θ − b))).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from question_bank.responses import ResponsesError

Model = Literal["1pl", "2pl"]
POINTS, REACH = 41, 5.0
CHUNK = 16_384
TOLERANCE, MAX_STEPS = 1e-5, 500
SLOPE_LIMITS = (0.02, 8.0)


@dataclass(frozen=True)
class ItemParameters:
    """Slope `a`, location `b` and their standard errors; None where the item can't be estimated."""

    id: str
    a: float | None
    b: float | None
    se_a: float | None
    se_b: float | None


@dataclass(frozen=True)
class PersonScore:
    """EAP estimate of θ and its posterior standard deviation."""

    id: str
    theta: float
    se: float


@dataclass(frozen=True)
class Calibration:
    """Result of a calibration; `items` and `persons` in the order of the data."""

    model: Model
    method: str
    converged: bool
    iterations: int
    log_likelihood: float
    items: tuple[ItemParameters, ...]
    persons: tuple[PersonScore, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


class _Data:
    """0/1 responses as 8-bit integers, −1 where not administered; yielded in chunks of floats."""

    def __init__(self, scores: np.ndarray) -> None:
        self.codes = np.nan_to_num(scores, nan=-1.0).astype(np.int8, order="C")
        self.complete = bool((self.codes >= 0).all())

    def chunks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
        """Yields (rows, right responses, administered or None when all were)."""
        for start in range(0, len(self.codes), CHUNK):
            rows = slice(start, min(start + CHUNK, len(self.codes)))
            codes = self.codes[rows]
            given = None if self.complete else (codes >= 0).astype(np.float64)
            yield rows, (codes == 1).astype(np.float64), given


def calibrated(items: Sequence[ItemParameters]) -> dict[int, tuple[float, float]]:
    """Index to (a, b) of the items that have parameters."""
    return {j: (i.a, i.b) for j, i in enumerate(items) if i.a is not None and i.b is not None}


def read_parameters(path: Path | str) -> dict[str, tuple[float, float]]:
    """Item to (a, b) from the JSON of a calibration; items without parameters are left out.

    Raises `ResponsesError` (Chinese) when the file is not a calibration.
    """
    try:
        items = json.loads(Path(path).read_text("utf-8"))["items"]
        return {
            str(item["id"]): (float(item["a"]), float(item["b"]))
            for item in items
            if item["a"] is not None and item["b"] is not None
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise ResponsesError(
            f"{path} 不是题目参数文件，要用 academy stats irt --json 的结果"
        ) from None


def quadrature(points: int = POINTS, reach: float = REACH) -> tuple[np.ndarray, np.ndarray]:
    """Equally spaced points of θ and their N(0, 1) weights, which sum to 1."""
    theta = np.linspace(-reach, reach, points)
    weight = np.exp(-0.5 * theta**2)
    return theta, weight / weight.sum()


def probability(a: np.ndarray, d: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """P(right) for items (rows) at points (columns); `d` = −ab."""
    z = np.clip(np.outer(a, theta) + d[:, None], -35, 35)
    right: np.ndarray = 1 / (1 + np.exp(-z))
    return right


class _Curves:
    """Item characteristic curves at the quadrature points, and the posterior of θ from them."""

    def __init__(
        self, a: np.ndarray, d: np.ndarray, theta: np.ndarray, *, log_weight: np.ndarray
    ) -> None:
        self.p = probability(a, d, theta)
        self.wrong = np.log1p(-self.p)
        self.difference = np.log(self.p) - self.wrong
        self.log_weight = log_weight
        self.base = self.wrong.sum(axis=0) + log_weight

    def posterior(self, x: np.ndarray, given: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Posterior (persons × points) and log-likelihood; `x` and `given` as yielded by `_Data.chunks`."""
        log = x @ self.difference
        log += self.base if given is None else given @ self.wrong + self.log_weight
        top = log.max(axis=1, keepdims=True)
        np.subtract(log, top, out=log)
        np.exp(log, out=log)
        mass = log.sum(axis=1, keepdims=True)
        log /= mass
        return log, float(top.sum() + np.log(mass).sum())


def _expect(
    data: _Data, a: np.ndarray, d: np.ndarray, *, theta: np.ndarray, log_weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """E step: expected right responses and persons per item and point, and the log-likelihood."""
    curves = _Curves(a, d, theta, log_weight=log_weight)
    r = np.zeros_like(curves.p)
    n = np.zeros_like(curves.p)
    total = 0.0
    for _, x, given in data.chunks():
        posterior, likelihood = curves.posterior(x, given)
        total += likelihood
        r += x.T @ posterior
        n += posterior.sum(axis=0) if given is None else given.T @ posterior
    return r, n, total


def _maximise(
    a: np.ndarray, d: np.ndarray, r: np.ndarray, *, n: np.ndarray, theta: np.ndarray, common: bool
) -> tuple[np.ndarray, np.ndarray]:
    """M step: a few Newton steps of the weighted logistic regressions, all items at once."""
    a, d = a.copy(), d.copy()
    for _ in range(3):
        p = probability(a, d, theta)
        residual, weight = r - n * p, n * p * (1 - p)
        g_d, g_a = residual.sum(axis=1), residual @ theta
        h_dd, h_da, h_aa = weight.sum(axis=1), weight @ theta, weight @ theta**2
        if common:
            step_d, step_a = _common_step(g_d, g_a, h_dd, h_da=h_da, h_aa=h_aa)
        else:
            determinant = np.maximum(h_dd * h_aa - h_da**2, 1e-12)
            step_d = (h_aa * g_d - h_da * g_a) / determinant
            step_a = (h_dd * g_a - h_da * g_d) / determinant
        scale = 1 / np.maximum(1, np.maximum(abs(step_d), abs(step_a)))
        if common:
            scale = np.full_like(scale, scale.min())
        d += scale * step_d
        a = np.clip(a + scale * step_a, *SLOPE_LIMITS)
        if max(abs(step_d).max(), abs(step_a).max()) < 1e-8:
            break
    return a, d


def _common_step(
    g_d: np.ndarray, g_a: np.ndarray, h_dd: np.ndarray, *, h_da: np.ndarray, h_aa: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Newton step with one common slope: a bordered diagonal system."""
    h_dd = np.maximum(h_dd, 1e-12)
    step_a = (g_a.sum() - (h_da * g_d / h_dd).sum()) / max(
        h_aa.sum() - (h_da**2 / h_dd).sum(), 1e-12
    )
    return (g_d - h_da * step_a) / h_dd, np.full_like(g_d, step_a)


def calibrate(
    scores: np.ndarray,
    model: Model = "2pl",
    items: Sequence[str] | None = None,
    *,
    persons: Sequence[str] | None = None,
    errors: bool = True,
    tolerance: float = TOLERANCE,
) -> Calibration:
    """Calibrates 0/1 `scores` (persons × items, NaN = not administered).

    Items that everybody or nobody got right carry no information: they are left out, and their
    parameters are None. Raises ValueError (Chinese) for scores other than 0 and 1.
    """
    n, m = scores.shape
    names = list(items) if items is not None else [str(j + 1) for j in range(m)]
    people = list(persons) if persons is not None else [str(i + 1) for i in range(n)]
    if not ((scores == 0) | (scores == 1) | np.isnan(scores)).all():
        raise ValueError("项目反应理论只用于 0/1 分的题，请先去掉多级计分的题")
    with np.errstate(invalid="ignore"):
        low, high = np.nanmin(scores, axis=0), np.nanmax(scores, axis=0)
    usable = np.flatnonzero((low == 0) & (high == 1))
    data = _Data(scores[:, usable])
    theta, weight = quadrature()
    log_weight = np.log(weight)
    common = model == "1pl"
    a, d, steps, converged = _climb(data, theta, log_weight, common=common, tolerance=tolerance)
    likelihood = _expect(data, a, d, theta=theta, log_weight=log_weight)[2]
    covariance = (
        _standard_errors(data, a, d, theta=theta, log_weight=log_weight, common=common)
        if errors
        else None
    )
    position = {int(j): number for number, j in enumerate(usable)}
    parameters = tuple(
        _parameters(names[j], position.get(j), a, d=d, covariance=covariance) for j in range(m)
    )
    return Calibration(
        model,
        "MML-EM",
        converged,
        steps,
        likelihood,
        parameters,
        tuple(_scores(data, people, a, d=d, theta=theta, log_weight=log_weight)),
    )


def log_likelihood(scores: np.ndarray, a: ArrayLike, b: ArrayLike) -> float:
    """Marginal log-likelihood of 0/1 scores under given parameters."""
    theta, weight = quadrature()
    slope = np.asarray(a, float)
    return _expect(
        _Data(scores), slope, -slope * np.asarray(b, float), theta=theta, log_weight=np.log(weight)
    )[2]


def _start(data: _Data) -> tuple[np.ndarray, np.ndarray]:
    """Start values: slopes of 1, and intercepts from the logits of the shares right, widened for the spread of θ."""
    given = np.maximum((data.codes >= 0).sum(axis=0), 1)
    share = np.clip((data.codes == 1).sum(axis=0) / given, 0.005, 0.995)
    logit = np.log(share / (1 - share))
    return np.ones(len(share)), 1.2 * logit


def _climb(
    data: _Data, theta: np.ndarray, log_weight: np.ndarray, *, common: bool, tolerance: float
) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """EM with SQUAREM: two EM steps give a direction; an extrapolation that lowers the likelihood is undone."""
    m = data.codes.shape[1]
    a, d = _start(data)
    if m == 0:
        return a, d, 0, True

    def step(point: np.ndarray) -> tuple[np.ndarray, float]:
        r, n, likelihood = _expect(data, point[:m], point[m:], theta=theta, log_weight=log_weight)
        return np.concatenate(
            _maximise(point[:m], point[m:], r, n=n, theta=theta, common=common)
        ), likelihood

    point = fallback = np.concatenate([a, d])
    steps, best = 0, -np.inf
    while steps < MAX_STEPS:
        first, likelihood = step(point)
        if likelihood < best - 1e-7 * abs(best):
            # The extrapolation lowered the likelihood: fall back to the plain EM point.
            point, best = fallback, -np.inf
            continue
        best = likelihood
        steps += 1
        if np.max(np.abs(first - point)) < tolerance:
            return first[:m], first[m:], steps, True
        second, _ = step(first)
        steps += 1
        if np.max(np.abs(second - first)) < tolerance:
            return second[:m], second[m:], steps, True
        fallback = second
        r, v = first - point, second - 2 * first + point
        length = -np.sqrt(np.dot(r, r) / max(np.dot(v, v), 1e-30))
        length = float(np.clip(length, -32, -1))
        point = point - 2 * length * r + length**2 * v
        point[:m] = np.clip(point[:m], *SLOPE_LIMITS)
    return point[:m], point[m:], steps, False


def _standard_errors(
    data: _Data,
    a: np.ndarray,
    d: np.ndarray,
    *,
    theta: np.ndarray,
    log_weight: np.ndarray,
    common: bool,
) -> np.ndarray | None:
    """Covariance of (slopes, intercepts) by Louis: complete minus missing information; None if singular."""
    m = len(a)
    if m == 0:
        return None
    curves = _Curves(a, d, theta, log_weight=log_weight)
    weight = curves.p * (1 - curves.p)
    information = np.zeros((2 * m, 2 * m))
    for _, x, given in data.chunks():
        posterior, _ = curves.posterior(x, given)
        n = posterior.sum(axis=0) if given is None else given.T @ posterior
        _add_blocks(information, weight * n, theta, m=m)
        _subtract_missing(information, x, given, posterior=posterior, p=curves.p, theta=theta, m=m)
    if common:
        join = np.zeros((m + 1, 2 * m))
        join[0, :m] = 1
        join[1:, m:] = np.eye(m)
        return _inverse(join @ information @ join.T, join)
    return _inverse(information, np.eye(2 * m))


def _add_blocks(
    information: np.ndarray, diagonal: np.ndarray, theta: np.ndarray, *, m: int
) -> None:
    index = np.arange(m)
    information[index, index] += diagonal @ theta**2
    information[m + index, m + index] += diagonal.sum(axis=1)
    cross = diagonal @ theta
    information[index, m + index] += cross
    information[m + index, index] += cross


def _subtract_missing(
    information: np.ndarray,
    x: np.ndarray,
    given: np.ndarray | None,
    *,
    posterior: np.ndarray,
    p: np.ndarray,
    theta: np.ndarray,
    m: int,
) -> None:
    """Subtracts Σ E[s s'] − E[s] E[s]' of the complete-data scores s."""
    expected = np.zeros((len(x), 2 * m))
    for q, point in enumerate(theta):
        w = posterior[:, q]
        s = x - p[:, q] if given is None else (x - p[:, q]) * given
        weighted = s * w[:, None]
        block = s.T @ weighted
        information[:m, :m] -= point**2 * block
        information[:m, m:] -= point * block
        information[m:, :m] -= point * block
        information[m:, m:] -= block
        expected[:, :m] += point * weighted
        expected[:, m:] += weighted
    information += expected.T @ expected


def _inverse(information: np.ndarray, join: np.ndarray) -> np.ndarray | None:
    try:
        inverse: np.ndarray = join.T @ np.linalg.inv(information) @ join
    except np.linalg.LinAlgError:
        return None
    return inverse


def _parameters(
    name: str, position: int | None, a: np.ndarray, *, d: np.ndarray, covariance: np.ndarray | None
) -> ItemParameters:
    if position is None:
        return ItemParameters(name, None, None, None, None)
    slope, intercept = float(a[position]), float(d[position])
    location = -intercept / slope
    se_a = se_b = None
    if covariance is not None:
        m = len(a)
        block = covariance[np.ix_([position, m + position], [position, m + position])]
        # Delta method for b = −d / a.
        gradient = np.array([intercept / slope**2, -1 / slope])
        variances = np.array([block[0, 0], gradient @ block @ gradient])
        se_a, se_b = (float(np.sqrt(v)) if v > 0 else None for v in variances)
    return ItemParameters(name, slope, location, se_a, se_b)


def _scores(
    data: _Data,
    persons: Sequence[str],
    a: np.ndarray,
    *,
    d: np.ndarray,
    theta: np.ndarray,
    log_weight: np.ndarray,
) -> Iterator[PersonScore]:
    curves = _Curves(a, d, theta, log_weight=log_weight)
    for rows, x, given in data.chunks():
        posterior, _ = curves.posterior(x, given)
        mean = posterior @ theta
        variance = np.maximum(posterior @ theta**2 - mean**2, 0)
        for offset, (value, spread) in enumerate(zip(mean, np.sqrt(variance), strict=True)):
            yield PersonScore(str(persons[rows.start + offset]), float(value), float(spread))
