"""Forms of the evaluation."""

from __future__ import annotations

from exam_app.web.forms import Area, Form, Whole

MAX_TEXT = 500


class RunForm(Form):
    year = Whole("年份")


class SelfReviewForm(Form):
    text = Area("我的自评（做了什么、有什么要说明）", MAX_TEXT, needed=False, render_kw={"rows": 4})


class AppealForm(Form):
    id_prefix = "appeal-"
    text = Area("异议", MAX_TEXT, needed=False, render_kw={"rows": 4})


class CommentForm(Form):
    """The comment of the town or the district, or why a self-review goes back."""

    text = Area("意见，或退回的原因", MAX_TEXT, needed=False, render_kw={"rows": 3})


class ReplyForm(Form):
    """The answer to an appeal."""

    id_prefix = "reply-"
    text = Area("答复", MAX_TEXT, needed=False, render_kw={"rows": 3})
