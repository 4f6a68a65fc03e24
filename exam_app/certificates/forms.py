"""Forms of the certificates."""

from __future__ import annotations

from exam_app.web.forms import Area, Choice, Form, Line, Whole, WrittenDay


class TemplateForm(Form):
    id_prefix = "template-"
    name = Line("名称", 20, needed=False)
    heading = Line("小标题", 30, needed=False)
    body = Area(
        "正文（{holder} 姓名、{place} 地方、{title} 培训名称）",
        200,
        needed="请填正文",
        render_kw={"rows": 3},
    )
    prefix = Line("编号开头（英文字母）", 6)
    valid_months = Whole("有效几个月（长期有效就空着）", least=1, most=600, needed=False)


class IssueForm(Form):
    title = Line("培训名称（和档案里一样）", 100)
    on = WrittenDay("培训日期")
    template = Choice("证书样式", validate_choice=False)


class VoidForm(Form):
    id_prefix = "void-"
    reason = Line("原因", 200, needed="请写明作废的原因")
