"""Forms of the training archive."""

from __future__ import annotations

from exam_app.web.forms import Area, Choice, Form, Line, Number, Upload, WrittenDay
from training_records.archive.external import FORMS, OUTSIDE
from training_records.archive.models import KINDS
from training_records.facts.levels import LEVELS

# Two thousand lines of a name and a number.
MAX_LINES = 60_000


class RecordForm(Form):
    """A training outside the system and who took part."""

    kind = Choice("类别", {k: KINDS[k] for k in OUTSIDE}, validate_choice=False)
    title = Line("名称", 100, needed="请填名称和主办单位")
    date = WrittenDay("日期")
    level = Choice("层级", LEVELS, validate_choice=False, default="district")
    form = Choice("形式", {word: word for word in FORMS}, validate_choice=False)
    organiser = Line("主办单位", 60, needed="请填名称和主办单位")
    hours = Number("学时（每学时 45 分钟；证书和表彰不填）", needed=False)
    certificate_no = Line("证书编号（外部证书填）", 40, needed=False)
    people = Area(
        "参加的人，一行一个，写手机号或姓名",
        MAX_LINES,
        needed="请写上参加的人，一行一个",
        render_kw={"rows": 8},
    )
    file = Upload(
        "签到表或证书的扫描件（PDF、JPG、PNG，最多 10 MB）",
        render_kw={"accept": ".pdf,.jpg,.jpeg,.png"},
    )
    confirmed_by = Line("签到表由谁核对", 40)


class CorrectionForm(Form):
    entry = Choice("哪一条", validate_choice=False)
    text = Area(
        "哪里不对，应该是什么", 300, needed="请写清楚哪里不对，应该是什么", render_kw={"rows": 3}
    )


class AnswerForm(Form):
    id_prefix = "request-"
    # With the words that void an entry, as long as the reason of a voiding may be.
    answer = Line("答复（本人会看到）", 195, needed="请写一句答复，本人会看到")
