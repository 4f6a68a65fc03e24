"""Mixed-integer programmes, solved by HiGHS (through SciPy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A node limit, unlike a time limit, gives the same forms for a seed on every machine.
MAX_NODES = 5_000


@dataclass
class Constraint:
    """low <= sum(coefficient * column) <= high; coefficients default to 1, `says` is the Chinese text."""

    columns: Sequence[int]
    low: float
    high: float
    says: str = ""
    coefficients: Sequence[float] | None = None


class Programme:
    """A mixed-integer programme, built column by column and row by row."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.upper: list[float] = []
        self.integer: list[int] = []
        self.rows: list[Constraint] = []
        self.proved: float | None = None

    def column(self, cost: float = 0.0, upper: float = np.inf, integer: bool = False) -> int:
        self.cost.append(cost)
        self.upper.append(upper)
        self.integer.append(int(integer))
        return len(self.cost) - 1

    def stay_near(
        self,
        centre: float,
        columns: Sequence[int],
        coefficients: Sequence[float],
        *,
        deviation: int,
    ) -> None:
        """Requires |sum(coefficient * column) - centre| <= the column `deviation`."""
        terms = [*columns, deviation]
        self.rows.append(Constraint(terms, -np.inf, centre, coefficients=[*coefficients, -1.0]))
        self.rows.append(Constraint(terms, centre, np.inf, coefficients=[*coefficients, 1.0]))

    def solve(self, gap: float = 1e-3, nodes: int = MAX_NODES) -> NDArray[np.float64] | None:
        """Returns the column values, or None when infeasible or when no solution was found.

        Stops once the relative gap to the optimum is proved to be at most `gap`, or after `nodes`
        branch-and-bound nodes. The gap that was proved is stored in `proved`.
        """
        # Loaded where it is needed: it takes a second and much memory.
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint, milp

        row_indices: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for r, row in enumerate(self.rows):
            row_indices.extend([r] * len(row.columns))
            columns.extend(row.columns)
            values.extend(row.coefficients or [1.0] * len(row.columns))
        matrix = sparse.coo_array(
            (values, (row_indices, columns)), (len(self.rows), len(self.cost))
        )
        limits = LinearConstraint(
            matrix.tocsr(), [row.low for row in self.rows], [row.high for row in self.rows]
        )
        result = milp(
            np.array(self.cost),
            integrality=np.array(self.integer),
            bounds=Bounds(0, np.array(self.upper)),
            constraints=limits,
            options={"node_limit": nodes, "mip_rel_gap": gap},
        )
        self.proved = result.mip_gap
        solution: NDArray[np.float64] | None = result.x
        return solution
