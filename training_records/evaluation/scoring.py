"""Scoring: from measures to points, total and grade, exactly, with the calculation in words.

Computed in exact fractions. Displayed figures are rounded half-up to 2 decimals, once, and the grade follows the
displayed total.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from training_records.evaluation.scheme import Indicator, Scheme

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Scored:
    """An indicator: value (None: no data), points earned (None: left out), points possible, the calculation in
    words."""

    id: str
    value: Decimal | None
    score: Decimal | None
    max: Decimal
    explanation: str


@dataclass(frozen=True)
class DimensionScore:
    """A dimension: points earned (None: no indicator had data) and its indicators."""

    id: str
    score: Decimal | None
    indicators: tuple[Scored, ...]


@dataclass(frozen=True)
class Result:
    """A person's evaluation. `total`: None if there is no data at all. `grade`: None in that case, and for people in
    post for fewer months than the scheme requires. A veto replaces the grade and leaves the total."""

    total: Decimal | None
    grade: str | None
    vetoed: bool
    dimensions: tuple[DimensionScore, ...]


def evaluate(
    scheme: Scheme, measures: Mapping[str, Decimal | None], months: Decimal | None
) -> Result:
    """Evaluates a person. `months`: months in post in the year (None: the whole year)."""
    part = _part_of_year(scheme, months)
    earned, possible = Fraction(0), Fraction(0)
    dimensions = []
    for dimension in scheme.dimensions:
        dimension_points, scored = Fraction(0), []
        counted = False
        for indicator in dimension.indicators:
            value = measures.get(indicator.measure)
            share, words = _share(indicator, value, part)
            if share is None and scheme.missing == "zero":
                share, words = Fraction(0), "没有数据，按 0 分"
            points = None
            if share is not None:
                gained = Fraction(indicator.points) * share
                dimension_points += gained
                possible += Fraction(indicator.points)
                counted = True
                points = rounded(gained)
                words += f" → {points} 分"
            scored.append(Scored(indicator.id, value, points, indicator.points, words))
        earned += dimension_points
        dimensions.append(
            DimensionScore(
                dimension.id, rounded(dimension_points) if counted else None, tuple(scored)
            )
        )
    total = rounded(earned / possible * 100) if possible else None
    long_enough = months is None or months >= scheme.least_months
    grade = scheme.grade_of(total) if total is not None and long_enough else None
    veto = next((v for v in scheme.vetoes if (measures.get(v.measure) or 0) > v.above), None)
    return Result(total, veto.grade if veto else grade, veto is not None, tuple(dimensions))


def _part_of_year(scheme: Scheme, months: Decimal | None) -> Fraction:
    if scheme.proration == "none" or months is None:
        return Fraction(1)
    return min(Fraction(months) / 12, Fraction(1))


def _share(
    indicator: Indicator, value: Decimal | None, part: Fraction
) -> tuple[Fraction | None, str]:
    """Returns the share of the points, and the calculation in words."""
    if value is None:
        return None, "没有数据，这一项不计，总分按其余各项折成 100 分"
    scale = part if indicator.is_count else Fraction(1)
    if scale == 0:
        return None, "任职不到 1 个月，这一项不计"
    if indicator.scoring == "steps":
        reached = [(b, s) for b, s in indicator.steps if Fraction(value) >= Fraction(b) * scale]
        bound, share = reached[-1] if reached else (None, Decimal(0))
        if bound is None:
            first = _rounded_text(Fraction(indicator.steps[0][0]) * scale)
            return Fraction(0), f"{_number(value)} 没有达到最低一段 {first}"
        at = _rounded_text(Fraction(bound) * scale)
        return Fraction(share), f"{_number(value)} 达到 {at}，得 {_percent(share)}"
    target = Fraction(indicator.target or 0) * scale
    words = _rounded_text(target) + _why(indicator, scale)
    if indicator.scoring == "threshold":
        met = Fraction(value) >= target
        verdict = "达到" if met else "没有达到"
        return Fraction(int(met)), f"{_number(value)} {verdict}目标 {words}"
    share_ = max(min(Fraction(value) / target, Fraction(1)), Fraction(0))
    return share_, f"{_number(value)} ÷ 目标 {words}，最多算 1"


def _why(indicator: Indicator, scale: Fraction) -> str:
    if not indicator.is_count or scale == 1:
        return ""
    months = _rounded_text(scale * 12)
    return f"（全年 {_number(indicator.target or Decimal(0))}，任职 {months} 个月折算）"


def rounded(value: Fraction) -> Decimal:
    """Rounds half-up to 2 decimals, exactly."""
    hundredths = value * 100
    whole = (2 * hundredths.numerator + hundredths.denominator) // (2 * hundredths.denominator)
    return (Decimal(whole) / 100).quantize(CENT, ROUND_HALF_UP)


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _rounded_text(value: Fraction) -> str:
    return _number(rounded(value))


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"
