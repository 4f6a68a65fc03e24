"""Forms of the exams."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange


class StartForm(FlaskForm):
    honest = BooleanField("我本人独立作答", [InputRequired("请先勾选“我本人独立作答”")])


class ExamForm(FlaskForm):
    title = StringField(
        "考试名称", [InputRequired("请填考试名称"), Length(max=60, message="名称最多 60 字")]
    )
    blueprint = SelectField("命题蓝图")
    opens = DateField("开始日期", [InputRequired("请选开始日期")])
    closes = DateField("结束日期(当天 24 时截止)", [InputRequired("请选结束日期")])
    forms = IntegerField(
        "几套卷(相邻的人拿到不同的卷)",
        [InputRequired("请填套数"), NumberRange(1, 10, "请填 1 到 10")],
        default=2,
    )
    shuffled = BooleanField("每人的题目和选项顺序都打乱", default=True)
    attempts = IntegerField(
        "每人可考几次", [InputRequired("请填次数"), NumberRange(1, 20, "请填 1 到 20")], default=3
    )
