"""Papers: the questions of a form, parsed once a process, and the slots of an attempt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import object_session

from exam_app.exams.models import Attempt, Exam, ExamForm
from exam_app.exams.schemas import ItemOut
from question_bank import Answerable, Blueprint, Question, parse_question, parts_of, round_points
from question_bank.draw import item_order, option_order
from question_bank.question import options_of
from question_bank.response import Shape, shape_of

MAX_KEPT = 200


# Not frozen: setting each field of such a one takes three times as long, and every paper has some sixty.
@dataclass
class Slot:
    """A place for one answer: a question, or one sub-question of a case.

    `item` is the question it belongs to; `seed` what its options are shuffled by (None: as written);
    `text` the case's text; `share` its share of the item's points (the sub-questions of a case share
    them equally); `part` its place among them.
    """

    slot: str
    question: Answerable
    item: Question
    seed: int | None = None
    text: str | None = None
    share: float = 1.0
    part: int = 0

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The options' labels as they are shown. Marking has no need of them."""
        return option_order(self.question, self.seed, self.item.id)

    def worth(self, blueprint: Blueprint) -> float:
        """Points to be had here, in full precision."""
        return blueprint.points_for(self.item.type) * self.share


def lay_out(
    items: Sequence[Question], seed: int | None = None, sets: Sequence[Sequence[str]] = ()
) -> list[Slot]:
    """The slots of questions in their order or in that of a seed. Labels of options stay those of the
    question, only their order changes."""
    found: list[Slot] = []
    for item in items if seed is None else item_order(items, seed, sets):
        parts = parts_of(item)
        text = item.text if item.type == "case" else None
        for number, part in enumerate(parts):
            slot = str(len(found) + 1)
            found.append(Slot(slot, part, item, seed, text, 1 / len(parts), number))
    return found


_KEPT: WeakKeyDictionary[Engine, OrderedDict[tuple[int, datetime], list[Question]]] = (
    WeakKeyDictionary()
)
_LOCK = Lock()


def items_of(form: ExamForm) -> list[Question]:
    """The questions of a form as they stood when it was made. A form never changes once it is made,
    so that a process parses it once."""
    session = object_session(form)
    if session is None or form.id is None:
        return [parse_question(data) for data in form.items]
    key = (form.id, form.exam.created_at)
    with _LOCK:
        cached = _KEPT.setdefault(session.get_bind().engine, OrderedDict())
        if key in cached:
            cached.move_to_end(key)
            return cached[key]
    items = [parse_question(data) for data in form.items]
    with _LOCK:
        cached[key] = items
        while len(cached) > MAX_KEPT:
            cached.popitem(last=False)
    return items


_RULES: dict[int | None, tuple[object, Blueprint]] = {}


def rules_of(exam: Exam) -> Blueprint:
    """The blueprint of an exam; parsed once for all that are alike."""
    written, rules = _RULES.get(exam.id, (None, None))
    if rules is None or written != exam.blueprint:
        rules = Blueprint.model_validate(exam.blueprint)
        if len(_RULES) >= MAX_KEPT:
            _RULES.clear()
        _RULES[exam.id] = (exam.blueprint, rules)
    return rules


def slots(form: ExamForm) -> list[Slot]:
    """The slots of a form, in its order."""
    return lay_out(items_of(form))


def slots_of(attempt: Attempt) -> list[Slot]:
    """The slots of an attempt as its examinee saw them; laid out once for one object."""
    places: list[Slot] | None = attempt.__dict__.get("_places")
    if places is None:
        places = lay_out(items_of(attempt.form), attempt.seed, rules_of(attempt.exam).sets)
        attempt.__dict__["_places"] = places
    return places


def shapes_of(attempt: Attempt) -> tuple[Shape, ...]:
    """The shape of every slot's response, in order."""
    return tuple(shape_of(place.question) for place in slots_of(attempt))


def shown(places: Sequence[Slot], rules: Blueprint) -> list[ItemOut]:
    """The items as the examinee sees them: no key, no explanation."""
    items: list[ItemOut] = []
    for place in places:
        question = place.question
        texts = options_of(question)
        items.append(
            {
                "slot": place.slot,
                "type": question.type,
                "text": place.text or None,
                "stem": question.stem,
                "options": {label: texts[label] for label in place.order} if texts else None,
                "order": list(place.order) if texts else None,
                "left": question.left if question.type == "match" else None,
                "blanks": len(question.key) if question.type == "fill" else None,
                "points": round_points(place.worth(rules)),
            }
        )
    return items
