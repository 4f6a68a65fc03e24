"""Benchmark of saving: the real endpoint against a bare Flask route that does one durable upsert."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.results import Measured, Row
from harness.load import hammer
from harness.server import Running, running
from harness.world import at_work, databases, prepare

CALLERS, SECONDS, ROUNDS = 16, 4.0, 3


def save_rows() -> Measured:
    """Requests per second and CPU per save of both, in alternation, on each engine."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            exam = prepare(url, CALLERS)
            with running(url, Path(folder)) as served:
                real = at_work(served, exam, CALLERS)
                json_only = {"Content-Type": "application/json"}
                bare = [{"path": f"/bare/{n}", "headers": json_only} for n in range(CALLERS)]
                measured: dict[str, list[dict[str, Any]]] = {"bare": [], "real": []}
                for _ in range(ROUNDS):
                    measured["bare"].append(_measure(served, bare))
                    measured["real"].append(_measure(served, real))
            medians = {
                k: sorted(v, key=lambda r: r["per_second"])[ROUNDS // 2]
                for k, v in measured.items()
            }
            rows.append({"step": f"{name} 裸路由（对照）", **_shown(medians["bare"])})
            rows.append({"step": f"{name} 存答案", **_shown(medians["real"])})
            ratios[f"{name} 每秒次数÷裸路由"] = (
                medians["real"]["per_second"] / medians["bare"]["per_second"]
            )
            ratios[f"{name} 每次 CPU÷裸路由"] = (
                medians["real"]["cpu_ms"] / medians["bare"]["cpu_ms"]
            )
    return rows, ratios


def _measure(served: Running, callers: list[dict[str, Any]]) -> dict[str, Any]:
    before = served.cpu()
    result = hammer(served.port, callers, SECONDS)
    result["cpu_ms"] = 1000 * (served.cpu() - before) / result["requests"]
    return result


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "per_second": round(result["per_second"]),
        "cpu_ms": round(result["cpu_ms"], 3),
        **{key: result[key] for key in ("p50_ms", "p99_ms", "errors")},
    }
