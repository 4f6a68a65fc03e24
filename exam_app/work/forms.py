"""Forms of the daily work."""

from __future__ import annotations

from exam_app.web.forms import Area, Choice, Choices, Day, Form, Line, Tick, Upload, Whole
from training_records.work.models import THEMES

PEOPLE = 99_999


class CaseForm(Form):
    # Left out where the person has one village only.
    village = Choice("哪个村（社区）", validate_choice=False)
    code = Line(
        "村内代号，例如 03-07（第 3 户第 7 个孩子）",
        20,
        needed="请填代号，例如 03-07",
        render_kw={"autocomplete": "off"},
    )
    categories = Choices("类别（可勾几个）", validate_choice=False)


class ActivityForm(Form):
    village = Choice("哪个村（社区）", validate_choice=False)
    title = Line("活动名称", 60)
    theme = Choice("主题", THEMES)
    on = Day("哪天")
    held = Tick("已经办完（要填人数）")
    children = Whole("孩子几人", most=PEOPLE, needed=False)
    adults = Whole("大人几人", most=PEOPLE, needed=False)


class HeldForm(Form):
    """A planned activity that took place."""

    id_prefix = "held-"
    on = Day("哪天办的")
    children = Whole("孩子几人", most=PEOPLE, needed=False)
    adults = Whole("大人几人", most=PEOPLE, needed=False)
    partners = Line("和谁一起办的", 100, needed=False)
    summary = Area("几句话小结（不要写孩子姓名）", 300, needed=False, render_kw={"rows": 3})
    file = Upload("照片（可不传，不要拍到孩子的脸）", render_kw={"accept": "image/*"})


class TaskForm(Form):
    """Which task is done, as its row of the page says."""

    task = Line("任务", 60)
    period = Line("时段", 20)


class OfficeTaskForm(Form):
    title = Line("要做什么", 100)
    due_on = Day("哪天以前")


class RoundForm(Form):
    closes_on = Day("新的调查，哪天截止")


class SlipsForm(Form):
    id_prefix = "slips-"
    division = Line("哪个镇（街）（区划编码）", 40, render_kw={"inputmode": "numeric"})


class DrawForm(Form):
    since = Day("从哪天")
    until = Day("到哪天")
    seed = Whole("种子")


class FindingForm(Form):
    """What a checked visit was found to be."""

    id_prefix = "finding-"
    note = Line("情况（不属实要写；不要写孩子姓名）", 60, needed=False)
