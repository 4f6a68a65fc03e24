"""Benchmarks of the statistics: against reading the same file, and against another implementation."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.clock import best, seconds_of
from benchmarks.results import Measured, Row
from question_bank.classical import analyse
from question_bank.irt import calibrate, log_likelihood
from question_bank.responses import read_key, read_responses

ITEMS = 50


def simulate(
    persons: int, items: int = ITEMS, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(0/1 scores, true slopes, true locations)."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=persons).astype(np.float32)
    a, b = rng.uniform(0.5, 2, items), rng.normal(size=items)
    scores = np.empty((persons, items), dtype=np.float32)
    for j in range(items):
        scores[:, j] = rng.random(persons) < 1 / (1 + np.exp(-a[j] * (theta - b[j])))
    return scores, a, b


def _write(folder: Path, persons: int) -> tuple[Path, Path]:
    import polars as pl

    scores, *_ = simulate(persons)
    rng = np.random.default_rng(2)
    key = rng.integers(0, 4, ITEMS)
    table: dict[str, list[str] | np.ndarray] = {"person": [f"p{i}" for i in range(persons)]}
    letters = np.array(list("ABCD"))
    for j in range(ITEMS):
        other = (key[j] + rng.integers(1, 4, persons)) % 4
        table[f"q{j}"] = letters[np.where(scores[:, j] == 1, key[j], other)]
    pl.DataFrame(table).write_csv(folder / "responses.csv")
    lines = [f"q{j},{letters[key[j]]}" for j in range(ITEMS)]
    (folder / "key.csv").write_text("item,key\n" + "\n".join(lines) + "\n", "utf-8")
    return folder / "responses.csv", folder / "key.csv"


def stats_rows(persons: int) -> Measured:
    """`stats items` against `polars.read_csv` of the same file; the best of three runs each."""
    import polars as pl

    with tempfile.TemporaryDirectory() as folder:
        responses, key = _write(Path(folder), persons)
        bare = best(lambda: pl.read_csv(responses))
        ours = best(lambda: analyse(read_responses(responses, read_key(key))))
    rows = [
        {"step": f"polars.read_csv，{persons} 人 {ITEMS} 题（参照）", "seconds": round(bare, 3)},
        {"step": "读入并做题目分析", "seconds": round(ours, 3)},
    ]
    return rows, {"题目分析÷读表": ours / bare}


def irt_rows(persons: int) -> Measured:
    """2PL against `girth.twopl_mml` on the same data; recovery and likelihood of both."""
    import girth

    scores, a, b = simulate(persons)
    transposed = scores.T.astype(int)
    estimates: list[Any] = []
    reference = seconds_of(lambda: estimates.append(girth.twopl_mml(transposed)))
    plain = best(lambda: estimates.append(calibrate(scores, errors=False)), 2)
    full = seconds_of(lambda: calibrate(scores))
    theirs, *_, ours = estimates
    our_a, our_b = np.array([i.a for i in ours.items]), np.array([i.b for i in ours.items])

    def rmse(x: ArrayLike, y: ArrayLike) -> float:
        return round(float(np.sqrt(np.mean((np.asarray(x) - np.asarray(y)) ** 2))), 4)

    rows = [
        {
            "step": f"girth.twopl_mml，{persons} 人 {ITEMS} 题（参照）",
            "seconds": round(reference, 2),
            "rmse_a": rmse(theirs["Discrimination"], a),
            "rmse_b": rmse(theirs["Difficulty"], b),
            "log_likelihood": round(
                log_likelihood(scores, theirs["Discrimination"], theirs["Difficulty"]), 3
            ),
        },
        {
            "step": "2PL",
            "seconds": round(plain, 2),
            "rmse_a": rmse(our_a, a),
            "rmse_b": rmse(our_b, b),
            "log_likelihood": round(ours.log_likelihood, 3),
            "converged": ours.converged,
        },
        {"step": "2PL 加标准误", "seconds": round(full, 2)},
    ]
    return rows, {"girth÷2PL": reference / plain, "girth÷2PL 加标准误": reference / full}


def memory_row(persons: int) -> Row:
    """2PL of many persons in a separate process: seconds and peak memory."""
    code = (
        "import time, resource; from benchmarks.stats import simulate, calibrate;"
        f"x = simulate({persons})[0]; t = time.perf_counter(); r = calibrate(x);"
        "print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,"
        " r.converged)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    seconds, peak, converged = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "step": f"2PL，{persons} 人",
        "seconds": round(float(seconds), 1),
        "peak_mb": round(int(peak) * unit / 1e6),
        "converged": converged == "True",
    }
