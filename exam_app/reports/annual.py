"""The district's annual self-inspection report (due 30 October, 青21#五二): computed figures, and placeholders for the
office to fill in."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.core.drawing import bars_png
from exam_app.exams.models import Exam
from training_records.archive.forms import form_label
from training_records.coverage.definition import Coverage, CoverageReport, coverage
from training_records.coverage.rules import rule_of
from training_records.divisions import get_division, prefix_of, within
from training_records.docx import heading, new_document, saved, table
from training_records.errors import Refused
from training_records.evaluation.models import STATES, EvaluationResult, EvaluationRun
from training_records.events.attendance import people_reached
from training_records.events.models import Event
from training_records.facts.loading import load_facts
from training_records.inspection.cases import cases_in
from training_records.inspection.models import GoodCase
from training_records.inspection.reports import texts_of
from training_records.ledger.service import overloaded, search_people, vacancies
from training_records.text import chinese_date
from training_records.work.figures import WorkFigures, work_figures
from training_records.work.models import FORMS, THEMES
from training_records.work.satisfaction import satisfaction_in

TEAL = "#0f6b66"
TO_WRITE = "（请填写）"
MAX_BARS = 12


@dataclass(frozen=True)
class Annual:
    """The figures and texts of a report."""

    name: str
    code: str
    year: int
    as_of: date
    coverage: CoverageReport
    vacancies: int
    overloaded: int
    checks_due: int
    events: Sequence[tuple[Event, int]]
    exams: Sequence[str]
    work: WorkFigures
    evaluation: tuple[EvaluationRun, Counter[str]] | None
    satisfaction: tuple[int, int]
    texts: Mapping[str, str]
    cases: Sequence[GoodCase]


def gather(session: Session, code: str, year: int, *, as_of: date, zone: ZoneInfo) -> Annual:
    """Collects the figures of a division for a year up to a day. Raises `Refused` for a day before the year."""
    if as_of < date(year, 1, 1):
        raise Refused(f"{as_of} 还没到 {year} 年，没有数字可报")
    day = min(as_of, date(year, 12, 31))
    division, prefix = get_division(session, code), prefix_of(code)
    _, due = search_people(session, prefix, on=day, limit=0, due_by=day + timedelta(days=30))
    run = session.scalar(
        select(EvaluationRun).where(
            within(EvaluationRun.division_code, prefix), EvaluationRun.year == year
        )
    )
    answers = satisfaction_in(session, prefix, year)
    return Annual(
        name=division.name,
        code=code,
        year=year,
        as_of=day,
        coverage=coverage(session, code, year, as_of=day),
        vacancies=vacancies(session, prefix, day, limit=0)[1],
        overloaded=len(overloaded(session, prefix, day, limit=5000)),
        checks_due=due,
        events=_events(session, prefix, year, day=day, zone=zone),
        exams=_exams(session, prefix, year, zone=zone),
        work=work_figures(session, prefix, date(year, 1, 1), until=day),
        evaluation=(run, _grades(session, run)) if run else None,
        satisfaction=(sum(a.answers for a in answers.values()), len(answers)),
        texts=texts_of(session, code, year),
        cases=[case for case, _ in cases_in(session, prefix, year, states=("chosen", "accepted"))],
    )


def _events(
    session: Session, prefix: str, year: int, *, day: date, zone: ZoneInfo
) -> list[tuple[Event, int]]:
    query = select(Event).where(
        within(Event.division_code, prefix), Event.state.in_(("open", "filed"))
    )
    held = []
    for event in session.scalars(query.order_by(Event.id)):
        days = [s.starts_at.astimezone(zone).date() for s in event.sessions]
        if days and days[0].year == year and days[0] <= day:
            held.append((event, people_reached(session, event)))
    return held


def _exams(session: Session, prefix: str, year: int, *, zone: ZoneInfo) -> list[str]:
    start = datetime.combine(date(year, 1, 1), time(0), zone)
    end = datetime.combine(date(year + 1, 1, 1), time(0), zone)
    query = select(Exam.title).where(
        within(Exam.division_code, prefix),
        Exam.practice.is_(False),
        Exam.opens_at < end,
        Exam.closes_at >= start,
    )
    return list(session.scalars(query.order_by(Exam.id)))


def _grades(session: Session, run: EvaluationRun) -> Counter[str]:
    query = select(EvaluationResult.grade).where(EvaluationResult.run_id == run.id)
    return Counter(grade or "不定等次" for grade in session.scalars(query))


def annual_docx(session: Session, annual: Annual) -> bytes:
    """Returns the report as DOCX for the office to complete."""
    document = new_document(f"{annual.name}{annual.year}年自查报告")
    title = f"{annual.name}{annual.year}年农村留守儿童和困境儿童关爱服务质量提升行动自查报告"
    heading(document, title, 18, align=WD_ALIGN_PARAGRAPH.CENTER)
    document.add_paragraph(
        f"数字截至{chinese_date(annual.as_of)}，由系统从台账、档案和工作记录里算出；写着“{TO_WRITE}”的地方请补上。"
    )
    heading(document, "一、总体情况")
    _indented(document, _opening(annual))
    heading(document, "二、儿童主任队伍建设（第 20 项）")
    _team(document, session, annual)
    heading(document, "三、走访、活动和政策落实")
    _work(document, annual)
    heading(document, "四、工作评价和满意度")
    _evaluation(document, annual)
    heading(document, "五、23 项任务进展")
    rows = [
        [str(t["item"]), t["title"], progress(annual, int(t["item"])) or TO_WRITE]
        for t in load_facts().data["policy"]["tasks"]
    ]
    table(document, ["项", "任务", "进展"], rows, widths=(1.4, 4.6, 11))
    heading(document, "六、优秀案例")
    _cases(document, annual.cases)
    heading(document, "七、存在的问题")
    for gap in gaps(annual):
        document.add_paragraph(f"· {gap}")
    _written(document, annual.texts.get("problems"))
    heading(document, "八、下一步措施")
    _written(document, annual.texts.get("measures"))
    document.add_paragraph()
    seal = document.add_paragraph(f"{annual.name}民政局\n(盖章处)\n{chinese_date(annual.as_of)}")
    seal.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return saved(document)


def _indented(document: Document, text: str) -> None:
    paragraph = document.add_paragraph(text)
    paragraph.paragraph_format.first_line_indent = Pt(21)


def _written(document: Document, text: str | None) -> None:
    for line in (text or TO_WRITE).splitlines():
        if line.strip():
            _indented(document, line.strip())


def _cases(document: Document, cases: Sequence[GoodCase]) -> None:
    """Appends the good-practice cases, or a placeholder."""
    if not cases:
        _indented(document, TO_WRITE)
    for number, case in enumerate(cases, 1):
        chosen = "（市里入选）" if case.state == "chosen" else ""
        heading(document, f"案例 {number}：{case.title}{chosen}", 11)
        for word, text in (("情况", case.situation), ("做法", case.done), ("结果", case.result)):
            _written(document, f"{word}：{text}")


def _rate(row: Coverage) -> str:
    return "—" if row.rate is None else f"{100 * row.rate:.1f}%"


def _opening(annual: Annual) -> str:
    total, work = annual.coverage.total, annual.work
    return (
        f"全{'市' if annual.name.endswith('市') else '区'}在岗儿童主任 {total.in_post} 人，"
        f"当年培训已覆盖 {total.covered} 人，覆盖率 {_rate(total)}；"
        f"走访对象 {work.children} 名，记录走访和联系 {sum(work.visits.values())} 次，"
        f"开展活动 {sum(work.activities.values())} 场、{work.came} 人次。"
    )


def _team(document: Document, session: Session, annual: Annual) -> None:
    total, rule = annual.coverage.total, rule_of(session, annual.year)
    _indented(
        document,
        f"台账：在岗儿童主任 {total.in_post} 人，没有儿童主任的村（社区）{annual.vacancies} 个，"
        f"按规定需增配的 {annual.overloaded} 处；入职查询 30 天内到期、过期或没登记的 {annual.checks_due} 条。",
    )
    _indented(
        document,
        f"培训：当年要求 {rule.hours.normalize():f} 学时{'并通过考试' if rule.exam else ''}。已覆盖 {total.covered} 人，"
        f"待训 {total.pending} 人，未覆盖 {total.uncovered} 人，覆盖率 {_rate(total)}；"
        f"在岗而初任考核没有合格的 {total.not_inducted} 人。",
    )
    if annual.coverage.children:
        document.add_picture(io.BytesIO(coverage_chart(annual)), width=Cm(16))
        rows = [
            [c.name, *map(str, (c.in_post, c.covered, c.pending, c.uncovered)), _rate(c)]
            for c in (*annual.coverage.children, total)
        ]
        rows[-1][0] = "合计"
        headings = ["单位", "在岗", "已覆盖", "待训", "未覆盖", "覆盖率"]
        table(document, headings, rows, widths=(5, 2.4, 2.4, 2.4, 2.4, 2.4))
    if annual.events:
        document.add_paragraph()
        rows = [[e.title, e.organiser, form_label(e.form), f"{n} 人"] for e, n in annual.events]
        table(document, ["培训", "主办", "形式", "到课"], rows, widths=(7, 5, 2.5, 2.5))
    exams = "、".join(dict.fromkeys(annual.exams)) or "没有"
    _indented(document, f"当年的考试：{exams}。")


def _work(document: Document, annual: Annual) -> None:
    work = annual.work
    by_form = "、".join(f"{FORMS[f]} {n} 次" for f, n in work.visits.items()) or "没有记录"
    _indented(document, f"走访：走访对象 {work.children} 名（只用村内代号），{by_form}。")
    _indented(
        document,
        f"强制报告：走访中记下必须立即报告的情况 {work.alarms} 次，其中记下已向公安机关报告的 {work.reported} 次。",
    )
    if work.activities:
        rows = [
            [THEMES[t], str(n)] for t, n in sorted(work.activities.items(), key=lambda x: -x[1])
        ]
        table(document, ["活动主题", "场次"], rows, widths=(8, 4))


def _evaluation(document: Document, annual: Annual) -> None:
    if annual.evaluation is None:
        _indented(document, f"工作评价：当年还没有开始。{TO_WRITE}")
    else:
        run, grades = annual.evaluation
        distribution = "，".join(f"{g} {n} 人" for g, n in grades.most_common())
        _indented(document, f"工作评价：到“{STATES[run.state]}”这一步。{distribution}。")
    answers, people = annual.satisfaction
    _indented(
        document,
        f"满意度：收到匿名问卷 {answers} 份，涉及儿童主任 {people} 人（不足 5 份的不显示个人结果）。",
    )


def progress(annual: Annual, item: int) -> str:
    """Returns the progress on one of the 23 tasks: computed figures, then the office's text."""
    parts = (known_of(annual, item), annual.texts.get(f"task-{item}", ""))
    return "\n".join(part for part in parts if part)


