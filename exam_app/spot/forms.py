"""Forms of the spot checks."""

from __future__ import annotations

from typing import Any, cast

from exam_app.spot.service import QUESTIONS
from exam_app.web.forms import Form, Judgement, Line, Whole, WrittenDay


class DrawForm(Form):
    size = Whole("抽几份")
    division = Line(
        "区划编码（不填就是您的全部范围）", 12, needed=False, render_kw={"inputmode": "numeric"}
    )
    seed = Whole("种子")
    due = WrittenDay("有问题的，整改到哪天")


class FoundForm(Form):
    """What was found in one archive."""

    finding = Line("问题（有不符合的必填）", 300, needed=False)


_QUESTIONS: dict[str, Any] = {
    name: Judgement(words, {"yes": "符合", "no": "不符合"}) for name, words in QUESTIONS.items()
}
LookForm = cast(
    type[FoundForm],
    type(
        "LookForm",
        (FoundForm,),
        {**_QUESTIONS, "finding": Line("问题（有不符合的必填）", 300, needed=False)},
    ),
)


class MendedForm(Form):
    id_prefix = "mended-"
    again = Line("怎么整改的", 300, needed="请写明怎么整改的")
