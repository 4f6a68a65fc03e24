"""Benchmark of test assembly: twenty parallel forms of 50 from 5,000 items, against a greedy baseline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.results import Measured, Row
from question_bank import Question, assemble, load_blueprint, parse_question
from question_bank.blueprint import ATTRIBUTES, Blueprint, Count, bounds
from question_bank.information import total_information

THETA = (-2.0, -1.0, 0.0, 1.0, 2.0)
POOL, FORMS, ITEMS = 5000, 20, 50


def pool(size: int = POOL, seed: int = 4) -> tuple[list[Question], dict[str, tuple[float, float]]]:
    """Random items with facility and parameters."""
    rng = np.random.default_rng(seed)
    topics = sorted(load_blueprint("annual").topics)
    kinds = ["single"] * 60 + ["multiple"] * 25 + ["true_false"] * 15
    keys = {"single": "A", "multiple": ["A", "B"], "true_false": True}
    questions: list[Question] = []
    parameters: dict[str, tuple[float, float]] = {}
    for number in range(size):
        kind = kinds[rng.integers(100)]
        data: dict[str, object] = {
            "id": f"pool-{number:04d}",
            "type": kind,
            "stem": f"第 {number} 题",
            "key": keys[kind],
            "topic": topics[rng.integers(len(topics))],
            "level": ["remember", "understand", "apply"][rng.integers(3)],
            "facility": round(float(np.clip(rng.normal(0.65, 0.15), 0.1, 0.98)), 2),
            "status": "reviewed",
            "source": "x",
            "kb": "x",
        }
        if kind != "true_false":
            data["options"] = dict(zip("ABCD", "甲乙丙丁", strict=True))
        question = parse_question(data)
        questions.append(question)
        parameters[question.id] = (float(rng.uniform(0.5, 2)), float(rng.normal()))
    return questions, parameters


def plan() -> Blueprint:
    """A blueprint with counts by type, topic and level, enemies, a set, facility, information at five points."""
    topics: dict[str, Count] = dict.fromkeys(sorted(load_blueprint("annual").topics), (3, 6))
    return Blueprint(
        id="bench",
        title="bench",
        items=ITEMS,
        minutes=60,
        pass_percent=60,
        types={"single": 30, "multiple": 12, "true_false": 8},
        topics=topics,
        levels={"remember": (8, 16), "understand": (12, 24), "apply": (15, 25)},
        facility=0.65,
        information=THETA,
        enemies=tuple((f"pool-{i:04d}", f"pool-{i + 1:04d}") for i in range(0, 200, 2)),
        sets=(("pool-1000", "pool-1001"),),
    )


def greedy(questions: Sequence[Question], blueprint: Blueprint, forms: int) -> list[list[Question]]:
    """Baseline: per type, the items nearest to the target facility, dealt out in turn; ignores other constraints."""
    dealt: list[list[Question]] = [[] for _ in range(forms)]
    for kind, count in blueprint.types.items():
        candidates = [q for q in questions if q.type == kind]
        candidates.sort(key=lambda q: abs((q.facility or 0) - (blueprint.facility or 0)))
        for number, question in enumerate(candidates[: forms * bounds(count)[0]]):
            dealt[number % forms].append(question)
    return dealt


def assemble_rows() -> Measured:
    """Seconds, evenness and violated constraints of both."""
    questions, parameters = pool()
    blueprint = plan()
    by_id = {q.id: q for q in questions}
    start = time.perf_counter()
    dealt = greedy(questions, blueprint, FORMS)
    greedy_seconds = time.perf_counter() - start
    start = time.perf_counter()
    forms = assemble(questions, blueprint, FORMS, seed=1, parameters=parameters)
    seconds = time.perf_counter() - start
    assembled = [[by_id[i] for i in form.items] for form in forms]
    baseline, optimised = (
        _evenness(chosen, parameters, blueprint) for chosen in (dealt, assembled)
    )
    rows: list[Row] = [
        {"step": f"贪心，{FORMS} 套（对照）", "seconds": round(greedy_seconds, 3)}
        | baseline.as_row(),
        {"step": f"{FORMS} 套，每套 {ITEMS} 题，题库 {POOL} 题", "seconds": round(seconds, 1)}
        | optimised.as_row()
        | {"gap": round(forms[0].gap or 0.0, 3), "gap_means": "0.05% 难度或 0.25% 信息量"}
        | {"solver_gap": f"{100 * (forms[0].proved or 0.0):.1f}%"},
    ]
    return rows, {"难度差÷贪心": optimised.facility_spread / max(baseline.facility_spread, 1e-9)}


@dataclass(frozen=True)
class _Evenness:
    """Spread of mean facility and of information between forms, and number of violated constraints."""

    facility_spread: float
    information_spread: str
    broken: int

    def as_row(self) -> Row:
        return asdict(self)


def _evenness(
    forms: Sequence[Sequence[Question]],
    parameters: dict[str, tuple[float, float]],
    blueprint: Blueprint,
) -> _Evenness:
    means = [float(np.mean([q.facility for q in form])) for form in forms]
    information = np.array(
        [
            total_information(
                [parameters[q.id][0] for q in form], [parameters[q.id][1] for q in form], THETA
            )
            for form in forms
        ]
    )
    spread = (information.max(axis=0) - information.min(axis=0)) / information.mean(axis=0)
    return _Evenness(
        facility_spread=round(max(means) - min(means), 5),
        information_spread=f"{100 * spread.max():.2f}%",
        broken=sum(broken(form, blueprint) for form in forms),
    )


def broken(form: Sequence[Question], blueprint: Blueprint) -> int:
    """Number of the blueprint's constraints that a form violates."""
    count = int(len(form) != blueprint.items)
    for name, attribute, _ in ATTRIBUTES:
        for value, wanted in getattr(blueprint, name).items():
            low, high = bounds(wanted)
            count += not low <= sum(getattr(q, attribute) == value for q in form) <= high
    ids = {q.id for q in form}
    count += sum(len(ids & set(group)) > 1 for group in blueprint.enemies)
    return count + sum(0 < len(ids & set(group)) < len(group) for group in blueprint.sets)
