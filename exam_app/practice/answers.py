"""Questions as practised on a page: what to draw, what a form says, what was right."""

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
    """What to practise: a topic, a page of the knowledge base, or a clause, step or line."""

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
    """One answered part of a practice: a question, or one sub-question of a case."""

    item: Question
    question: Answerable
    response: Response
    right: bool
    text: str | None = None


def practice_set(
    pool: Sequence[Question], reserved: set[str], choice: Choice, rng: random.Random, n: int = 5
) -> list[Question]:
    """Questions of a pool to practise, none of them in an exam that is open or to come."""
    free = [q for q in pool if q.id not in reserved and choice.fits(q)]
    return rng.sample(free, min(n, len(free)))


def parts(item: Question) -> list[tuple[str, Answerable, str | None]]:
    """(field name, question, text of the case) of a question or of a case's sub-questions."""
    if item.type != "case":
        return [(item.id, item, None)]
    return [(f"{item.id}.{n}", sub, item.text) for n, sub in enumerate(item.questions, start=1)]


def check_practice(item: Question, field: Callable[[str], Sequence[str]]) -> list[Practised]:
    """The parts of a question with the responses read from a form (`field` gives its values)."""
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
    """A form's values as a response; None where nothing was answered.

    Order: the place of each option, in the options' order. Match: the number of each left side.
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
        placed = dict(zip(question.options, given, strict=False))
        if not all(place.isdecimal() for place in placed.values()):
            return None
        return sorted(placed, key=lambda label: int(placed[label]))
    if question.type == "match":
        chosen = zip(question.left, given, strict=False)
        return {left: int(number) for left, number in chosen if number.isdecimal()}
    return given[0]
