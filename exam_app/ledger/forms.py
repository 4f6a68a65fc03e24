"""Forms of the ledger: a person, their posts, checks and leave."""

from __future__ import annotations

from typing import Any, cast

from exam_app.web.forms import Cell, Choice, Form, Line, Phone, WrittenDay
from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import ABSENCES, ROLES
from training_records.ledger.rows import PARSERS, PERSON_FIELDS

MAX_REASON, MAX_PLACE = 200, 60
# The background check has its own form and rules.
EDITED = tuple(f for f in PERSON_FIELDS if not f.startswith("background_"))
_YES_NO = ("是", "否")
_OFFERED = {"gender": ("男", "女"), "full_time": _YES_NO, "purchased": _YES_NO}


def _cell(name: str, *, partial: bool = False) -> Cell:
    """A field of the ledger, checked by the parser that its imports use."""
    needed = name in ("name", "phone", "start")
    return Cell(
        COLUMNS[name][0],
        PARSERS[name],
        needed=needed,
        offered=_OFFERED.get(name, ()),
        partial=partial,
    )


def _place(label: str) -> Line:
    return Line(f"{label}（写“镇名 村名”，或 12 位区划编码）", MAX_PLACE)


def _reason(label: str = "原因", *, needed: bool | str = True) -> Line:
    return Line(label, MAX_REASON, needed=needed)


class LedgerForm(Form):
    """A form of fields that the ledger stores."""

    def values(self) -> dict[str, object]:
        """The fields that were sent, as the ledger stores them."""
        return {f.name: f.value for f in self if isinstance(f, Cell) and f.raw_data}


class NewPersonForm(LedgerForm):
    name = _cell("name")
    phone = _cell("phone")
    gender = _cell("gender")
    role = Choice("登记类型", ROLES)
    place = _place("在哪里任职")
    start = WrittenDay("任职开始日期")
    background_checked_on = WrittenDay("入职查询日期（任职以前）")
    background_result = Line("查询结果", 20)


class CheckForm(Form):
    background_checked_on = WrittenDay("查询日期")
    background_result = Line("查询结果", 20)


class PurposeForm(Form):
    """What the whole identity number is looked at for."""

    id_prefix = "identity-"
    reason = Line(
        "做什么用",
        60,
        needed="请写明看证件号码做什么用，例如“办入职查询”",
        render_kw={"placeholder": "办入职查询"},
    )


class LeaveForm(Form):
    id_prefix = "leave-"
    end = WrittenDay("最后一天")
    reason = _reason()


class TransferForm(Form):
    id_prefix = "transfer-"
    place = _place("调到哪里")
    start = WrittenDay("从哪天起")
    reason = _reason()


class PostForm(LedgerForm):
    id_prefix = "post-"
    start = _cell("start", partial=True)
    end = _cell("end", partial=True)
    duties = _cell("duties", partial=True)
    children = _cell("children", partial=True)
    caseload = _cell("caseload", partial=True)
    reason = _reason("为什么改")


class AppointForm(Form):
    id_prefix = "appoint-"
    role = Choice("登记类型", ROLES)
    place = _place("哪里")
    start = WrittenDay("从哪天起")
    reason = _reason("说明（可不填）", needed=False)


class AbsenceForm(Form):
    id_prefix = "away-"
    kind = Choice("种类", ABSENCES)
    start = WrittenDay("第一天")
    end = WrittenDay("最后一天（还不知道就空着）", needed=False)
    reason = _reason("说明（可不填）", needed=False)


class ReturnForm(Form):
    """The last day of a leave, or why it is removed."""

    id_prefix = "back-"
    end = WrittenDay("最后一天", needed=False)
    reason = _reason("记错了？写明原因再撤销", needed=False)


class MergeForm(Form):
    id_prefix = "twin-"
    phone = Phone("另一条登记的手机号")
    reason = _reason("怎么知道是同一个人", needed="请写怎么知道是同一个人")


class PersonForm(LedgerForm):
    """The fields of a person that the page corrects; the reason stands last."""

    id_prefix = "edit-"


_FIELDS: dict[str, Any] = {name: _cell(name, partial=True) for name in EDITED}
EditForm = cast(
    type[PersonForm], type("EditForm", (PersonForm,), {**_FIELDS, "reason": _reason("为什么改")})
)
