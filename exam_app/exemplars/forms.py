"""Forms of the model workers."""

from __future__ import annotations

from exam_app.web.forms import Area, Form, Line, Whole


class NominationForm(Form):
    year = Whole("年份", least=2000, most=2100, needed=False)
    material = Area(
        "推荐材料（给评选的人看，最多 1500 字；不写孩子的姓名、住址）",
        1500,
        needed="请填推荐材料",
        render_kw={"rows": 8},
    )
    words = Area(
        "公布的话（选上以后登在知识库，最多 300 字）",
        300,
        needed="请填公布的话",
        render_kw={"rows": 4},
    )


class StepForm(Form):
    """The next step of a nomination, or why it is declined."""

    days = Whole("公示几天", needed=False)
    text = Line("为什么（本人看得到）", 200, needed=False)


class ReplyForm(Form):
    """The answer to an objection."""

    id_prefix = "reply-"
    text = Line("答复", 300, needed=False)


class ObjectionForm(Form):
    id_prefix = "objection-"
    text = Area("意见", 300, needed="请写意见", render_kw={"rows": 3})