def known_of(annual: Annual, item: int) -> str:
    """Returns the computed figures on one of the 23 tasks; empty if there are none."""
    work, total = annual.work, annual.coverage.total
    themes = work.activities
    figures = {
        8: f"走访中发现并记录必须报告的情况 {work.alarms} 次，已报告 {work.reported} 次",
        10: f"走访对象 {work.children} 名；家访 {work.visits.get('home', 0)} 次，其他联系 {sum(work.visits.values()) - work.visits.get('home', 0)} 次",
        13: f"开展活动 {sum(themes.values())} 场、{work.came} 人次",
        16: f"安全类活动 {sum(themes.get(t, 0) for t in ('safety', 'drowning', 'bullying', 'abuse'))} 场",
        18: f"网络安全活动 {themes.get('internet', 0)} 场",
        20: f"在岗 {total.in_post} 人，培训覆盖率 {_rate(total)}；办班 {len(annual.events)} 期、到课 {sum(n for _, n in annual.events)} 人次",
    }
    if item == 2 and themes.get("mental"):
        return f"心理健康活动 {themes['mental']} 场"
    if item == 7 and themes.get("family"):
        return f"家庭教育活动 {themes['family']} 场"
    return figures.get(item, "")


def gaps(annual: Annual) -> list[str]:
    """Returns the gaps that the figures show, as sentences."""
    total = annual.coverage.total
    sentences = []
    if total.uncovered:
        sentences.append(f"还有 {total.uncovered} 人没有完成当年培训")
    if total.not_inducted:
        sentences.append(f"{total.not_inducted} 人在岗而初任考核没有合格")
    if annual.vacancies:
        sentences.append(f"{annual.vacancies} 个村（社区）没有儿童主任")
    if annual.overloaded:
        sentences.append(f"{annual.overloaded} 处需要增配儿童主任")
    if annual.checks_due:
        sentences.append(f"{annual.checks_due} 条入职查询要补或要续")
    if annual.work.alarms > annual.work.reported:
        sentences.append(f"{annual.work.alarms - annual.work.reported} 次应报告的情况没有记下报告")
    return sentences or ["系统里的数字没有显示出缺口"]


def coverage_chart(annual: Annual) -> bytes:
    """Draws the coverage rates of the subdivisions furthest behind (at most `MAX_BARS`) as PNG."""
    subdivisions = sorted(
        (c for c in annual.coverage.children if c.rate is not None), key=lambda c: -(c.rate or 0)
    )
    rows = subdivisions[-MAX_BARS:][::-1]
    uncovered = sum((c.rate or 0) < 1 for c in subdivisions)
    return bars_png(
        f"{uncovered} 个地方还没有全覆盖" if uncovered else "各地都已全覆盖",
        [(c.name, 100 * (c.rate or 0), f"{100 * (c.rate or 0):.1f}%") for c in rows],
        colours=[TEAL],
        limit=118,
        below=f"只画最低的 {len(rows)} 个，全部见下表"
        if uncovered and len(subdivisions) > len(rows)
        else "",
    )
