"""Many parallel forms from a large pool: choose the items of all forms, then split them recursively.

Each step is a small mixed-integer programme (van der Linden, *Linear Models for Optimal Test Design*,
2005, ch. 6, minimax). First the items of all forms together are chosen to meet the blueprint times the
number of forms. The set is then split in two, each part for half of the forms: constraints are scaled,
and the largest deviation of summed facility and of information from an even share is minimised. This
repeats down to single forms. Finally items are exchanged for unused ones with the same attributes to
reduce the remaining deviation. No item is in two forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from question_bank.blueprint import ATTRIBUTES, Blueprint, bounds
from question_bank.information import of_parameters
from question_bank.programme import Constraint, Programme
from question_bank.question import Question

# Tolerances from an even share: mean facility (absolute), information (relative).
EVEN_FACILITY = 0.0005
EVEN_INFORMATION = 0.0025
GAP = 0.25
NODES_A_SPLIT = 60
MAX_EXCHANGES = 60


@dataclass(frozen=True)
class Apart:
    """Disjoint forms, each a list of indices into the pool.

    `gap`: largest deviation of a form from an even share, in units of the tolerances; an even share
    is a bound that no solution can beat. `proved`: largest relative gap between objective and bound
    of any solver step.
    """

    forms: list[list[int]]
    gap: float
    proved: float


@dataclass(frozen=True)
class Group:
    """Items (indices into the pool) of which each form takes `low` to `high`."""

    columns: tuple[int, ...]
    low: int
    high: int


def groups_of(pool: Sequence[Question], blueprint: Blueprint) -> list[Group]:
    """The blueprint's counts and enemy sets as groups of indices into the pool."""
    groups = [Group(tuple(range(len(pool))), blueprint.items, blueprint.items)]
    for name, attribute, _ in ATTRIBUTES:
        for value, count in getattr(blueprint, name).items():
            low, high = bounds(count)
            members = tuple(i for i, q in enumerate(pool) if getattr(q, attribute) == value)
            groups.append(Group(members, low, high))
    index = {q.id: i for i, q in enumerate(pool)}
    for enemies in blueprint.enemies:
        groups.append(Group(tuple(index[i] for i in enemies if i in index), 0, 1))
    return groups


def disjoint_forms(
    pool: Sequence[Question],
    blueprint: Blueprint,
    forms: int,
    *,
    seed: int,
    parameters: Mapping[str, tuple[float, float]] | None = None,
) -> Apart | None:
    """Forms without common items, or None when none were found."""
    if blueprint.anchors or len(pool) < forms * blueprint.items:
        return None
    rng = np.random.default_rng(seed)
    proved = [0.0]
    groups = groups_of(pool, blueprint)
    index = {q.id: i for i, q in enumerate(pool)}
    item_sets = [[index[i] for i in s if i in index] for s in blueprint.sets]
    chosen = _choose(
        pool,
        blueprint,
        groups,
        item_sets=item_sets,
        forms=forms,
        rng=rng,
        proved=proved,
        parameters=parameters,
    )
    if chosen is None:
        return None
    weights = _weights(pool, blueprint, parameters)

    def split(members: list[int], count: int) -> list[list[int]] | None:
        if count == 1:
            return [members]
        part = count // 2
        half = _halve(
            members,
            groups,
            item_sets,
            weights=weights,
            part=part,
            count=count,
            rng=rng,
            proved=proved,
        )
        if half is None:
            return None
        inside = set(half)
        parts = [
            split(half, part),
            split([i for i in members if i not in inside], count - part),
        ]
        return None if parts[0] is None or parts[1] is None else [*parts[0], *parts[1]]

    result = split(chosen, forms)
    if result is None:
        return None
    fixed = {i for group in groups if group.high == 1 and group.low == 0 for i in group.columns}
    fixed |= {i for item_set in item_sets for i in item_set}
    gap = _even_out(result, len(pool), groups, weights=weights, fixed=fixed)
    return Apart(result, gap, max(proved))


