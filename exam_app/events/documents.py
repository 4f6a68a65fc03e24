"""Documents of an event: notice and lists (DOCX), badges and table signs (PDF), the report with charts (DOCX)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt
from PIL import Image, ImageOps
from sqlalchemy.orm import Session

from exam_app.core.drawing import bars_png
from exam_app.events.scores import Scores
from training_records.archive.forms import form_label
from training_records.divisions import ancestor, division_names, joined_name
from training_records.docx import heading, new_document, saved, table
from training_records.events.enrolment import roll
from training_records.events.models import AUDIENCES, Event, EventSession
from training_records.events.planning import quotas_of
from training_records.events.report import Branch, Report
from training_records.events.survey import MIN_ANSWERS, QUESTIONS
from training_records.text import chinese_date
from training_records.typesetting import qr_svg, typeset

FOLDER = Path(__file__).parent
TEAL, GREY = "#0f6b66", "#9fb3b1"


def when(event_session: EventSession, zone: ZoneInfo) -> str:
    """Formats the time of a session."""
    start, end = event_session.starts_at.astimezone(zone), event_session.ends_at.astimezone(zone)
    return f"{chinese_date(start.date())} {start:%H:%M}–{end:%H:%M}"


def notice_docx(session: Session, event: Event, today: datetime, *, zone: ZoneInfo) -> bytes:
    """Returns the notice to the divisions: audience, place, courses, quotas, nomination deadline."""
    document = new_document(f"{event.title}通知")
    heading(document, f"关于举办{event.title}的通知", 18, align=WD_ALIGN_PARAGRAPH.CENTER)
    below = division_names(session, codes=set(quotas_of(session, event)))
    recipients = "、".join(n for c, n in sorted(below.items())) or "各有关单位"
    document.add_paragraph(f"{recipients}：")
    _indented(document, f"为做好{AUDIENCES[event.audience]}队伍培训，现将有关事项通知如下。")
    arrangements = [
        ["培训对象", AUDIENCES[event.audience]],
        ["培训形式", form_label(event.form)],
        ["地点", event.place or "线上"],
        ["名额", f"{event.capacity} 人"],
        ["学时", f"{_total_hours(event)} 学时（45 分钟为 1 学时），按实际到课的节次计"],
        ["主办单位", event.organiser],
    ]
    if event.nominate_by:
        local = event.nominate_by.astimezone(zone)
        arrangements.append(
            ["报名截止", f"{chinese_date(local.date())} {local:%H:%M}，在系统里报名单"]
        )
    if event.contact:
        arrangements.append(["联系人", event.contact])
    heading(document, "一、基本安排")
    table(document, [], arrangements, widths=(3, 14))
    heading(document, "二、课程")
    rows = [[when(s, zone), s.title, s.teacher, s.place or event.place] for s in event.sessions]
    table(document, ["时间", "内容", "授课人", "地点"], rows, widths=(5.4, 5.6, 3, 3))
    quotas = quotas_of(session, event)
    if quotas:
        heading(document, "三、名额分配")
        names = division_names(session, codes=set(quotas))
        quota_rows = [[names[c], str(n)] for c, n in quotas.items() if n]
        table(
            document,
            ["单位", "名额"],
            [*quota_rows, ["合计", str(sum(quotas.values()))]],
            widths=(10, 7),
        )
    if event.note:
        heading(document, "四、其他要求" if quotas else "三、其他要求")
        _indented(document, event.note)
    _sealed(document, event.organiser, chinese_date(today.astimezone(zone).date()))
    return saved(document)


def _total_hours(event: Event) -> str:
    return f"{sum((s.hours for s in event.sessions), Decimal(0)).normalize():f}"


def _indented(document: Document, text: str) -> None:
    paragraph = document.add_paragraph(text)
    paragraph.paragraph_format.first_line_indent = Pt(21)


def _sealed(document: Document, organiser: str, day: str) -> None:
    document.add_paragraph()
    seal = document.add_paragraph(f"{organiser}\n(盖章处)\n{day}")
    seal.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def list_docx(session: Session, event: Event, zone: ZoneInfo) -> bytes:
    """Returns the name list, with a signature page per session."""
    document = new_document(f"{event.title}名单")
    people = _people(session, event)
    heading(document, f"{event.title}学员名单", 18, align=WD_ALIGN_PARAGRAPH.CENTER)
    document.add_paragraph(f"共 {len(people)} 人。编号和胸牌、签到表一致。")
    rows = [[str(n), name, place, phone] for n, name, place, phone in people]
    table(document, ["编号", "姓名", "单位", "手机号"], rows, widths=(1.8, 3, 8.4, 3.8))
    for event_session in event.sessions:
        document.add_page_break()  # type: ignore[no-untyped-call]
        heading(document, f"签到表：{event_session.title}", 16, align=WD_ALIGN_PARAGRAPH.CENTER)
        document.add_paragraph(
            f"{when(event_session, zone)}  {event_session.place or event.place}  {event_session.teacher}"
        )
        rows = [[str(n), name, place, ""] for n, name, place, _ in people]
        table(document, ["编号", "姓名", "单位", "签名"], rows, widths=(1.8, 3, 8, 4.2), least=0.9)
    return saved(document)


def _people(session: Session, event: Event) -> list[tuple[int, str, str, str]]:
    rows = [(e, p) for e, p in roll(session, event) if e.state == "approved"]
    codes = {e.division_code for e, _ in rows}
    above = {ancestor(c, level) for c in codes for level in ("district", "town")}
    names = division_names(session, codes=codes | above)
    return [(e.number or 0, p.name, joined_name(names, e.division_code), p.phone) for e, p in rows]


def badges_pdf(session: Session, event: Event, link: dict[int, str]) -> bytes:
    """Typesets badges, ten per page. `link` maps each person to the URL in their personal code."""
    rows = [(e, p) for e, p in roll(session, event) if e.state == "approved"]
    codes = {ancestor(e.division_code, "district") for e, _ in rows}
    names = division_names(session, codes=codes)
    data = {
        "title": event.title,
        "people": [
            {
                "name": p.name,
                "number": str(e.number),
                "place": names[ancestor(e.division_code, "district")],
                "qr": qr_svg(link[p.id]),
            }
            for e, p in rows
        ],
    }
    return typeset(FOLDER / "badges.typ", data)


def signs_pdf(session: Session, event: Event) -> bytes:
    """Typesets foldable table signs, one per page, with the name on both sides."""
    rows = [(e, p) for e, p in roll(session, event) if e.state == "approved"]
    return typeset(FOLDER / "signs.typ", {"title": event.title, "names": [p.name for _, p in rows]})


def report_docx(
    session: Session,
    report: Report,
    scores: Scores,
    *,
    pictures: Sequence[tuple[str, bytes]],
    notes: Sequence[str],
    today: datetime,
    zone: ZoneInfo,
) -> bytes:
    """Returns the report: figures, charts, comments, and `pictures` as (caption, image)."""
    event, total = report.event, report.total
    document = new_document(f"{event.title}总结")
    heading(document, f"{event.title}总结报告", 18, align=WD_ALIGN_PARAGRAPH.CENTER)
    heading(document, "一、基本情况")
    _indented(document, _opening(report, zone))
    if event.summary:
        for part in event.summary.splitlines():
            if part.strip():
                _indented(document, part.strip())
    heading(document, "二、到课情况")
    if report.branches:
        _picture(document, attendance_chart(report))
    rows = [_row(b) for b in (*report.branches, total)]
    headings = ["单位", "名额", "录取", "到课人数", "到课率", "学时合计"]
    table(document, headings, rows, widths=(4.6, 2.2, 2.2, 2.6, 2.6, 2.8))
    document.add_paragraph()
    held = [
        [
            h.session.title,
            when(h.session, zone),
            str(h.states["present"] + h.states["late"] + h.states["made_up"]),
            str(h.states["late"]),
            str(h.states["leave"]),
            str(h.absent),
        ]
        for h in report.held
    ]
    headings = ["课程", "时间", "到课", "迟到", "请假", "缺课"]
    table(document, headings, held, widths=(5.2, 5.4, 1.6, 1.6, 1.6, 1.6))
    heading(document, "三、考试")
    _scores(document, scores)
    heading(document, "四、满意度")
    _survey(document, report)
    if pictures:
        heading(document, "五、照片")
        for caption, data in pictures:
            picture = as_jpeg(data)
            if picture is None:
                caption += "（照片打不开）"
            else:
                document.add_picture(io.BytesIO(picture), width=Cm(14))
            document.add_paragraph(caption).alignment = WD_ALIGN_PARAGRAPH.CENTER
    heading(document, "附：办班经过")
    for text in notes:
        document.add_paragraph(text)
    _sealed(document, event.organiser, chinese_date(today.astimezone(zone).date()))
    return saved(document)


def _opening(report: Report, zone: ZoneInfo) -> str:
    event, total = report.event, report.total
    days = sorted({s.starts_at.astimezone(zone).date() for s in event.sessions})
    span = f"于{chinese_date(days[0])}" if days else ""
    if len(days) > 1:
        span += f"至{chinese_date(days[-1])}"
    rate = f"，到课率 {100 * total.rate:.1f}%" if total.rate is not None else ""
    return (
        f"{event.organiser}{span}在{event.place or '线上'}举办了{event.title}，共 {len(event.sessions)} 节"
        f"、{_total_hours(event)} 学时。录取 {total.approved} 人，到课 {total.came} 人{rate}，"
        f"学员共得 {total.hours.normalize():f} 学时。"
    )


def _row(branch: Branch) -> list[str]:
    rate = f"{100 * branch.rate:.1f}%" if branch.rate is not None else "—"
    figures = [branch.seats or "—", branch.approved, branch.came]
    return [branch.name, *map(str, figures), rate, f"{branch.hours.normalize():f}"]


def _scores(document: Document, scores: Scores) -> None:
    if scores.both:
        within = f"（95% 区间 ±{scores.within:.1f}）" if scores.within is not None else ""
        _indented(
            document,
            f"培训前后都考了的 {scores.both} 人，平均分从 {scores.before:.1f} 分到 {scores.after:.1f} 分，"
            f"平均提高 {scores.gain:.1f} 分{within}（按百分制）。没有对照组，提高不全是培训的功劳。",
        )
        _picture(document, scores_chart(scores))
    if scores.sat:
        _indented(document, f"结业考试 {scores.sat} 人参加，{scores.passed} 人合格。")
    if not scores.both and not scores.sat:
        _indented(document, "没有安排考试，或还没有成绩。")


def _survey(document: Document, report: Report) -> None:
    survey = report.survey
    if survey.satisfied is None:
        _indented(
            document,
            f"收到 {survey.answers} 份，不足 {MIN_ANSWERS} 份，不公布结果，以免看出是谁填的。",
        )
        return
    _indented(
        document,
        f"收到匿名问卷 {survey.answers} 份，满意和很满意占 {100 * survey.satisfied:.1f}%。",
    )
    _picture(document, survey_chart(report))
    if survey.comments:
        document.add_paragraph("学员的话（原文）：")
        for text in survey.comments:
            document.add_paragraph(f"· {text}")


def as_jpeg(photo: bytes) -> bytes | None:
    """A photo as Word's files take it, upright and no larger than they show it; None for what can't be opened.

    python-docx itself knows only some kinds of JPEG.
    """
    try:
        with Image.open(io.BytesIO(photo)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    picture.thumbnail((1600, 1600))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=85)
    return made.getvalue()


def _picture(document: Document, png: bytes) -> None:
    document.add_picture(io.BytesIO(png), width=Cm(16))


def attendance_chart(report: Report) -> bytes:
    """Draws attendance rates by division as PNG."""
    rows = sorted((b for b in report.branches if b.rate is not None), key=lambda b: -(b.rate or 0))
    rates = [100 * (b.rate or 0) for b in rows] or [0]
    return bars_png(
        f"各单位到课率在 {rates[-1]:.0f}% 到 {rates[0]:.0f}% 之间",
        [
            (b.name, rate, f"{rate:.0f}%（{b.came} 人）")
            for b, rate in zip(rows, rates, strict=False)
        ],
        colours=[TEAL],
        limit=118,
    )


def scores_chart(scores: Scores) -> bytes:
    """Draws mean scores before and after training as PNG."""
    values = (("培训前", scores.before or 0), ("培训后", scores.after or 0))
    return bars_png(
        f"平均分提高了 {scores.gain:.1f} 分" if (scores.gain or 0) > 0 else "平均分没有提高",
        [(name, value, f"{value:.1f} 分") for name, value in values],
        colours=[GREY, TEAL],
        limit=118,
    )


def survey_chart(report: Report) -> bytes:
    """Draws mean survey marks by question as PNG."""
    return bars_png(
        "各项平均分（满分 5 分）",
        [(QUESTIONS[q], value, f"{value:.2f}") for q, value in report.survey.means.items()],
        colours=[TEAL],
        limit=5.9,
    )
