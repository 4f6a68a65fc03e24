"""Forms of the events, and what their pages share: scope checks and check-in links."""

from __future__ import annotations

from flask import url_for

from exam_app import web
from exam_app.events.codes import own_code
from exam_app.web.forms import Area, Choice, Form, Line, Moment, Number, Phone, Tick, Whole
from training_records.archive.external import FORMS
from training_records.divisions import get_division
from training_records.events import planning
from training_records.events.models import AUDIENCES, PRESENCE, Event


def own_prefix() -> str:
    """The division code prefix of the account's scope."""
    return web.scope().prefix


def event_within(event_id: int) -> Event:
    """Returns an event that the account may see. Raises `NotFound` otherwise."""
    return planning.get_event(web.db(), event_id, own_prefix())


def own_event(event_id: int) -> Event:
    """Returns an event that the account may change. Raises `NotFound` otherwise."""
    return planning.own_event(web.db(), event_id, own_prefix())


def door_link(event_id: int, person_id: int) -> str:
    """Returns the URL in a person's check-in code."""
    code = own_code(web.config().secret_key, event_id, person_id)
    return web.config().public_url + url_for("check_in.at_door", code=code)


def organiser() -> str:
    """The name of the account's office, as documents print it."""
    division = get_division(web.db(), web.account().division_code)
    return f"{division.name}民政局" if division.level in ("city", "district") else division.name


class PlanForm(Form):
    year = Whole("年份", least=2020, most=2100)
    title = Line("培训名称", 60)
    month = Whole("月份", least=1, most=12)
    hours = Number("学时", default=8)
    heads = Whole("人数")
    budget = Number("经费（元）", default=0)
    audience = Choice("给谁培训", AUDIENCES, validate_choice=False)
    form = Choice("形式", {word: word for word in FORMS}, validate_choice=False)
    demonstration = Tick("这是市级示范培训（自动带上两天四个半天的课程和各区（市）名额）")
    note = Line("说明（可不填）", 200, needed=False)


class EventForm(Form):
    """A new event."""

    title = Line("培训名称", 60)
    capacity = Whole("名额")
    audience = Choice("给谁培训", AUDIENCES, validate_choice=False)
    parent = Choice("照着示范培训办", validate_choice=False)


class EventSettingsForm(Form):
    title = Line("名称", 60)
    place = Line("地点", 60, needed=False)
    capacity = Whole("名额")
    audience = Choice("给谁培训", AUDIENCES, validate_choice=False)
    form = Choice("形式", {word: word for word in FORMS}, validate_choice=False)
    organiser = Line("主办单位", 60, needed=False)
    contact = Line("联系人和电话", 60, needed=False)
    nominate_by = Moment("报名截止（可不填）", needed=False)
    before_id = Choice("培训前考试", validate_choice=False)
    after_id = Choice("结业考试", validate_choice=False)
    note = Area("其他要求（写进通知）", 500, needed=False, render_kw={"rows": 3})


class SessionForm(Form):
    id_prefix = "session-"
    title = Line("讲什么", 60, needed="请填讲什么")
    starts_at = Moment("开始", needed="请填开始时间")
    ends_at = Moment("结束", needed="请填结束时间")
    hours = Number("学时", default=4)
    teacher = Line("授课人", 60, needed=False)
    teacher_phone = Phone("授课人是儿童主任的，填手机号", needed=False)
    place = Line("教室（和培训地点不同才填）", 60, needed=False)


class MoveForm(Form):
    """Another time for a session, or why it is dropped."""

    id_prefix = "move-"
    starts_at = Moment("开始", needed=False)
    ends_at = Moment("结束", needed=False)
    reason = Line("原因（会记下来）", 200, needed=False)


class CancelForm(Form):
    id_prefix = "cancel-"
    reason = Line("为什么取消（会告诉报名的人）", 200, needed=False)


class NominationForm(Form):
    id_prefix = "nominate-"
    people = Area(
        "要报的人，一行一个，写手机号或姓名",
        60_000,
        needed="请写上要报的人，一行一个",
        render_kw={"rows": 5},
    )


class DeclineForm(Form):
    id_prefix = "decline-"
    reason = Line("不录取的原因（录取不用填）", 200, needed=False)


class WithdrawForm(Form):
    id_prefix = "withdraw-"
    reason = Line("原因", 200, needed=False)


class NumbersForm(Form):
    """Numbers of those who signed on paper."""

    numbers = Line("签到表上签了名的编号，例如 1-20、23、25", 2000, needed="请填编号")
    late = Tick("这些人迟到了")


class PresenceForm(Form):
    """What one person's attendance was."""

    id_prefix = "presence-"
    state = Choice(
        "登记为",
        {**{k: w for k, w in PRESENCE.items() if k != "unlisted"}, "absent": "缺课"},
        validate_choice=False,
    )
    note = Line("说明（请假、补课要写）", 200, needed=False)


class FileForm(Form):
    """A photo or material with its caption, or the words of the report."""

    id_prefix = "file-"
    caption = Line("说明", 60, needed=False)
    summary = Area("写进总结报告的话", 2000, needed=False, render_kw={"rows": 6})


class FilingForm(Form):
    confirmed_by = Line("签到表由谁核对", 40)


class SurveyForm(Form):
    """The words beside the marks, which the survey itself checks."""

    comment = Area("还想说什么（可不填，不要写人名）", 300, needed=False, render_kw={"rows": 3})
