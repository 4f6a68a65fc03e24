"""Marking: a form's questions against the stored responses, and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.errors import Closed
from exam_app.exams.models import Answer, Attempt
from exam_app.exams.papers import slots_of
from question_bank import Blueprint, round_points, score
from question_bank.draw import seen


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
    for place in slots_of(attempt):
        worth, question = place.worth(blueprint), place.question
        response = saved[place.slot].response if place.slot in saved else None
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
    for place in slots_of(attempt):
        slot, question, item = place.slot, place.question, place.item
        response = saved[slot].response if slot in saved else None
        share = score(question, response, blueprint.scheme(question.type))
        shown, letter = seen(question, place.order)
        rows.append(
            {
                "slot": slot,
                "id": item.id,
                "version": item.version,
                "question": question,
                "seen": shown,
                "seen_response": _lettered(response, letter),
                "type": question.type,
                "text": place.text,
                "stem": question.stem,
                "response": response,
                "key": question.key,
                "right": share == 1.0,
                "points": round_points(place.worth(blueprint) * share),
                "worth": round_points(place.worth(blueprint)),
                "explanation": question.explanation,
                "source": item.source,
                "kb": item.kb,
                "topic": item.topic,
            }
        )
    return rows


def _lettered(response: Any, letter: Mapping[str, str]) -> Any:
    """A choice in the letters that the examinee saw."""
    if not letter or response is None:
        return response
    return letter[response] if isinstance(response, str) else sorted(letter[r] for r in response)


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
