"""Papers: the items of a form, parsed once per process, and the slots of an attempt."""

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

MAX_CACHED = 200


# Not frozen: a frozen dataclass takes three times as long to create, and every paper has some
# sixty.
@dataclass
class Slot:
    """A slot for one response: an item, or one sub-question of a case.

    `id`: its number on the paper, as text; `item`: the item it belongs to; `seed`: seed of the option order (None: as written); `text`: the
    case's text; `share`: its share of the item's points (the sub-questions of a case share them
    equally); `part`: its index among them.
    """

    id: str
    question: Answerable
    item: Question
    seed: int | None = None
    text: str | None = None
    share: float = 1.0
    part: int = 0

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The options' labels in display order. Lazy: marking doesn't need it."""
        return option_order(self.question, self.seed, self.item.id)

    def worth(self, blueprint: Blueprint) -> float:
        """The points of this slot, at full precision."""
        return blueprint.points_for(self.item.type) * self.share


def lay_out(
    items: Sequence[Question], seed: int | None = None, sets: Sequence[Sequence[str]] = ()
) -> list[Slot]:
    """The slots of items, in their order or shuffled by a seed.

    Shuffling changes only the order of options; their labels stay those of the item.
    """
    laid_out: list[Slot] = []
    for item in items if seed is None else item_order(items, seed, sets):
        parts = parts_of(item)
        text = item.text if item.type == "case" else None
        for number, part in enumerate(parts):
            laid_out.append(
                Slot(str(len(laid_out) + 1), part, item, seed, text, 1 / len(parts), number)
            )
    return laid_out


_CACHE: WeakKeyDictionary[Engine, OrderedDict[tuple[int, datetime], list[Question]]] = (
    WeakKeyDictionary()
)
_LOCK = Lock()


def items_of(form: ExamForm) -> list[Question]:
    """The items of a form as of its creation; cached, since a form never changes."""
    session = object_session(form)
    if session is None or form.id is None:
        return [parse_question(data) for data in form.items]
    key = (form.id, form.exam.created_at)
    with _LOCK:
        cached = _CACHE.setdefault(session.get_bind().engine, OrderedDict())
        if key in cached:
            cached.move_to_end(key)
            return cached[key]
    items = [parse_question(data) for data in form.items]
    with _LOCK:
        cached[key] = items
        while len(cached) > MAX_CACHED:
            cached.popitem(last=False)
    return items


_RULES: dict[int | None, tuple[object, Blueprint]] = {}


def rules_of(exam: Exam) -> Blueprint:
    """The blueprint of an exam; cached until the stored one differs."""
    source, rules = _RULES.get(exam.id, (None, None))
    if rules is None or source != exam.blueprint:
        rules = Blueprint.model_validate(exam.blueprint)
        if len(_RULES) >= MAX_CACHED:
            _RULES.clear()
        _RULES[exam.id] = (exam.blueprint, rules)
    return rules


def slots(form: ExamForm) -> list[Slot]:
    """The slots of a form, in the form's order."""
    return lay_out(items_of(form))


def slots_of(attempt: Attempt) -> list[Slot]:
    """The slots of an attempt as its examinee saw them; cached on the object."""
    attempt_slots: list[Slot] | None = attempt.__dict__.get("_slots")
    if attempt_slots is None:
        attempt_slots = lay_out(items_of(attempt.form), attempt.seed, rules_of(attempt.exam).sets)
        attempt.__dict__["_slots"] = attempt_slots
    return attempt_slots


def shapes_of(attempt: Attempt) -> tuple[Shape, ...]:
    """The response shape of every slot, in order."""
    return tuple(shape_of(slot.question) for slot in slots_of(attempt))


def shown(attempt_slots: Sequence[Slot], rules: Blueprint) -> list[ItemOut]:
    """The items as shown to the examinee: no key, no explanation."""
    items: list[ItemOut] = []
    for slot in attempt_slots:
        question = slot.question
        texts = options_of(question)
        items.append(
            {
                "slot": slot.id,
                "type": question.type,
                "text": slot.text or None,
                "stem": question.stem,
                "options": {label: texts[label] for label in slot.order} if texts else None,
                "order": list(slot.order) if texts else None,
                "left": question.left if question.type == "match" else None,
                "blanks": len(question.key) if question.type == "fill" else None,
                "points": round_points(slot.worth(rules)),
            }
        )
    return items
