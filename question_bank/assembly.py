"""Test assembly (组卷): K parallel forms from a blueprint by mixed-integer programming.

The model follows van der Linden, *Linear Models for Optimal Test Design* (2005), ch. 4-6: a
binary x[i, f] says that item i is in form f; counts by attribute are linear constraints; the
objective is the minimax deviation of each form's summed facility from the target. Solved by
HiGHS (through SciPy). A small seeded random cost breaks ties, so that another seed gives another form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from question_bank.blueprint import ATTRIBUTES, Blueprint, bounds
from question_bank.conflict import smallest_conflict
from question_bank.draw import item_order
from question_bank.information import of_parameters
from question_bank.parallel import disjoint_forms, stay_near_information
from question_bank.programme import Constraint, Programme
from question_bank.question import Question

TIE_BREAK = 1e-3


@dataclass(frozen=True)
class Form:
    """One form: its items in order, and its resulting figures."""

    number: int
    items: tuple[str, ...]
    mean_facility: float | None
    information: tuple[float, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    # Largest deviation of any form from an even share, in units of the tolerances (`parallel`).
    gap: float | None = None
    # Largest relative gap between objective and proved bound over all solver steps.
    proved: float | None = None


class InfeasibleBlueprint(ValueError):
    """No form meets the blueprint; `conflicts` names the contradictory constraints in Chinese."""

    def __init__(self, conflicts: list[str]) -> None:
        super().__init__("；".join(conflicts))
        self.conflicts = conflicts


def assemble(
    questions: Sequence[Question],
    blueprint: Blueprint,
    forms: int = 1,
    *,
    seed: int = 0,
    exposure: Mapping[str, int] | None = None,
    parameters: Mapping[str, tuple[float, float]] | None = None,
) -> list[Form]:
    """Assembles `forms` parallel forms from the reviewed `questions`.

    `exposure`: item id to the number of exams of the last two years that used it. `parameters`: item
    id to (a, b), for blueprints with even or target information at points of θ. Forms are disjoint
    where the pool allows; otherwise they overlap within the limit. Raises `InfeasibleBlueprint` with
    the conflicting constraints in words.
    """
    pool = _pool(questions, blueprint, exposure or {})
    disjoint = (
        disjoint_forms(pool, blueprint, forms, seed=seed, parameters=parameters)
        if forms > 1
        else None
    )
    chosen: list[list[int]] | None
    gap: float | None
    proved: float | None
    if disjoint is not None:
        chosen, gap, proved = disjoint.forms, disjoint.gap, disjoint.proved
    else:
        gap = None
        rows = _rows(pool, blueprint, forms)
        chosen, proved = _solve(
            pool, rows, blueprint, forms=forms, seed=seed, parameters=parameters
        )
    if chosen is None:
        raise InfeasibleBlueprint(_conflicts(pool, blueprint, forms))
    return [
        _form(
            number,
            [pool[i] for i in picked],
            seed,
            blueprint=blueprint,
            parameters=parameters,
            gap=gap,
            proved=proved,
        )
        for number, picked in enumerate(chosen, start=1)
    ]


def _pool(
    questions: Sequence[Question], blueprint: Blueprint, exposure: Mapping[str, int]
) -> list[Question]:
    limit = blueprint.max_exposure
    return [
        q
        for q in questions
        if q.status == "reviewed"
        and q.id not in blueprint.exclude
        and (limit is None or exposure.get(q.id, 0) < limit)
    ]


def _rows(pool: list[Question], blueprint: Blueprint, forms: int) -> list[Constraint]:
    n, rows = len(pool), []
    index = {q.id: i for i, q in enumerate(pool)}
    for f in range(forms):
        offset = f * n
        rows.append(
            Constraint(
                range(offset, offset + n),
                blueprint.items,
                blueprint.items,
                f"总题数 {blueprint.items}",
            )
        )
        for name, attribute, word in ATTRIBUTES:
            for value, count in getattr(blueprint, name).items():
                low, high = bounds(count)
                columns = [offset + i for i, q in enumerate(pool) if getattr(q, attribute) == value]
                wanted = f"{low}" if low == high else f"{low}–{high}"
                says = f"{word}“{value}”要 {wanted} 题（题库可用 {len(columns)} 题）"
                rows.append(Constraint(columns, low, high, says))
        for group in blueprint.enemies:
            columns = [offset + index[i] for i in group if i in index]
            rows.append(Constraint(columns, 0, 1, f"互斥题 {'、'.join(group)} 最多用一题"))
        for group in blueprint.sets:
            columns = [offset + index[i] for i in group if i in index]
            for first, second in pairwise(columns):
                says = f"成组题 {'、'.join(group)} 要一起出现"
                rows.append(Constraint([first, second], 0, 0, says, [1.0, -1.0]))
        for anchor in blueprint.anchors:
            columns = [offset + index[anchor]] if anchor in index else []
            rows.append(Constraint(columns, 1, 1, f"锚题 {anchor} 必须出现"))
    return rows


def _solve(
    pool: list[Question],
    rows: list[Constraint],
    blueprint: Blueprint,
    *,
    forms: int,
    seed: int,
    parameters: Mapping[str, tuple[float, float]] | None,
) -> tuple[list[list[int]] | None, float | None]:
    """(pool indices per form, the solver's gap); None for both when infeasible or none was found."""
    n = len(pool)
    rng = np.random.default_rng(seed)
    programme = Programme()
    for cost in rng.random(n * forms) * TIE_BREAK:
        programme.column(float(cost), 1.0, integer=True)
    programme.rows.extend(rows)
    _minimise_facility_deviation(programme, pool, blueprint, forms=forms)
    for f in range(forms):
        stay_near_information(
            programme,
            range(f * n, (f + 1) * n),
            pool,
            blueprint=blueprint,
            forms=1,
            parameters=parameters,
        )
    _limit_overlap(programme, n, blueprint, forms=forms)
    values = programme.solve()
    if values is None:
        return None, None
    chosen = [np.flatnonzero(values[f * n : (f + 1) * n] > 0.5).tolist() for f in range(forms)]
    return chosen, programme.proved


def _minimise_facility_deviation(
    programme: Programme, pool: list[Question], blueprint: Blueprint, *, forms: int
) -> None:
    if blueprint.facility is None:
        return
    target, n = blueprint.facility, len(pool)
    distance = [0.0 if q.facility is None else q.facility - target for q in pool]
    deviation = programme.column(cost=1.0)
    for f in range(forms):
        programme.stay_near(0, range(f * n, (f + 1) * n), distance, deviation=deviation)


def _limit_overlap(programme: Programme, n: int, blueprint: Blueprint, *, forms: int) -> None:
    limit = int(blueprint.max_overlap * blueprint.items + 1e-9)
    if limit >= blueprint.items:
        return
    for f in range(forms):
        for g in range(f + 1, forms):
            overlap = [programme.column(upper=1.0) for _ in range(n)]
            for i, shared in enumerate(overlap):
                columns = [shared, f * n + i, g * n + i]
                programme.rows.append(
                    Constraint(columns, -1, np.inf, coefficients=[1.0, -1.0, -1.0])
                )
            programme.rows.append(Constraint(overlap, 0, limit))


def _conflicts(pool: list[Question], blueprint: Blueprint, forms: int) -> list[str]:
    """The contradictory constraints in words: within one form, else between the forms."""
    rows = _rows(pool, blueprint, 1)
    conflict = smallest_conflict(len(pool), rows)
    if conflict:
        head = "这一条达不到" if len(conflict) == 1 else "这几条不能同时做到，放宽其中一条就行"
        return [f"{head}：{'；'.join(dict.fromkeys(row.says for row in conflict))}"]
    return [
        f"一套卷组得出，但题库可用 {len(pool)} 题，{forms} 套卷的重复率不超过 "
        f"{blueprint.max_overlap:.0%} 达不到：请减少套数、放宽重复率或增加题目"
    ]


def _form(
    number: int,
    items: list[Question],
    seed: int,
    *,
    blueprint: Blueprint,
    parameters: Mapping[str, tuple[float, float]] | None,
    gap: float | None,
    proved: float | None,
) -> Form:
    ordered = item_order(items, seed + number, blueprint.sets)
    known = [q.facility for q in items if q.facility is not None]
    counts: dict[str, dict[str, int]] = {}
    for name, attribute, _ in ATTRIBUTES:
        tally = counts.setdefault(name, {})
        for q in items:
            value = getattr(q, attribute)
            tally[value] = tally.get(value, 0) + 1
    return Form(
        number=number,
        items=tuple(q.id for q in ordered),
        mean_facility=sum(known) / len(known) if known else None,
        information=_information(items, blueprint, parameters),
        counts=counts,
        gap=gap,
        proved=proved,
    )


def _information(
    items: list[Question],
    blueprint: Blueprint,
    parameters: Mapping[str, tuple[float, float]] | None,
) -> tuple[float, ...]:
    if not blueprint.theta or parameters is None:
        return ()
    table = of_parameters(parameters, [q.id for q in items], blueprint.theta)
    return tuple(table.sum(axis=0).tolist())
