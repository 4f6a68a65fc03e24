"""Practice forms: drawing items, parsing responses, marking."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from question_bank import (
    Answerable,
    InvalidResponse,
    Question,
    Response,
    score,
    valid_response,
)


@dataclass(frozen=True)
class Choice:
    """Filter of a practice set: a topic, a page of the knowledge base, or a point (clause, duty step, service-list
    line). Empty fields match everything."""

    topic: str = ""
    page: str = ""
    point: str = ""

    def fits(self, question: Question) -> bool:
        return (
            self.topic in ("", question.topic)
            and self.page in ("", question.kb.partition("#")[0])
            and (not self.point or self.point in (question.source, *question.covers))
        )


@dataclass(frozen=True)
class Practised:
    """One marked part of a practice set: an item, or a sub-question of a case."""

    item: Question
    question: Answerable
    response: Response
    right: bool
    text: str | None = None


def practice_set(
    pool: Sequence[Question], reserved: set[str], choice: Choice, *, rng: random.Random, n: int = 5
) -> list[Question]:
    """Draws up to `n` items of a pool that match `choice`. Excludes `reserved` items (of open and coming exams)."""
    free = [q for q in pool if q.id not in reserved and choice.fits(q)]
    return rng.sample(free, min(n, len(free)))


def parts(item: Question) -> list[tuple[str, Answerable, str | None]]:
    """Returns (field name, question, case text) of an item or of a case's sub-questions."""
    if item.type != "case":
        return [(item.id, item, None)]
    return [(f"{item.id}.{n}", sub, item.text) for n, sub in enumerate(item.questions, start=1)]


def check_practice(item: Question, field: Callable[[str], Sequence[str]]) -> list[Practised]:
    """Marks the parts of an item. `field` returns the form values of a name. Invalid responses count as omitted."""
    marked = []
    for name, question, text in parts(item):
        try:
            response = valid_response(question, read_response(question, list(field(name))))
        except InvalidResponse:
            response = None
        right = score(question, response) == 1.0
        marked.append(Practised(item, question, response, right, text))
    return marked


def read_response(question: Answerable, given: Sequence[str]) -> Response:
    """Converts form values to a response; None if unanswered.

    Order: `given` has the position of each option, in the order of the options. Match: the number for each left side.
    """
    if not any(given):
        return None
    if question.type == "multiple":
        return list(given)
    if question.type == "true_false":
        return given[0] == "true"
    if question.type == "fill":
        return list(given)
    if question.type == "order":
        positions = dict(zip(question.options, given, strict=False))
        if not all(position.isdecimal() for position in positions.values()):
            return None
        return sorted(positions, key=lambda label: int(positions[label]))
    if question.type == "match":
        chosen = zip(question.left, given, strict=False)
        return {left: int(number) for left, number in chosen if number.isdecimal()}
    return given[0]