def _choose(
    pool: Sequence[Question],
    blueprint: Blueprint,
    groups: Sequence[Group],
    *,
    item_sets: Sequence[Sequence[int]],
    forms: int,
    rng: np.random.Generator,
    proved: list[float],
    parameters: Mapping[str, tuple[float, float]] | None,
) -> list[int] | None:
    """Chooses the items of all forms together, near the wanted mean facility and information."""
    programme = Programme()
    for cost in rng.random(len(pool)) * 1e-3:
        programme.column(float(cost), 1.0, integer=True)
    for group in groups:
        programme.rows.append(Constraint(group.columns, group.low * forms, group.high * forms))
    _tie(programme, item_sets)
    if blueprint.facility is not None:
        distance = [0.0 if q.facility is None else q.facility - blueprint.facility for q in pool]
        programme.stay_near(0, range(len(pool)), distance, deviation=programme.column(cost=1.0))
    stay_near_information(
        programme, range(len(pool)), pool, blueprint=blueprint, forms=forms, parameters=parameters
    )
    values = programme.solve()
    proved.append(programme.proved or 0.0)
    return None if values is None else np.flatnonzero(values[: len(pool)] > 0.5).tolist()


def stay_near_information(
    programme: Programme,
    columns: Sequence[int],
    pool: Sequence[Question],
    *,
    blueprint: Blueprint,
    forms: int,
    parameters: Mapping[str, tuple[float, float]] | None,
) -> None:
    """Adds the objective to keep the information of `forms` forms' items near the target.

    The largest relative deviation is minimised; it weighs like an equal deviation of the mean facility.
    """
    if not blueprint.target_information or parameters is None:
        return
    table = of_parameters(parameters, [q.id for q in pool], list(blueprint.target_information))
    deviation, size = programme.column(cost=1.0), blueprint.items * forms
    for row, wanted in zip(table.T, blueprint.target_information.values(), strict=True):
        scaled = (row * blueprint.items / wanted).tolist()
        programme.stay_near(size, columns, scaled, deviation=deviation)


def _weights(
    pool: Sequence[Question],
    blueprint: Blueprint,
    parameters: Mapping[str, tuple[float, float]] | None,
) -> list[tuple[np.ndarray, Callable[[float, int], float]]]:
    """(value of each item, tolerance as a function of the sum and the number of items) for each
    quantity that the forms must share evenly."""
    weights: list[tuple[np.ndarray, Callable[[float, int], float]]] = []
    known = [q.facility for q in pool if q.facility is not None]
    if known:
        mean = float(np.mean(known))
        facility = np.array([mean if q.facility is None else q.facility for q in pool])
        weights.append((facility, lambda total, n: EVEN_FACILITY * n))
    if blueprint.theta and parameters is not None:
        for row in of_parameters(parameters, [q.id for q in pool], blueprint.theta).T:
            weights.append((row, lambda total, n: EVEN_INFORMATION * max(total, 1e-9)))
    return weights


def _halve(
    members: list[int],
    groups: Sequence[Group],
    item_sets: Sequence[Sequence[int]],
    *,
    weights: Sequence[tuple[np.ndarray, Callable[[float, int], float]]],
    part: int,
    count: int,
    rng: np.random.Generator,
    proved: list[float],
) -> list[int] | None:
    """Chooses the items for `part` of `count` forms, as near to an even share as the limits allow."""
    others = count - part
    column = {item: number for number, item in enumerate(members)}
    programme = Programme()
    for cost in rng.random(len(members)) * 1e-5:
        programme.column(float(cost), 1.0, integer=True)
    for group in groups:
        columns = [column[i] for i in group.columns if i in column]
        low = max(part * group.low, len(columns) - others * group.high)
        high = min(part * group.high, len(columns) - others * group.low)
        if group.columns:
            programme.rows.append(Constraint(columns, low, high))
    _tie(programme, [[column[i] for i in item_set if i in column] for item_set in item_sets])
    # A constant 1 in the objective turns the relative gap into a share of the tolerance.
    programme.rows.append(Constraint([programme.column(cost=1.0)], 1, 1))
    worst = programme.column(cost=1.0)
    size = len(members) * part // count
    for values, even in weights:
        member_values = values[members]
        share = float(member_values.sum()) * part / count
        scale = even(share, size)
        coefficients = (member_values / scale).tolist()
        programme.stay_near(share / scale, range(len(members)), coefficients, deviation=worst)
    solution = programme.solve(gap=GAP, nodes=NODES_A_SPLIT)
    proved.append(programme.proved or 0.0)
    if solution is None:
        return None
    return [members[n] for n in np.flatnonzero(solution[: len(members)] > 0.5)]


