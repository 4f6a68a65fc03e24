"""Marking: a form's questions against the stored responses, and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.errors import Closed
from exam_app.exams.models import Answer, Attempt, ExamForm
from question_bank import Blueprint, parse_question, round_points, score


def slots(form: ExamForm) -> list[tuple[str, Any]]:
    """(slot, question) of a form, in order; the questions as they stood when it was made."""
    return [(str(n), parse_question(item)) for n, item in enumerate(form.items, start=1)]


def answers_of(session: Session, attempt_id: int) -> dict[str, Answer]:
    """The saved answers by slot."""
    return {
        a.slot: a for a in session.scalars(select(Answer).where(Answer.attempt_id == attempt_id))
    }


def mark(session: Session, attempt: Attempt) -> tuple[float, float]:
    """(points, maximum) of an attempt from its stored responses, in full precision."""
    saved = answers_of(session, attempt.id)
    blueprint = Blueprint.model_validate(attempt.exam.blueprint)
    points = maximum = 0.0
    for slot, question in slots(attempt.form):
        worth = blueprint.points_for(question.type)
        response = saved[slot].response if slot in saved else None
        points += worth * score(question, response, blueprint.scheme(question.type))
        maximum += worth
    return points, maximum


def result(session: Session, attempt: Attempt) -> list[dict[str, Any]]:
    """Every item with own answer, key, points, explanation and links. Only after release."""
    if attempt.state != "released":
        raise Closed("成绩还没有公布")
    saved = answers_of(session, attempt.id)
    blueprint = Blueprint.model_validate(attempt.exam.blueprint)
    rows = []
    for slot, question in slots(attempt.form):
        response = saved[slot].response if slot in saved else None
        share = score(question, response, blueprint.scheme(question.type))
        rows.append(
            {
                "slot": slot,
                "id": question.id,
                "version": question.version,
                "type": question.type,
                "stem": question.stem,
                "options": getattr(question, "options", None),
                "response": response,
                "key": question.key,
                "right": share == 1.0,
                "points": round_points(blueprint.points_for(question.type) * share),
                "worth": blueprint.points_for(question.type),
                "explanation": question.explanation,
                "source": question.source,
                "kb": question.kb,
                "topic": question.topic,
            }
        )
    return rows


def weak_topics(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Topics with less than 60 % right, worst first, with the page to read."""
    topics: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        topics.setdefault(row["topic"], []).append(row)
    weak = []
    for topic, items in topics.items():
        right = sum(bool(r["right"]) for r in items)
        if right < 0.6 * len(items):
            wrong = next(r for r in items if not r["right"])
            weak.append({"topic": topic, "right": right, "of": len(items), "kb": wrong["kb"]})
    return sorted(weak, key=lambda t: t["right"] / t["of"])
