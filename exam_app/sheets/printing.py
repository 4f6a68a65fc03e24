"""Booklets and answer sheets as PDF, typeset by Typst with a bundled CJK font."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from sqlalchemy.orm import Session

from exam_app.exams.models import Exam
from exam_app.exams.slots import Slot, rules_of, slots
from exam_app.sheets.layout import MARK, MARKS, QR, lay_out_sheet, size_of
from exam_app.sheets.marks import mark_bits, qr_text
from exam_app.sheets.models import AnswerSheet
from exam_app.sheets.service import standings, villages
from question_bank import Blueprint, round_points
from question_bank.question import options_of
from training_records.typesetting import qr_svg, typeset

FOLDER = Path(__file__).parent
KINDS = {
    "single": "单选题",
    "multiple": "多选题",
    "true_false": "判断题",
    "fill": "填空题",
    "order": "排序题",
    "match": "连线题",
    "short_answer": "简答题",
    "case": "案例题",
}
HINTS = {
    "single": "选一个",
    "multiple": "选两个或更多",
    "true_false": "对或错",
    "fill": "填空",
    "order": "按先后排",
    "match": "左边配右边",
    "short_answer": "写几句话",
}


@dataclass(frozen=True)
class Holder:
    """What identifies a printed sheet: code, name, village, number of the form."""

    code: str
    name: str
    place: str
    form: int


def sheets_pdf(
    title: str, sheets: Sequence[tuple[Holder, Sequence[Slot]]], large: bool = False
) -> bytes:
    """Answer sheets in sequence, all normal or all large print."""
    size = size_of(large)
    pages_of: dict[int, list[tuple[int, dict[str, object]]]] = {}
    sheet_data = []
    for holder, form_slots in sheets:
        if holder.form not in pages_of:
            pages_of[holder.form] = [
                (page.number, asdict(page)) for page in lay_out_sheet(form_slots, large)
            ]
        pages = [
            {**page, "qr": qr_svg(qr_text(holder.code, number))}
            for number, page in pages_of[holder.form]
        ]
        sheet_data.append({**asdict(holder), "form": str(holder.form), "pages": pages})
    measures = {**asdict(size), "words": 13 if large else 9.5, "letter": 10.5 if large else 7}
    data = {
        "title": title,
        "sheets": sheet_data,
        "large": large,
        "size": measures,
        "marks": MARKS,
        "mark": MARK,
        "qr": QR,
        "bits": mark_bits(),
    }
    return typeset(FOLDER / "sheet.typ", data)


def print_sheets(title: str, sheets: Sequence[AnswerSheet], villages: Mapping[int, str]) -> bytes:
    """The sheets of an exam, all normal or all large print; `villages`: person to village name."""
    printed_sheets = [
        (
            Holder(s.code, s.person.name, villages.get(s.person_id, ""), s.form.number),
            slots(s.form),
        )
        for s in sheets
    ]
    return sheets_pdf(title, printed_sheets, sheets[0].large)


def write_all(session: Session, exam: Exam, prefix: str, *, folder: Path) -> list[str]:
    """Writes the sheets not scored yet and the booklets they need; returns the file names."""
    unscored = [s.sheet for s in standings(session, exam, prefix) if s.state != "scored"]
    village_names = villages(session, prefix, [sheet.person_id for sheet in unscored])
    rules = rules_of(exam)
    files: dict[str, bytes] = {}
    for large in (False, True):
        suffix = "-大字" if large else ""
        of_size = [sheet for sheet in unscored if sheet.large == large]
        if of_size:
            files[f"答题卡{suffix}.pdf"] = print_sheets(exam.title, of_size, village_names)
        for form in {sheet.form.number: sheet.form for sheet in of_size}.values():
            files[f"试卷-第{form.number}套{suffix}.pdf"] = booklet_pdf(
                exam.title,
                form.number,
                slots(form),
                blueprint=rules,
                minutes=exam.minutes,
                large=large,
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return sorted(files)


def booklet_pdf(
    title: str,
    form: int,
    form_slots: Sequence[Slot],
    *,
    blueprint: Blueprint,
    minutes: int,
    large: bool = False,
) -> bytes:
    """The test booklet of a form, in the form's order, without keys."""
    groups = [
        {"title": KINDS[kind], "items": [_item(slot, blueprint) for slot in of_kind]}
        for kind, of_kind in groupby(form_slots, lambda slot: str(slot.item.type))
    ]
    data = {
        "title": title,
        "form": str(form),
        "large": large,
        "kinds": sorted({slot.question.type for slot in form_slots}),
        "minutes": minutes,
        "count": len(form_slots),
        "points": f"{round_points(sum(p.worth(blueprint) for p in form_slots)):g}",
        "groups": groups,
    }
    return typeset(FOLDER / "booklet.typ", data)


def _item(slot: Slot, blueprint: Blueprint) -> dict[str, object]:
    question = slot.question
    first = slot.part == 0
    return {
        "slot": slot.id,
        "stem": question.stem,
        "text": slot.text if slot.text and first else "",
        "hint": HINTS[question.type],
        "points": f"{round_points(slot.worth(blueprint)):g}",
        "left": list(question.left.items()) if question.type == "match" else [],
        "options": list(options_of(question).items()),
    }
