"""Downloads of the knowledge base: forms as DOCX, the year's dates as an iCalendar file."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.table import WD_ALIGN_VERTICAL
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from icalendar import Alarm, Calendar, Event

from training_records.facts.loading import FactData

FIRST_YEAR = 2026
RULES = {
    "monthly": {"freq": "monthly"},
    "quarterly": {"freq": "monthly", "interval": 3},
    "yearly": {"freq": "yearly"},
}


def write_forms(forms: Sequence[FactData], folder: Path) -> None:
    """Writes one A4 DOCX per form of `forms.yaml`."""
    folder.mkdir(parents=True, exist_ok=True)
    for form in forms:
        _document(form).save(str(folder / f"{form['id']}.docx"))


def _document(form: FactData) -> DocumentObject:
    document = Document()
    document.core_properties.title = form["title"]
    document.core_properties.author = ""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = section.right_margin = Cm(2.5)
    section.left_margin = Cm(2.8)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(12)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "宋体")
    heading = document.add_paragraph()
    heading.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = heading.add_run(form["title"])
    run.bold, run.font.size = True, Pt(20)
    document.add_paragraph("区（市）：________ 镇（街）：________ 村（居）：________")
    table = document.add_table(rows=0, cols=4, style="Table Grid")
    for left, right in form["fields"]:
        cells = table.add_row().cells
        cells[0].text, cells[2].text = left, right
    for title in form["checks"]:
        cells = table.add_row().cells
        cells[0].merge(cells[3]).text = title
    for row in table.rows:
        row.height = Cm(0.95)
        for cell in row.cells:
            cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    for title in form["texts"]:
        row = table.add_row()
        row.height = Cm(2.4)
        row.cells[0].text = title
        row.cells[1].merge(row.cells[3])
    for row in table.rows:
        for cell, width in zip(row.cells, (3.4, 4.4, 3.6, 4.3), strict=True):
            cell.width = Cm(width)
    document.add_paragraph()
    for name in form["signs"]:
        document.add_paragraph(f"{name}：______________    日期：____年__月__日")
    note = document.add_paragraph(f"说明：{form['use']}孩子一律写村（居）内代号，不写姓名。")
    note.runs[0].font.size = Pt(10.5)
    return document


def write_calendar(entries: Sequence[FactData], path: Path) -> None:
    """Writes the year's dates as an iCalendar file (RFC 5545) with recurring events. Deadlines alarm a week before,
    other dates on the morning of the day."""
    calendar = Calendar()
    calendar.add("prodid", "-//child-director-academy//knowledge base//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "儿童主任全年日历")
    for entry in entries:
        if entry.get("day"):
            calendar.add_component(_event(entry))
    path.write_bytes(calendar.to_ical())


def _event(entry: FactData) -> Event:
    start = datetime.date(FIRST_YEAR, entry["month"] or 1, entry["day"])
    event = Event()
    event.add("uid", f"{entry['id']}@child-director-academy")
    # Fixed timestamp, for reproducible output.
    event.add("dtstamp", datetime.datetime(FIRST_YEAR, 1, 1, tzinfo=datetime.UTC))
    event.add("summary", ("期限：" if entry.get("deadline") else "") + entry["what"])
    event.add("description", f"{entry['when']}；{entry['who']}；依据 {entry['source']}")
    event.add("dtstart", start)
    event.add("dtend", start + datetime.timedelta(days=1))
    if entry.get("repeat"):
        event.add("rrule", RULES[entry["repeat"]])
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", entry["what"])
    alarm.add(
        "trigger",
        datetime.timedelta(days=-7) if entry.get("deadline") else datetime.timedelta(hours=8),
    )
    event.add_component(alarm)
    return event
