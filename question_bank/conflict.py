"""Why no form meets a blueprint: the smallest set of constraints that can't hold together.

A smallest set is a minimum hitting set of the ways to mend the blueprint: take a smallest set of rows
that touches every way found so far; when those rows alone can't hold, they are the answer, else giving
up as few as possible of the others is one more way. Ignatiev, Previti, Liffiton & Marques-Silva,
*Smallest MUS extraction with minimal hitting set dualization* (CP 2015).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from question_bank.programme import Constraint, Programme

MAX_ROUNDS = 200


def smallest_conflict(columns: int, rows: Sequence[Constraint]) -> list[Constraint]:
    """The fewest of `rows` over 0/1 `columns` that can't hold together; empty when all can.

    After `MAX_ROUNDS` mendings the rows found so far that no mending avoids, which hold a conflict.
    """
    mendings: list[set[int]] = []
    for _ in range(MAX_ROUNDS):
        kept = _hitting(len(rows), mendings)
        given_up = _mend(columns, rows, kept)
        if given_up is None:
            return [rows[r] for r in kept]
        if not given_up:
            return []
        mendings.append(given_up)
    return [rows[r] for r in sorted(set().union(*mendings))]


def _hitting(size: int, mendings: Sequence[Collection[int]]) -> list[int]:
    """The fewest rows of which every mending gives up at least one."""
    if not mendings:
        return []
    programme = Programme()
    for _ in range(size):
        programme.column(cost=1.0, upper=1.0, integer=True)
    programme.rows.extend(Constraint(sorted(given_up), 1, np.inf) for given_up in mendings)
    values = programme.solve()
    return [] if values is None else np.flatnonzero(values > 0.5).tolist()


def _mend(columns: int, rows: Sequence[Constraint], kept: Collection[int]) -> set[int] | None:
    """The rows given up so that the `kept` hold, as few as can be; None when those alone can't."""
    programme = Programme()
    for _ in range(columns):
        programme.column(upper=1.0, integer=True)
    switches: dict[int, int] = {}
    for number, row in enumerate(rows):
        if number in kept:
            programme.rows.append(row)
            continue
        # Switched on, the row holds whatever the columns are.
        own = list(row.coefficients) if row.coefficients is not None else [1.0] * len(row.columns)
        most, least = sum(c for c in own if c > 0), sum(c for c in own if c < 0)
        switch = switches[number] = programme.column(cost=1.0, upper=1.0, integer=True)
        places = [*row.columns, switch]
        up, down = max(row.low - least, 0.0), max(most - row.high, 0.0)
        programme.rows.append(Constraint(places, row.low, np.inf, coefficients=[*own, up]))
        programme.rows.append(Constraint(places, -np.inf, row.high, coefficients=[*own, -down]))
    values = programme.solve()
    return None if values is None else {r for r, c in switches.items() if values[c] > 0.5}
