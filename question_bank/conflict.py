"""Why a blueprint is infeasible: the smallest set of constraints that can't hold together.

A smallest unsatisfiable set is a minimum hitting set of the correction sets (rows to drop so that the
others hold). Take a smallest set of rows that hits every correction set found so far. If these rows alone
can't hold, they are the answer; otherwise the fewest other rows to drop are one more correction set.
Ignatiev, Previti, Liffiton & Marques-Silva, *Smallest MUS extraction with minimal hitting set
dualization* (CP 2015).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from question_bank.programme import Constraint, Programme

MAX_ROUNDS = 200


def smallest_conflict(columns: int, rows: Sequence[Constraint]) -> list[Constraint]:
    """The fewest of `rows` over 0/1 `columns` that can't hold together; empty when all can.

    After `MAX_ROUNDS` rounds, all rows of the correction sets found so far, which need not be minimal.
    """
    corrections: list[set[int]] = []
    for _ in range(MAX_ROUNDS):
        hard = _hitting_set(len(rows), corrections)
        dropped = _correction(columns, rows, hard)
        if dropped is None:
            return [rows[r] for r in hard]
        if not dropped:
            return []
        corrections.append(dropped)
    return [rows[r] for r in sorted(set().union(*corrections))]


def _hitting_set(size: int, corrections: Sequence[Collection[int]]) -> list[int]:
    """The fewest rows that hit every correction set."""
    if not corrections:
        return []
    programme = Programme()
    for _ in range(size):
        programme.column(cost=1.0, upper=1.0, integer=True)
    programme.rows.extend(Constraint(sorted(dropped), 1, np.inf) for dropped in corrections)
    values = programme.solve()
    return [] if values is None else np.flatnonzero(values > 0.5).tolist()


def _correction(columns: int, rows: Sequence[Constraint], hard: Collection[int]) -> set[int] | None:
    """The fewest rows to drop so that the others hold with `hard`; None when `hard` alone can't hold."""
    programme = Programme()
    for _ in range(columns):
        programme.column(upper=1.0, integer=True)
    switches: dict[int, int] = {}
    for number, row in enumerate(rows):
        if number in hard:
            programme.rows.append(row)
            continue
        # With its switch at 1 the row holds for any values of the columns.
        coefficients = (
            list(row.coefficients) if row.coefficients is not None else [1.0] * len(row.columns)
        )
        most, least = sum(c for c in coefficients if c > 0), sum(c for c in coefficients if c < 0)
        switch = switches[number] = programme.column(cost=1.0, upper=1.0, integer=True)
        terms = [*row.columns, switch]
        up, down = max(row.low - least, 0.0), max(most - row.high, 0.0)
        programme.rows.append(Constraint(terms, row.low, np.inf, coefficients=[*coefficients, up]))
        programme.rows.append(
            Constraint(terms, -np.inf, row.high, coefficients=[*coefficients, -down])
        )
    values = programme.solve()
    return None if values is None else {r for r, c in switches.items() if values[c] > 0.5}
