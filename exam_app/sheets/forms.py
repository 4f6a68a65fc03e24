"""Forms of the paper exams."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from exam_app.exams.slots import Slot
from exam_app.web.forms import Area, Choice, Day, Form, Line
from question_bank import Response


class PrintForm(Form):
    division = Choice("给哪里的人印")
    who = Area(
        "只给其中几个人（手机号或姓名，一行一个；不填就是所有人）",
        20_000,
        needed=False,
        render_kw={"rows": 3},
    )


class ScoreForm(Form):
    held_on = Day("哪天考的")


class CodeForm(Form):
    """The number that stands on a sheet."""

    code = Line("答题卡编号", 40)


def given(form: MultiDict[str, str], form_slots: Mapping[str, Slot]) -> dict[str, Response]:
    """The responses keyed in from a sheet: slot to response, for the slots on the form (fields ``slot``).

    None: not answered.
    """
    return {
        slot: _response(form, form_slots[slot])
        for slot in form.getlist("slot")
        if slot in form_slots
    }


def _response(form: MultiDict[str, str], slot: Slot) -> Response:
    name, question = f"s{slot.id}", slot.question
    if question.type == "multiple":
        return form.getlist(name) or None
    if question.type == "fill":
        texts = [text.strip() for text in form.getlist(name)]
        return texts if any(texts) else None
    if question.type == "order":
        return [label for label in form.getlist(name) if label] or None
    if question.type == "match":
        pairs = {left: form.get(f"{name}-{left}", "") for left in question.left}
        return {left: int(right) for left, right in pairs.items() if right.isdigit()} or None
    text = form.get(name, "").strip()
    if question.type == "true_false":
        return {"true": True, "false": False}.get(text)
    return text or None
