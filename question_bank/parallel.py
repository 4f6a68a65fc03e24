"""Many parallel forms from a large pool: choose all their items at once, then split by halves.

Each step is a small mixed-integer programme (van der Linden, *Linear Models for Optimal Test Design*,
2005, ch. 6, minimax): first the items of all forms together meet the blueprint times the number of
forms; then the set is split into two parts for half of the forms each, every constraint scaled, the
largest deviation of summed facility and of information from an even share made least; and so on
down to single forms. What is left of unevenness is taken away by exchanging items for unused ones
that count alike. No item is in two forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from question_bank.blueprint import ATTRIBUTES, Blueprint, bounds
from question_bank.information import of_parameters
from question_bank.programme import Constraint, Programme
from question_bank.question import Question

# What counts as even: a thousandth of the mean facility, half a per cent of the information.
EVEN_FACILITY = 0.0005
EVEN_INFORMATION = 0.0025
GAP = 0.25
NODES_A_SPLIT = 60
MAX_EXCHANGES = 60


@dataclass(frozen=True)
class Apart:
    """Disjoint forms: the places of each one's items.

    `gap`: largest deviation of a form from an even share, in units of what counts as even; an even
    share is the bound that no solution can beat. `proved`: the largest relative gap between objective
    and bound that the solver was left with in a step.
    """

    forms: list[list[int]]
    gap: float
    proved: float


@dataclass(frozen=True)
class Group:
    """Items (places in the pool) of which `low` to `high` belong in each form."""

    columns: tuple[int, ...]
    low: int
    high: int


def groups_of(pool: Sequence[Question], blueprint: Blueprint) -> list[Group]:
    """The blueprint's counts and enemies as groups of places in the pool."""
    groups = [Group(tuple(range(len(pool))), blueprint.items, blueprint.items)]
    for name, attribute, _ in ATTRIBUTES:
        for value, count in getattr(blueprint, name).items():
            low, high = bounds(count)
            members = tuple(i for i, q in enumerate(pool) if getattr(q, attribute) == value)
            groups.append(Group(members, low, high))
    place = {q.id: i for i, q in enumerate(pool)}
    for enemies in blueprint.enemies:
        groups.append(Group(tuple(place[i] for i in enemies if i in place), 0, 1))
    return groups


def disjoint_forms(
    pool: Sequence[Question],
    blueprint: Blueprint,
    forms: int,
    seed: int,
    parameters: Mapping[str, tuple[float, float]] | None = None,
) -> Apart | None:
    """Forms without a common item, or None when none were found."""
    if blueprint.anchors or len(pool) < forms * blueprint.items:
        return None
    rng = np.random.default_rng(seed)
    proved = [0.0]
    groups = groups_of(pool, blueprint)
    place = {q.id: i for i, q in enumerate(pool)}
    chains = [[place[i] for i in s if i in place] for s in blueprint.sets]
    chosen = _choose(pool, blueprint, groups, chains, forms, rng, proved, parameters)
    if chosen is None:
        return None
    weights = _weights(pool, blueprint, parameters)

    def split(members: list[int], count: int) -> list[list[int]] | None:
        if count == 1:
            return [members]
        left = count // 2
        half = _halve(members, groups, chains, weights, left, count, rng, proved)
        if half is None:
            return None
        inside = set(half)
        parts = [
            split(half, left),
            split([i for i in members if i not in inside], count - left),
        ]
        return None if parts[0] is None or parts[1] is None else [*parts[0], *parts[1]]

    found = split(chosen, forms)
    if found is None:
        return None
    bound = {i for group in groups if group.high == 1 and group.low == 0 for i in group.columns}
    bound |= {i for chain in chains for i in chain}
    gap = _even_out(found, len(pool), groups, weights, bound)
    return Apart(found, gap, max(proved))


def _choose(
    pool: Sequence[Question],
    blueprint: Blueprint,
    groups: Sequence[Group],
    chains: Sequence[Sequence[int]],
    forms: int,
    rng: np.random.Generator,
    proved: list[float],
    parameters: Mapping[str, tuple[float, float]] | None,
) -> list[int] | None:
    """The items of all forms together, their mean facility as wanted."""
    programme = Programme()
    for cost in rng.random(len(pool)) * 1e-3:
        programme.column(float(cost), 1.0, integer=True)
    for group in groups:
        programme.rows.append(Constraint(group.columns, group.low * forms, group.high * forms))
    _tie(programme, chains)
    if blueprint.facility is not None:
        distance = [0.0 if q.facility is None else q.facility - blueprint.facility for q in pool]
        programme.stay_near(0, range(len(pool)), distance, programme.column(cost=1.0))
    stay_near_information(programme, range(len(pool)), pool, blueprint, forms, parameters)
    values = programme.solve()
    proved.append(programme.proved or 0.0)
    return None if values is None else np.flatnonzero(values[: len(pool)] > 0.5).tolist()


def stay_near_information(
    programme: Programme,
    columns: Sequence[int],
    pool: Sequence[Question],
    blueprint: Blueprint,
    forms: int,
    parameters: Mapping[str, tuple[float, float]] | None,
) -> None:
    """Keeps the information of `forms` forms' items near the wanted one, the largest relative
    deviation made least and counted like the same deviation of the mean facility."""
    if not blueprint.target_information or parameters is None:
        return
    table = of_parameters(parameters, [q.id for q in pool], list(blueprint.target_information))
    deviation, size = programme.column(cost=1.0), blueprint.items * forms
    for row, wanted in zip(table.T, blueprint.target_information.values(), strict=True):
        scaled = (row * blueprint.items / wanted).tolist()
        programme.stay_near(size, columns, scaled, deviation)


