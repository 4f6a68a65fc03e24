"""Forms of the reminders."""

from __future__ import annotations

from exam_app.reminders.models import WAYS
from exam_app.web.forms import Choice, Form, Line, Whole


class ChannelForm(Form):
    way = Choice("怎么发", WAYS, validate_choice=False)
    name = Line("名字", 40, needed="请起个名字，例如“平度儿童福利群”")
    target = Line(
        "群机器人的地址（邮件、短信不填）", 300, needed=False, render_kw={"inputmode": "url"}
    )
    secret = Line(
        "加签密钥（钉钉选“加签”的才填）", 100, needed=False, render_kw={"autocomplete": "off"}
    )
    quiet_from = Whole("几点以后不发", most=23)
    quiet_to = Whole("到几点", most=23)
