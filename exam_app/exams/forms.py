"""Forms of the exams."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    IntegerField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional


def choices(**words: str) -> list[SelectChoice]:
    """Value-to-label pairs as choices of a select field."""
    return [SelectChoice(value, word) for value, word in words.items()]


def faults(form: FlaskForm) -> str:
    """All validation errors of a form, in one line."""
    return "；".join(message for messages in form.errors.values() for message in messages)


class StartForm(FlaskForm):
    honest = BooleanField("我本人独立作答", [InputRequired("请先勾选“我本人独立作答”")])


class ExamSettingsForm(FlaskForm):
    title = StringField(
        "考试名称", [InputRequired("请填考试名称"), Length(max=60, message="名称最多 60 字")]
    )
    blueprint = SelectField("命题蓝图")
    opens = DateField("开始日期", [InputRequired("请选开始日期")])
    closes = DateField("结束日期（当天 24 时截止）", [InputRequired("请选结束日期")])
    forms = IntegerField(
        "几套卷（相邻的人拿到不同的卷）",
        [Optional(), NumberRange(1, 10, "请填 1 到 10")],
        default=2,
    )
    shuffled = BooleanField("每人的题目和选项顺序都打乱", default=True)
    counts = SelectField(
        "考几次的，哪次算数",
        choices=choices(best="最好的一次", last="最后一次", first="第一次"),
        default="best",
    )
    release = SelectField(
        "成绩什么时候公布",
        choices=choices(at_once="交卷就公布", at_time="考试结束后公布", by_hand="由我公布"),
        default="at_once",
    )
    double_marking = BooleanField("简答题由两个人各评一次")
    practice = BooleanField("练习考（不限次数，不记入档案）")
    attempts = IntegerField(
        "每人可考几次", [InputRequired("请填次数"), NumberRange(1, 20, "请填 1 到 20")], default=3
    )


class SittingForm(FlaskForm):
    title = StringField("场次名称", [InputRequired("请填场次名称"), Length(max=40)])
    place = StringField("地点（线上考的不填）", [Optional(), Length(max=60)])
    opens = DateTimeLocalField("开始", [InputRequired("请选开始时间")])
    closes = DateTimeLocalField("结束", [InputRequired("请选结束时间")])
    capacity = IntegerField(
        "座位数（不限的不填）", [Optional(), NumberRange(1, 10000, "请填 1 到 10000")]
    )
    division = SelectField("哪里的人")
    make_up = BooleanField("补考：只给还没合格的人")


class GrantForm(FlaskForm):
    phone = StringField("手机号", [InputRequired("请填手机号"), Length(max=20)])
    minutes = IntegerField(
        "多给几分钟", [Optional(), NumberRange(0, 240, "请填 0 到 240")], default=20
    )
    large_print = BooleanField("大字版")
    reason = StringField("原因", [InputRequired("请写明原因"), Length(max=100)])


class DecisionForm(FlaskForm):
    what = SelectField(
        "做什么",
        choices=choices(
            extend="给这个人延长时间",
            extend_all="给正在考的所有人延长时间",
            reopen="重新打开（没作答就到了时间的）",
            void="作废这次作答",
        ),
    )
    attempt = SelectField("哪个人", coerce=int, validate_choice=False)
    minutes = IntegerField("几分钟", [Optional(), NumberRange(1, 240, "请填 1 到 240")], default=10)
    reason = StringField("原因", [InputRequired("请写明原因"), Length(max=100)])
