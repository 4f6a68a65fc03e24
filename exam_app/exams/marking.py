"""Marking of stored responses against a form's items, and the result shown to the examinee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from exam_app.exams.errors import Closed
from exam_app.exams.models import Answer, Attempt, Mark
from exam_app.exams.slots import Slot, rules_of, slots_of
from question_bank import (
    Answerable,
    Blueprint,
    Response,
    parse_question,
    parts_of,
    round_points,
    score,
)
from question_bank.draw import seen

# Marks that differ by at most this share of the points agree.
APART = 0.1


class StoredAnswer(NamedTuple):
    """A saved answer."""

    slot: str
    seq: int
    response: Response
    seconds: int | None


_ANSWERS = select(Answer.slot, Answer.seq, Answer.response, Answer.seconds).where(
    Answer.attempt_id == bindparam("attempt")
)


def answers_of(session: Session, attempt_id: int) -> dict[str, StoredAnswer]:
    """The saved answers of an attempt by slot."""
    rows = session.execute(_ANSWERS, {"attempt": attempt_id})
    return {row[0]: StoredAnswer(*row) for row in rows}


def marks_of(session: Session, attempt_id: int) -> dict[str, list[Mark]]:
    """The human marks of an attempt by slot, in the order given."""
    marks: dict[str, list[Mark]] = {}
    query = select(Mark).where(Mark.attempt_id == attempt_id)
    for mark in session.scalars(query.order_by(Mark.marked_at, Mark.account_id)):
        marks.setdefault(mark.slot, []).append(mark)
    return marks


def human_share(marks: Sequence[Mark], double: bool) -> float | None:
    """The share that human marks amount to; None while another mark is needed.

    Without double marking the first mark decides. Of two marks the mean counts when they differ by
    at most `APART`. Otherwise a third decides: the mean of it and the nearer of the two counts.
    """
    shares = [float(m.share) for m in marks]
    if not double:
        return shares[0] if shares else None
    if len(shares) < 2:
        return None
    if abs(shares[0] - shares[1]) <= APART + 1e-9:
        return (shares[0] + shares[1]) / 2
    if len(shares) < 3:
        return None
    nearer = min(shares[:2], key=lambda share: abs(share - shares[2]))
    return (nearer + shares[2]) / 2


def share_of(
    question: Answerable,
    response: Response,
    blueprint: Blueprint,
    *,
    marks: Sequence[Mark],
    double: bool,
) -> float | None:
    """The share of an item's points earned; None while it still needs human marking."""
    if question.type != "short_answer":
        return score(question, response, blueprint.scheme(question.type))
    return 0.0 if response is None else human_share(marks, double)


def corrected(slot: Slot, corrections: Mapping[str, object] | None) -> Answerable:
    """The item of a slot as it is marked now: the exam's corrected version where one differs."""
    if not corrections or slot.item.id not in corrections:
        return slot.question
    corrected_part = parts_of(parse_question(corrections[slot.item.id]))[slot.part]
    return slot.question if corrected_part == slot.question else corrected_part


def total(rows: Sequence[MarkedSlot]) -> tuple[float, float, list[str]]:
    """(points, maximum, slots that still need human marking) of marked slots, at full precision."""
    points = sum(row.worth * (row.share or 0.0) for row in rows)
    open_slots = [row.slot.id for row in rows if row.share is None]
    return points, sum(row.worth for row in rows), open_slots


class MarkedSlot(NamedTuple):
    """One slot of an attempt as marked.

    `question`: corrected or not; `worth`: its points; `share`: the share of them earned, None while
    it still needs human marking; `marks`: the human marks.
    """

    slot: Slot
    question: Answerable
    response: Response
    worth: float
    share: float | None
    marks: Sequence[Mark]


def marked(
    session: Session,
    attempt: Attempt,
    corrections: Mapping[str, object] | None = None,
    *,
    saved: Mapping[str, StoredAnswer] | None = None,
) -> list[MarkedSlot]:
    """Marks every slot of an attempt from its stored responses.

    `corrections`: corrected items by id, instead of the exam's own; `saved`: the stored responses,
    when already read.
    """
    corrections = attempt.exam.corrections if corrections is None else corrections
    saved = answers_of(session, attempt.id) if saved is None else saved
    exam, attempt_slots = attempt.exam, slots_of(attempt)
    by_people = any(slot.question.type == "short_answer" for slot in attempt_slots)
    marks = marks_of(session, attempt.id) if by_people else {}
    blueprint = rules_of(exam)
    rows = []
    for slot in attempt_slots:
        response = saved[slot.id].response if slot.id in saved else None
        slot_marks = marks.get(slot.id, ())
        question = corrected(slot, corrections)
        share = share_of(
            question, response, blueprint, marks=slot_marks, double=exam.double_marking
        )
        rows.append(MarkedSlot(slot, question, response, slot.worth(blueprint), share, slot_marks))
    return rows


# Not frozen, like `Slot`: frozen dataclasses are slow to create, and a submission makes some sixty.
@dataclass
class ResultRow:
    """One slot of a released result.

    `right`: full points earned; `corrected`: its key was corrected after the exam.
    """

    slot: Slot
    question: Answerable
    response: Response
    right: bool
    comments: list[str]
    points: float
    worth: float
    text: str | None
    stem: str
    key: object
    explanation: str
    source: str
    kb: str
    topic: str
    corrected: bool


class WeakTopic(TypedDict):
    """A topic with `right` of `of` items right, and the page to read."""

    topic: str
    right: int
    of: int
    kb: str


def result(
    session: Session, attempt: Attempt, rows: Sequence[MarkedSlot] | None = None
) -> list[ResultRow]:
    """Every slot with response, key, points, explanation and links. `Closed` before release.

    `rows`: the slots, when they have just been marked.
    """
    if attempt.state != "released":
        raise Closed("成绩还没有公布")
    results = []
    for row in marked(session, attempt) if rows is None else rows:
        slot, item, question, response = row.slot, row.slot.item, row.question, row.response
        share = row.share or 0.0
        results.append(
            ResultRow(
                slot=slot,
                question=question,
                response=response,
                right=share == 1.0,
                comments=[m.comment for m in row.marks if m.comment],
                points=round_points(row.worth * share),
                worth=round_points(row.worth),
                text=slot.text,
                stem=question.stem,
                key=question.key,
                explanation=question.explanation,
                source=item.source,
                kb=item.kb,
                topic=item.topic,
                corrected=question is not slot.question,
            )
        )
    return results


def as_seen(row: ResultRow) -> tuple[Answerable, Response]:
    """(question, response) of a result row, with option labels as the examinee saw them."""
    question, letter = seen(row.question, row.slot.order)
    response = row.response
    if letter and isinstance(response, str):
        return question, letter[response]
    if letter and isinstance(response, list):
        return question, sorted(letter[r] for r in response)
    return question, response


def weak_topics(rows: Sequence[ResultRow]) -> list[WeakTopic]:
    """Topics with less than 60 % of the items right, worst first, with the page to read."""
    topics: dict[str, list[ResultRow]] = {}
    for row in rows:
        topics.setdefault(row.topic, []).append(row)
    weak: list[WeakTopic] = []
    for topic, items in topics.items():
        right = sum(r.right for r in items)
        if right < 0.6 * len(items):
            wrong = next(r for r in items if not r.right)
            weak.append({"topic": topic, "right": right, "of": len(items), "kb": wrong.kb})
    return sorted(weak, key=lambda t: t["right"] / t["of"])
