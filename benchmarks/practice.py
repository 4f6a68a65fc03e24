"""Benchmark of daily practice, by simulation: FSRS against the same minutes of re-reading."""

from __future__ import annotations

import time

from benchmarks.practice_model import SECONDS_EACH, Setting, mean_of, simulate
from benchmarks.results import Measured, Row
from exam_app.bank.service import current_bank
from exam_app.practice.service import TYPES
from question_bank import load_pool

WAYS = {
    "daily": "每天练 5 题（FSRS）",
    "early": "同样的时间，考前两个月集中重读两天",
    "eve": "同样的时间，考前两天集中重读",
}


def practice_rows(people: int) -> Measured:
    """Share remembered on the day of the exam and three months later, with 95 % intervals over people."""
    rows: list[Row] = []
    ratios: dict[str, float] = {}
    pool_size = sum(q.type in TYPES for q in load_pool("daily").of(current_bank().reviewed()))
    for items in (150, 250, pool_size):
        start = time.perf_counter()
        shares = simulate(Setting(people=people, items=items))
        questions = float(shares["questions"].mean())
        rows.append(
            {
                "step": f"模拟，不是真人试验：题库 {items} 题",
                "people": people,
                "questions_each": round(questions),
                "minutes_each": round(questions * SECONDS_EACH / 60),
                "seconds": round(time.perf_counter() - start, 1),
            }
        )
        means = {key: mean_of(shares[key]) for key in shares if key != "questions"}
        for way, title in WAYS.items():
            (exam_day, exam_half), (later, later_half) = means[f"{way}_exam"], means[f"{way}_later"]
            rows.append(
                {
                    "step": f"{title}（{items} 题）",
                    "exam_day": round(exam_day, 3),
                    "ci95": round(exam_half, 4),
                    "three_months_later": round(later, 3),
                    "later_ci95": round(later_half, 4),
                }
            )
        for way, words in (("early", "考前两个月重读"), ("eve", "考前两天重读")):
            ratios[f"考试日记住的，每天练÷{words}（{items} 题）"] = (
                means["daily_exam"][0] / means[f"{way}_exam"][0]
            )
    for share in (0.3, 0.9):
        result = simulate(Setting(people=min(people, 500), items=pool_size, diligence=share))
        rows.append(
            {
                "step": f"只有 {share:.0%} 的日子练（{pool_size} 题）",
                "exam_day": round(mean_of(result["daily_exam"])[0], 3),
                "re_read_early": round(mean_of(result["early_exam"])[0], 3),
            }
        )
    return rows, ratios
