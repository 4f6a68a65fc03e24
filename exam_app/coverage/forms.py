"""The form of a year's coverage rule."""

from __future__ import annotations

from exam_app.web.forms import Choices, Form, Number, Tick, Whole
from training_records.facts.levels import LEVELS


class RuleForm(Form):
    """What a person needs in a year to be covered."""

    hours = Number("全年至少学时（每学时 45 分钟）", needed="请填学时，例如 8")
    levels = Choices("哪几级组织的培训计入学时", LEVELS)
    exam = Tick("还要通过一次考试")
    pending_days = Whole("上岗多少天内没学完算“待训”", most=366)