def _even_out(
    forms: list[list[int]],
    size: int,
    groups: Sequence[Group],
    *,
    weights: Sequence[tuple[np.ndarray, Callable[[float, int], float]]],
    fixed: set[int],
) -> float:
    """Exchanges items of each form for unused ones of the same groups while that brings its sums
    nearer to the mean of the forms; `fixed` items stay. Returns the largest remaining deviation."""
    if not weights:
        return 0.0
    belongs = np.zeros((size, len(groups)), dtype=bool)
    for number, group in enumerate(groups):
        belongs[list(group.columns), number] = True
    kind = np.unique(belongs, axis=0, return_inverse=True)[1].ravel()
    values = np.stack([v for v, _ in weights], axis=1)
    sums = np.array([values[form].sum(axis=0) for form in forms])
    target = sums.mean(axis=0)
    scale = np.array([even(t, len(forms[0])) for (_, even), t in zip(weights, target, strict=True)])
    scaled, aim = values / scale, target / scale
    used = {i for form in forms for i in form}
    free = np.array([i not in used and i not in fixed for i in range(size)])
    for form in forms:
        _exchange(form, scaled, aim, kind=kind, free=free, fixed=fixed)
    remaining = [np.abs(scaled[form].sum(axis=0) - aim).max() for form in forms]
    return float(max(remaining))


def _exchange(
    form: list[int],
    scaled: np.ndarray,
    aim: np.ndarray,
    *,
    kind: np.ndarray,
    free: np.ndarray,
    fixed: set[int],
) -> None:
    """Makes the pair of exchanges that comes nearest to `aim`, repeatedly, while that helps."""
    # Loaded where it is needed: it takes much memory.
    from scipy.spatial import cKDTree

    for _ in range(MAX_EXCHANGES):
        deviation = scaled[form].sum(axis=0) - aim
        positions, replacements = _possible(form, kind, free, fixed=fixed)
        if not len(positions):
            return
        steps = scaled[replacements] - scaled[np.array(form)[positions]]
        # The zero step allows a single exchange as a pair.
        steps = np.vstack([steps, np.zeros_like(deviation)])
        positions, replacements = np.append(positions, -1), np.append(replacements, -1)
        distance, other = cKDTree(steps).query(-(deviation + steps), k=min(8, len(steps)))
        distance = np.where(
            (positions[:, None] == positions[other])
            | (replacements[:, None] == replacements[other]),
            np.inf,
            distance,
        )
        first, second = np.unravel_index(distance.argmin(), distance.shape)
        if distance[first, second] >= np.linalg.norm(deviation) - 1e-9:
            return
        for step in (int(first), int(other[first, second])):
            if positions[step] >= 0:
                free[form[positions[step]]], free[replacements[step]] = True, False
                form[positions[step]] = int(replacements[step])


def _possible(
    form: list[int], kind: np.ndarray, free: np.ndarray, *, fixed: set[int]
) -> tuple[np.ndarray, np.ndarray]:
    """(position in the form, unused item of the same groups) of every possible exchange."""
    spare = np.flatnonzero(free)
    positions: list[np.ndarray] = []
    replacements: list[np.ndarray] = []
    for position, item in enumerate(form):
        if item not in fixed:
            matching = spare[kind[spare] == kind[item]]
            positions.append(np.full(len(matching), position))
            replacements.append(matching)
    if not positions:
        return np.array([], dtype=int), np.array([], dtype=int)
    return np.concatenate(positions), np.concatenate(replacements)


def _tie(programme: Programme, item_sets: Sequence[Sequence[int]]) -> None:
    """Requires the items of a set to be selected together."""
    for item_set in item_sets:
        for first, second in pairwise(item_set):
            programme.rows.append(Constraint([first, second], 0, 0, coefficients=[1.0, -1.0]))
