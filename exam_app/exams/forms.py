"""Forms of the exams."""

from __future__ import annotations

from exam_app.web.forms import Area, Choice, Day, Form, Line, Moment, Phone, Tick, Whole


class StartForm(Form):
    honest = Tick("我本人独立作答", needed="请先勾选“我本人独立作答”")


class DoubtForm(Form):
    id_prefix = "doubt-"
    text = Area("哪一题、为什么", 300, needed="请写明对哪一题有疑问", render_kw={"rows": 3})


class ExamSettingsForm(Form):
    title = Line("考试名称", 60)
    blueprint = Choice("命题蓝图", validate_choice=False)
    opens = Day("开始日期")
    closes = Day("结束日期（当天 24 时截止）")
    attempts = Whole("每人可考几次", least=1, most=20, default=3)
    forms = Whole("几套卷（相邻的人拿到不同的卷）", least=1, most=10, needed=False, default=2)
    counts = Choice(
        "考几次的，哪次算数",
        {"best": "最好的一次", "last": "最后一次", "first": "第一次"},
        default="best",
    )
    release = Choice(
        "成绩什么时候公布",
        {"at_once": "交卷就公布", "at_time": "考试结束后公布", "by_hand": "由我公布"},
        default="at_once",
    )
    double_marking = Tick("简答题由两个人各评一次")
    practice = Tick("练习考（不限次数，不记入档案）")
    shuffled = Tick("每人的题目和选项顺序都打乱", default=True)


class SittingForm(Form):
    id_prefix = "sitting-"
    title = Line("场次名称", 40)
    place = Line("地点（线上考的不填）", 60, needed=False)
    opens = Moment("开始")
    closes = Moment("结束")
    capacity = Whole("座位数（不限的不填）", least=1, most=10_000, needed=False)
    division = Choice("哪里的人")
    make_up = Tick("补考：只给还没合格的人")


class GrantForm(Form):
    id_prefix = "grant-"
    phone = Phone()
    minutes = Whole("多给几分钟", most=240, needed=False, default=20)
    large_print = Tick("大字版")
    reason = Line("原因", 100, needed="请写明原因")


class DecisionForm(Form):
    id_prefix = "decision-"
    what = Choice(
        "做什么",
        {
            "extend": "给这个人延长时间",
            "extend_all": "给正在考的所有人延长时间",
            "reopen": "重新打开（没作答就到了时间的）",
            "void": "作废这次作答",
        },
    )
    attempt = Choice("哪个人", validate_choice=False)
    minutes = Whole("几分钟", least=1, most=240, needed=False, default=10)
    reason = Line("原因", 100, needed="请写明原因")


class AnswerForm(Form):
    """The answer to a doubt about a result."""

    id_prefix = "answer-"
    answer = Area("答复", 300, needed="请写答复", render_kw={"rows": 2})


class MarkForm(Form):
    """The mark of one written answer."""

    comment = Line("评语（可不写，本人能看到）", 200, needed=False)
