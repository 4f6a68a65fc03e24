"""Forms of the accounts."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length


class LoginForm(FlaskForm):
    phone = StringField(
        "手机号", [InputRequired("请填手机号"), Length(max=40, message="手机号是 11 位数字")]
    )
    password = PasswordField(
        "密码", [InputRequired("请填密码"), Length(max=128, message="密码太长")]
    )


class ClaimForm(FlaskForm):
    phone = StringField(
        "手机号", [InputRequired("请填手机号"), Length(max=40, message="手机号是 11 位数字")]
    )
    code = StringField(
        "开通码", [InputRequired("请填纸上的开通码"), Length(max=20, message="开通码是 8 位")]
    )
    new = PasswordField(
        "设一个密码", [InputRequired("请设密码"), Length(max=128, message="密码太长")]
    )
    again = PasswordField("再填一次密码", [EqualTo("new", "两次填的密码不一样，请重填")])


class PasswordForm(FlaskForm):
    old = PasswordField("现在的密码", [InputRequired("请填现在的密码"), Length(max=128)])
    new = PasswordField(
        "新密码", [InputRequired("请填新密码"), Length(max=128, message="密码太长")]
    )
    again = PasswordField("再填一次新密码", [EqualTo("new", "两次填的新密码不一样，请重填")])
