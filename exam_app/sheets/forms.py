"""Forms of the exams on paper."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional


class PrintForm(FlaskForm):
    division = SelectField("给哪里的人印")
    who = TextAreaField(
        "只给其中几个人(手机号或姓名,一行一个;不填就是所有人)",
        [Optional(), Length(max=20000)],
        render_kw={"rows": 3},
    )


class ScoreForm(FlaskForm):
    held_on = DateField("哪天考的", [InputRequired("请选考试日期")])
