"""A division's standing in the five dimensions, by place and by caseload band; never a ranking of villages by cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from training_records.divisions import DivisionLevel, ancestor, within
from training_records.evaluation.models import EvaluationResult, EvaluationRun
from training_records.evaluation.runs import measures_of, scheme_of
from training_records.evaluation.scoring import evaluate
from training_records.work.models import CaseEntry

# Villages are compared only with those of a similar caseload.
BANDS = ((0, "没有走访对象"), (5, "1–5 名"), (15, "6–15 名"), (30, "16–30 名"))
MORE = "30 名以上"
MIN_SHOWN = 5


@dataclass(frozen=True)
class Group:
    """A group of people: their number, the mean share of each dimension's points (None: no data), and the number of
    people with data."""

    name: str
    people: int
    shares: Mapping[str, float | None]
    known: Mapping[str, int]


@dataclass(frozen=True)
class Outlier:
    """A person whose total lies more than 1.5 interquartile ranges outside the quartiles of their band."""

    person_id: int
    band: str
    total: float
    middle: float


def band_of(children: int) -> str:
    """Returns the band of a caseload."""
    return next((name for limit, name in BANDS if children <= limit), MORE)


def caseloads(session: Session, run: EvaluationRun, prefix: str) -> dict[str, int]:
    """Village to the number of children in its caseload on the day of the run."""
    query = (
        select(CaseEntry.division_code, func.count())
        .where(
            within(CaseEntry.division_code, prefix),
            CaseEntry.opened_on <= run.as_of,
            or_(CaseEntry.closed_on.is_(None), CaseEntry.closed_on > run.as_of),
        )
        .group_by(CaseEntry.division_code)
    )
    return dict(session.execute(query).all())


def shares_of(
    run: EvaluationRun, rows: Iterable[EvaluationResult]
) -> dict[int, dict[str, float | None]]:
    """Person to the share of each dimension's points earned, over the indicators with data."""
    scheme, shares = scheme_of(run), {}
    for row in rows:
        result = evaluate(scheme, measures_of(row), row.months)
        person_shares: dict[str, float | None] = {}
        for dimension in result.dimensions:
            possible = sum(i.max for i in dimension.indicators if i.score is not None)
            person_shares[dimension.id] = (
                float(dimension.score or 0) / float(possible) if possible else None
            )
        shares[row.person_id] = person_shares
    return shares


def groups(
    named: Mapping[int, str], shares: Mapping[int, Mapping[str, float | None]]
) -> list[Group]:
    """Groups people by name, with the mean share of each dimension."""
    members: dict[str, list[int]] = defaultdict(list)
    for person, name in named.items():
        members[name].append(person)
    result = []
    for name in sorted(members):
        member_shares = [shares[p] for p in members[name]]
        means, counts = {}, {}
        for dimension in member_shares[0]:
            known = [
                s for person_shares in member_shares if (s := person_shares[dimension]) is not None
            ]
            counts[dimension] = len(known)
            means[dimension] = sum(known) / len(known) if known else None
        result.append(Group(name, len(member_shares), means, counts))
    return result


def by_place(
    rows: Sequence[EvaluationResult],
    shares: Mapping[int, Mapping[str, float | None]],
    level: DivisionLevel,
) -> list[Group]:
    """Groups people by their division of a level; the names are codes."""
    return groups({r.person_id: ancestor(r.code, level) for r in rows}, shares)


def outliers(rows: Sequence[EvaluationResult], children: Mapping[str, int]) -> list[Outlier]:
    """Outliers within each band; bands of fewer than five people are skipped."""
    bands: dict[str, list[EvaluationResult]] = defaultdict(list)
    for row in rows:
        if row.total is not None and row.grade is not None:
            bands[band_of(children.get(row.code, 0))].append(row)
    result = []
    for name, members in bands.items():
        totals = [float(r.total or 0) for r in members]
        if len(totals) < MIN_SHOWN:
            continue
        low, _, high = quantiles(totals, n=4)
        reach = 1.5 * (high - low)
        middle = median(totals)
        result += [
            Outlier(r.person_id, name, float(r.total or 0), middle)
            for r in members
            if not low - reach <= float(r.total or 0) <= high + reach
        ]
    return sorted(result, key=lambda o: o.total)