def _weights(
    pool: Sequence[Question],
    blueprint: Blueprint,
    parameters: Mapping[str, tuple[float, float]] | None,
) -> list[tuple[np.ndarray, Callable[[float, int], float]]]:
    """(value of each item, what counts as even for a sum and a number of items) of what the forms
    are to share evenly."""
    weights: list[tuple[np.ndarray, Callable[[float, int], float]]] = []
    known = [q.facility for q in pool if q.facility is not None]
    if known:
        middle = float(np.mean(known))
        facility = np.array([middle if q.facility is None else q.facility for q in pool])
        weights.append((facility, lambda total, n: EVEN_FACILITY * n))
    if blueprint.theta and parameters is not None:
        for row in of_parameters(parameters, [q.id for q in pool], blueprint.theta).T:
            weights.append((row, lambda total, n: EVEN_INFORMATION * max(total, 1e-9)))
    return weights


def _halve(
    members: list[int],
    groups: Sequence[Group],
    chains: Sequence[Sequence[int]],
    weights: Sequence[tuple[np.ndarray, Callable[[float, int], float]]],
    left: int,
    count: int,
    rng: np.random.Generator,
    proved: list[float],
) -> list[int] | None:
    """The part for `left` of `count` forms, as near to an even share as the search goes."""
    right = count - left
    column = {place: number for number, place in enumerate(members)}
    programme = Programme()
    for cost in rng.random(len(members)) * 1e-5:
        programme.column(float(cost), 1.0, integer=True)
    for group in groups:
        own = [column[i] for i in group.columns if i in column]
        low = max(left * group.low, len(own) - right * group.high)
        high = min(left * group.high, len(own) - right * group.low)
        if group.columns:
            programme.rows.append(Constraint(own, low, high))
    _tie(programme, [[column[i] for i in chain if i in column] for chain in chains])
    # The objective begins at 1, so that a relative gap means a share of what counts as even.
    programme.rows.append(Constraint([programme.column(cost=1.0)], 1, 1))
    worst = programme.column(cost=1.0)
    size = len(members) * left // count
    for values, even in weights:
        own_values = values[members]
        share = float(own_values.sum()) * left / count
        scale = even(share, size)
        coefficients = (own_values / scale).tolist()
        programme.stay_near(share / scale, range(len(members)), coefficients, worst)
    values_found = programme.solve(gap=GAP, nodes=NODES_A_SPLIT)
    proved.append(programme.proved or 0.0)
    if values_found is None:
        return None
    return [members[n] for n in np.flatnonzero(values_found[: len(members)] > 0.5)]


def _even_out(
    forms: list[list[int]],
    size: int,
    groups: Sequence[Group],
    weights: Sequence[tuple[np.ndarray, Callable[[float, int], float]]],
    bound: set[int],
) -> float:
    """Exchanges items of each form for unused ones of the same groups while that brings its sums
    nearer to the mean of the forms; `bound` items stay. Returns the largest deviation left."""
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
    free = np.array([i not in used and i not in bound for i in range(size)])
    for form in forms:
        _exchange(form, scaled, aim, kind, free, bound)
    left = [np.abs(scaled[form].sum(axis=0) - aim).max() for form in forms]
    return float(max(left))


def _exchange(
    form: list[int],
    scaled: np.ndarray,
    aim: np.ndarray,
    kind: np.ndarray,
    free: np.ndarray,
    bound: set[int],
) -> None:
    """Two exchanges at a time, the pair that together comes nearest, while that helps."""
    for _ in range(MAX_EXCHANGES):
        off = scaled[form].sum(axis=0) - aim
        places, news = _possible(form, kind, free, bound)
        if not len(places):
            return
        steps = scaled[news] - scaled[np.array(form)[places]]
        # Standing still is a step too, so that one exchange alone is among the pairs.
        steps = np.vstack([steps, np.zeros_like(off)])
        places, news = np.append(places, -1), np.append(news, -1)
        distance, other = cKDTree(steps).query(-(off + steps), k=min(8, len(steps)))
        distance = np.where(
            (places[:, None] == places[other]) | (news[:, None] == news[other]), np.inf, distance
        )
        first, second = np.unravel_index(distance.argmin(), distance.shape)
        if distance[first, second] >= np.linalg.norm(off) - 1e-9:
            return
        for step in (int(first), int(other[first, second])):
            if places[step] >= 0:
                free[form[places[step]]], free[news[step]] = True, False
                form[places[step]] = int(news[step])


def _possible(
    form: list[int], kind: np.ndarray, free: np.ndarray, bound: set[int]
) -> tuple[np.ndarray, np.ndarray]:
    """(place in the form, unused item of the same groups) of every possible exchange."""
    spare = np.flatnonzero(free)
    places: list[np.ndarray] = []
    news: list[np.ndarray] = []
    for place, item in enumerate(form):
        if item not in bound:
            alike = spare[kind[spare] == kind[item]]
            places.append(np.full(len(alike), place))
            news.append(alike)
    if not places:
        return np.array([], dtype=int), np.array([], dtype=int)
    return np.concatenate(places), np.concatenate(news)


def _tie(programme: Programme, chains: Sequence[Sequence[int]]) -> None:
    """Items of one set go together."""
    for chain in chains:
        for first, second in pairwise(chain):
            programme.rows.append(Constraint([first, second], 0, 0, coefficients=[1.0, -1.0]))
