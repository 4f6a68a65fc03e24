"""A person's archive for printing: A4 as PDF and as DOCX, with page numbers and a space for the seal."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TypedDict

from docx.enum.text import WD_ALIGN_PARAGRAPH
from sqlalchemy.orm import Session

from training_records.archive.experience import experience_text
from training_records.archive.models import KINDS, ArchiveEntry
from training_records.archive.service import entries_of
from training_records.certificates.service import of_person
from training_records.divisions import full_name
from training_records.docx import heading, new_document, saved, table
from training_records.facts.levels import level_label
from training_records.ledger.checks import result_label
from training_records.ledger.models import ROLES, Person
from training_records.text import chinese_date
from training_records.typesetting import typeset

TEMPLATE = Path(__file__).parent / "archive.typ"
HEADS = ["名称", "日期", "类别", "主办和层级", "学时 / 成绩"]


class YearRows(TypedDict):
    """The entries of a year, one row each."""

    title: str
    rows: list[list[str]]


class ArchiveData(TypedDict):
    """The content of the printed archive as text; tables as rows of cells."""

    name: str
    facts: list[list[str]]
    posts: list[list[str]]
    years: list[YearRows]
    certificates: list[list[str]]
    voided: list[list[str]]
    experience: str
    printed: str


def archive_data(session: Session, person: Person, today: date) -> ArchiveData:
    """Returns the content of a person's printed archive as text, in the order of the paper."""
    entries = entries_of(session, person.id, all_rows=True)
    voidings = {e.voids_id: e for e in entries if e.voids_id}
    effective = [e for e in entries if e.kind != "void" and e.id not in voidings]
    years: list[YearRows] = [
        {"title": f"{year} 年", "rows": [_row(entry) for entry in group]}
        for year, group in groupby(effective, key=lambda e: e.date.year)
    ]
    return {
        "name": person.name,
        "facts": _facts(person),
        "posts": [
            [
                full_name(session, post.division_code) + ROLES[post.role],
                post.start.isoformat(),
                post.end.isoformat() if post.end else "今",
            ]
            for post in person.posts
        ],
        "years": years,
        "certificates": [
            [c.title + ("（已作废）" if c.voided_at else ""), c.no, c.issued_on.isoformat()]
            for c in of_person(session, person.id)
        ],
        "voided": [
            [e.title, e.date.isoformat(), voidings[e.id].reason or ""]
            for e in entries
            if e.id in voidings
        ],
        "experience": experience_text(session, person) or "没有记录。",
        "printed": f"打印日期 {chinese_date(today)}",
    }


def _facts(person: Person) -> list[list[str]]:
    checked = person.background_checked_on
    return [
        ["姓名", person.name],
        ["性别", person.gender or ""],
        ["手机号", person.phone],
        ["文化程度", person.education or ""],
        ["出生日期", chinese_date(person.birth_date) if person.birth_date else ""],
        ["取得证书", person.qualifications or ""],
        [
            "入职查询",
            f"{chinese_date(checked)} {result_label(person.background_result)}"
            if checked
            else "没有登记",
        ],
        [
            "下次到期",
            chinese_date(person.background_next_due) if person.background_next_due else "",
        ],
    ]


def _row(entry: ArchiveEntry) -> list[str]:
    if entry.hours is not None:
        result = f"{entry.hours.normalize():f} 学时"
    elif entry.kind == "exam":
        score = "" if entry.score is None else f"{entry.score.normalize():f} 分 "
        result = score + ("合格" if entry.passed else "未合格")
    else:
        result = entry.certificate_no or ""
    organiser = " ".join(
        filter(None, (entry.organiser, entry.level and f"{level_label(entry.level)}级"))
    )
    return [entry.title, entry.date.isoformat(), KINDS[entry.kind], organiser, result]


def archive_pdf(data: ArchiveData) -> bytes:
    """Renders the archive as PDF."""
    return typeset(TEMPLATE, data)


def archive_docx(data: ArchiveData) -> bytes:
    """Renders the archive as a document that an office can edit."""
    document = new_document(f"{data['name']}培训档案")
    heading(document, "儿童主任（儿童督导员）培训档案", 18, align=WD_ALIGN_PARAGRAPH.CENTER)
    heading(document, "基本信息")
    facts = data["facts"]
    table(
        document,
        [],
        [facts[i] + facts[i + 1] for i in range(0, len(facts), 2)],
        widths=(2.4, 6, 2.4, 6),
    )
    heading(document, "任职经历")
    table(document, ["地方和职务", "起", "止"], data["posts"], widths=(9, 4, 4))
    for year in data["years"]:
        heading(document, year["title"])
        table(document, HEADS, year["rows"], widths=(5.4, 2.6, 2.2, 3.8, 3))
    if data["certificates"]:
        heading(document, "证书")
        table(document, ["名称", "编号", "日期"], data["certificates"], widths=(7, 6.4, 3.6))
    if data["voided"]:
        heading(document, "更正记录")
        table(
            document,
            ["原记录（已作废，不计）", "日期", "原因"],
            data["voided"],
            widths=(7, 3.4, 6.6),
        )
    heading(document, "工作及培训经历")
    document.add_paragraph(data["experience"])
    document.add_paragraph()
    document.add_paragraph("经办人：____________        审核人：____________")
    seal = document.add_paragraph(f"（盖章处）\n\n{data['printed']}")
    seal.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return saved(document)
