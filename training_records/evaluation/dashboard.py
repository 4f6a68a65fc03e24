"""The five dimensions by place and year: the overview of a city or a district through the year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.divisions import level_of, prefix_of, within
from training_records.evaluation.models import EvaluationResult, EvaluationRun
from training_records.evaluation.overview import (
    Group,
    Outlier,
    by_place,
    caseloads,
    groups,
    outliers,
    shares_of,
)

YEARS = 5
# The figures of a run change only when it is recalculated.
_MAX_CACHED = 256
_cache: dict[tuple[int, datetime, str], RunFigures] = {}


@dataclass(frozen=True)
class RunFigures:
    """The figures of a run within an office's scope: overall, by town, grades, outliers."""

    run_id: int
    year: int
    code: str
    state: str
    whole: Group
    towns: tuple[Group, ...]
    grades: Mapping[str, int]
    outliers: tuple[Outlier, ...]


def figures_of(session: Session, run: EvaluationRun, prefix: str) -> RunFigures | None:
    """Returns the figures of a run within a prefix; None if nobody in it was evaluated."""
    reach = max(prefix, prefix_of(run.division_code), key=len)
    key = (run.id, run.reckoned_at, reach)
    if key not in _cache:
        query = select(EvaluationResult).where(
            EvaluationResult.run_id == run.id, within(EvaluationResult.code, reach)
        )
        rows = list(session.scalars(query))
        if not rows:
            return None
        shares = shares_of(run, rows)
        [whole] = groups(dict.fromkeys(shares, run.division_code), shares)
        if len(_cache) >= _MAX_CACHED:
            _cache.clear()
        _cache[key] = RunFigures(
            run.id,
            run.year,
            run.division_code,
            run.state,
            whole,
            tuple(by_place(rows, shares, "town")),
            Counter(r.grade or "不定等次" for r in rows),
            tuple(outliers(rows, caseloads(session, run, reach))),
        )
    cached = _cache[key]
    return replace(cached, state=run.state)


def runs_of_years(session: Session, prefix: str, last: int) -> list[EvaluationRun]:
    """The runs of a scope in the `YEARS` years up to `last`; a town gets those of its district."""
    code = prefix[:6].ljust(12, "0") if len(prefix) > 6 else None
    in_scope = (
        EvaluationRun.division_code == code if code else within(EvaluationRun.division_code, prefix)
    )
    query = select(EvaluationRun).where(
        in_scope, EvaluationRun.year.between(last - YEARS + 1, last)
    )
    return list(session.scalars(query.order_by(EvaluationRun.year, EvaluationRun.division_code)))


@dataclass(frozen=True)
class Dashboard:
    """A year: its runs, the places of a scope (districts for a city, else towns), the overall figures, and the years
    before. `weakest`: the dimension with the smallest share of its points."""

    year: int
    runs: tuple[RunFigures, ...]
    places: tuple[Group, ...]
    whole: Group | None
    trend: tuple[tuple[int, Group], ...]
    weakest: str | None


def dashboard(session: Session, prefix: str, year: int) -> Dashboard:
    """Computes the figures of a scope for a year."""
    figures = [figures_of(session, run, prefix) for run in runs_of_years(session, prefix, year)]
    known = [f for f in figures if f is not None]
    by_year: dict[int, list[RunFigures]] = {}
    for run_figures in known:
        by_year.setdefault(run_figures.year, []).append(run_figures)
    this_year = by_year.get(year, [])
    over_districts = level_of(prefix.ljust(12, "0")) not in ("district", "town")
    places = (
        [f.whole for f in this_year] if over_districts else [g for f in this_year for g in f.towns]
    )
    trend = tuple((y, joined([f.whole for f in of], str(y))) for y, of in sorted(by_year.items()))
    whole = joined([f.whole for f in this_year], prefix) if this_year else None
    shares = {d: s for d, s in (whole.shares if whole else {}).items() if s is not None}
    weakest = min(shares, key=lambda d: shares[d]) if shares else None
    return Dashboard(year, tuple(this_year), tuple(places), whole, trend, weakest)


def joined(parts: Sequence[Group], name: str) -> Group:
    """Combines groups, weighted in each dimension by the number of people with data."""
    shares, known = {}, {}
    for dimension in _dimensions(parts):
        weighted = [
            (s, p.known.get(dimension, 0))
            for p in parts
            if (s := p.shares.get(dimension)) is not None
        ]
        weight = known[dimension] = sum(n for _, n in weighted)
        shares[dimension] = sum(s * n for s, n in weighted) / weight if weight else None
    return Group(name, sum(p.people for p in parts), shares, known)


def _dimensions(parts: Iterable[Group]) -> list[str]:
    return list(dict.fromkeys(d for p in parts for d in p.shares))
