"""Pages of the paper exams: print, upload scans, resolve doubts, score."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.exams.administration import divisions_sharing, exam_within
from exam_app.exams.models import Exam
from exam_app.exams.slots import rules_of, slots
from exam_app.sheets import service
from exam_app.sheets.forms import CodeForm, PrintForm, ScoreForm, given
from exam_app.sheets.models import AnswerSheet
from exam_app.sheets.printing import booklet_pdf, print_sheets
from exam_app.sheets.reader import ask_reading, read_again
from exam_app.sheets.reading import Unreadable
from exam_app.sheets.service import SheetStatus, page_within, sheet_by_code, sheet_within
from exam_app.web.access import MANAGERS, access
from exam_app.web.forms import Form, sent_fields, sent_id
from question_bank.clean import clean_code
from training_records.divisions import division_names
from training_records.errors import NotFound, Refused

sheets = Blueprint("sheets", __name__, url_prefix="/exams/manage/<int:exam_id>/paper")
WORDS = {
    "waiting": ("没收到", "plainly"),
    "part": ("缺页", "wait"),
    "doubts": ("要您看", "bad"),
    "ready": ("可以计分", "good"),
    "scored": ("已计分", "good"),
}


def _exam(exam_id: int) -> Exam:
    return exam_within(web.db(), exam_id, web.scope().prefix)


def _divisions(exam: Exam) -> list[tuple[str, str]]:
    divisions = divisions_sharing(web.db(), exam, web.scope().prefix)
    return [(code, name) for code, name in divisions]


@sheets.get("")
@access(MANAGERS)
def room(exam_id: int) -> str:
    exam = _exam(exam_id)
    return _room(exam)


def _room(exam: Exam) -> str:
    prefix = web.scope().prefix
    sheets = service.standings(web.db(), exam, prefix)
    names = division_names(web.db(), prefix)
    held_on = min(web.today(), exam.closes_at.astimezone(web.config().zone).date())
    files = service.files_of(web.db(), exam, prefix)
    return render_template(
        "sheets/room.html",
        exam=exam,
        rows=[_row(status, names) for status in sheets],
        states={state: sum(status.state == state for status in sheets) for state in WORDS},
        kinds=sorted({(status.sheet.form.number, status.sheet.large) for status in sheets}),
        larges=sorted({status.sheet.large for status in sheets if status.state != "scored"}),
        reading=service.being_read(web.db(), files),
        pages=sum(file.read for file in files),
        problems=service.problems(web.db(), exam, prefix),
        form=PrintForm.shown(division=_divisions(exam)),
        scoring=ScoreForm.shown(given={"held_on": held_on}),
    )


def _row(status: SheetStatus, names: dict[str, str]) -> dict[str, object]:
    word, sign = WORDS[status.state]
    if status.state == "doubts":
        word = f"要您看 {status.doubts} 题"
    if status.state == "part":
        word = f"缺第 {'、'.join(map(str, status.missing))} 页"
    return {
        "id": status.sheet.id,
        "name": status.sheet.person.name,
        "code": status.sheet.code,
        "form": status.sheet.form.number,
        "large": status.sheet.large,
        "word": word,
        "sign": sign,
        "state": status.state,
    }


def _done(exam: Exam, text: str) -> Response:
    return web.redirect_ok(text, url_for("sheets.room", exam_id=exam.id))


def _refused(exam: Exam, text: str) -> Response:
    path = url_for("sheets.room", exam_id=exam.id)
    return web.give_back(lambda: room(exam.id), path, refusal=text)


def _carry_out(exam_id: int, form: Form | None, verb: Callable[[], str]) -> Response:
    """Carries out a form of the page of the exam's sheets."""
    path = url_for("sheets.room", exam_id=exam_id)
    return web.carry_out(verb, path, page=lambda: room(exam_id), form=form)


@sheets.post("/make")
@access(MANAGERS)
def make(exam_id: int) -> Response:
    """Makes sheets for the people of a division, or for some of them."""
    exam = _exam(exam_id)
    form = PrintForm.typed(division=_divisions(exam))

    def verb() -> str:
        people = service.people_for(
            web.db(), exam, web.scope().prefix, division=form.division.got, who=form.who.got
        )
        made, refused = service.make_sheets(web.db(), exam, people, actor=web.actor())
        web.audit("exam.sheets", f"exam:{exam.id}", {"sheets": len(made)})
        message = f"做好了 {len(made)} 张答题卡，请下载打印"
        if refused:
            message += f"。{len(refused)} 人没有做：" + "；".join(
                f"{person.name}，{why}" for person, why in refused[:5]
            )
        return message

    return _carry_out(exam_id, form, verb)


@sheets.get("/sheets.pdf")
@access(MANAGERS)
def print_all(exam_id: int) -> Response:
    """All sheets not scored yet; `large=1`: the large-print ones."""
    exam, large = _exam(exam_id), request.args.get("large") == "1"
    unscored = [
        status.sheet
        for status in service.standings(web.db(), exam, web.scope().prefix)
        if status.state != "scored" and status.sheet.large == large
    ]
    if not unscored:
        raise NotFound("没有要印的答题卡。请先选给谁印")
    return _pdf(_sheets(exam, unscored), f"{exam.title}-答题卡{'（大字）' if large else ''}")


@sheets.get("/<int:sheet_id>.pdf")
@access(MANAGERS)
def print_one(exam_id: int, sheet_id: int) -> Response:
    exam = _exam(exam_id)
    sheet = sheet_within(web.db(), exam, web.scope().prefix, sheet_id=sheet_id)
    return _pdf(_sheets(exam, [sheet]), f"{exam.title}-答题卡-{sheet.person.name}")


def _sheets(exam: Exam, selected: list[AnswerSheet]) -> bytes:
    village_names = service.villages(web.db(), web.scope().prefix, [s.person_id for s in selected])
    return print_sheets(exam.title, selected, village_names)


@sheets.get("/booklet-<int:number>.pdf")
@access(MANAGERS)
def booklet(exam_id: int, number: int) -> Response:
    """The test booklet of one form; `large=1`: in large print."""
    exam, large = _exam(exam_id), request.args.get("large") == "1"
    form = next((form for form in exam.forms if form.number == number), None)
    if form is None:
        raise NotFound(f"这场考试没有第 {number} 套卷")
    rules = rules_of(exam)
    pdf = booklet_pdf(
        exam.title, number, slots(form), blueprint=rules, minutes=exam.minutes, large=large
    )
    return _pdf(pdf, f"{exam.title}-试卷-第{number}套{'（大字）' if large else ''}")


def _pdf(data: bytes, name: str) -> Response:
    return web.attachment(data, "application/pdf", f"{name}.pdf")


@sheets.post("/scans")
@access(MANAGERS)
def scans(exam_id: int) -> Response:
    """Uploads files of scans and enqueues their reading."""
    exam, pages, faults = _exam(exam_id), 0, []
    files = [file for file in request.files.getlist("scans") if file.filename]
    if not files:
        return _refused(exam, "请先选文件：扫描的 PDF，或用手机拍的照片，可以选多个")
    for file in files:
        try:
            scan = service.hand_over(
                web.db(),
                exam,
                web.account().division_code,
                name=str(file.filename),
                data=file.read(),
                actor=web.actor(),
            )
            ask_reading(web.db(), scan)
            pages += scan.pages
        except Refused as error:
            faults.append(f"“{file.filename}”没有收下：{error}")
    web.audit("exam.scans", f"exam:{exam.id}", {"files": len(files), "pages": pages})
    messages = [f"收到 {pages} 页，正在读，几秒钟一页"] if pages else []
    return _done(exam, "。".join([*messages, *faults]))


@sheets.post("/score")
@access(MANAGERS)
def score(exam_id: int) -> Response:
    exam, form = _exam(exam_id), ScoreForm.typed()

    def verb() -> str:
        count, refused = service.score(
            web.db(),
            exam,
            web.scope().prefix,
            held_on=form.held_on.got,
            actor=web.actor(),
            zone=web.config().zone,
        )
        detail = {"sheets": count, "held_on": str(form.held_on.got)}
        web.audit("exam.score_sheets", f"exam:{exam.id}", detail)
        message = f"计分 {count} 张，和线上考的一样评分、公布、记档案"
        if refused:
            message += "。没有计分的：" + "；".join(f"{p.name}，{why}" for p, why in refused[:5])
        return message

    return _carry_out(exam_id, form, verb)


@sheets.post("/find")
@access(MANAGERS)
def find(exam_id: int) -> Response:
    """Redirects to the sheet whose printed code was typed in."""
    exam = _exam(exam_id)
    try:
        sheet = sheet_by_code(web.db(), exam, web.scope().prefix, code=CodeForm.typed().code.got)
    except NotFound as error:
        return _refused(exam, str(error))
    return redirect(url_for("sheets.entry", exam_id=exam.id, sheet_id=sheet.id, all=1))


@sheets.get("/<int:sheet_id>")
@access(MANAGERS)
def entry(exam_id: int, sheet_id: int) -> str:
    """The doubtful answers of a sheet beside their crops; `all=1`: every answer."""
    exam = _exam(exam_id)
    sheet = sheet_within(web.db(), exam, web.scope().prefix, sheet_id=sheet_id)
    return _entry(exam, sheet)


def _entry(exam: Exam, sheet: AnswerSheet) -> str:
    entries = service.entries_of(web.db(), sheet)
    everything = request.args.get("all") == "1"
    shown_slots = [
        slot
        for slot in slots(sheet.form)
        if everything or (slot.id in entries and entries[slot.id].doubt)
    ]
    return render_template(
        "sheets/entry.html",
        exam=exam,
        sheet=sheet,
        slots=shown_slots,
        entries=entries,
        everything=everything,
        doubt_label=service.doubt_label,
        village=service.villages(web.db(), web.scope().prefix, [sheet.person_id]).get(
            sheet.person_id, ""
        ),
    )


@sheets.post("/<int:sheet_id>")
@access(MANAGERS)
def settle(exam_id: int, sheet_id: int) -> Response | str:
    exam = _exam(exam_id)
    sheet = sheet_within(web.db(), exam, web.scope().prefix, sheet_id=sheet_id, lock=True)
    responses = given(sent_fields(), service.places_of(sheet))
    try:
        service.settle(web.db(), sheet, responses, actor=web.actor())
    except Refused as error:
        path = url_for("sheets.entry", exam_id=exam_id, sheet_id=sheet_id)
        return web.give_back(lambda: entry(exam_id, sheet_id), path, refusal=str(error))
    detail = {"sheet": sheet.id, "slots": sorted(responses)}
    web.audit("exam.sheet_entry", f"exam:{exam.id}", detail)
    web.db().commit()
    following = next(
        (
            status.sheet.id
            for status in service.standings(web.db(), exam, web.scope().prefix)
            if status.state == "doubts"
        ),
        None,
    )
    flash(f"{sheet.person.name}的答题卡记下了")
    if following is None:
        return redirect(url_for("sheets.room", exam_id=exam.id))
    return redirect(url_for("sheets.entry", exam_id=exam.id, sheet_id=following))


@sheets.get("/<int:sheet_id>/crop-<slot>.jpg")
@access(MANAGERS)
def crop(exam_id: int, sheet_id: int, slot: str) -> Response:
    """The crop of the scan with a slot's answer."""
    exam = _exam(exam_id)
    sheet = sheet_within(web.db(), exam, web.scope().prefix, sheet_id=sheet_id)
    return _jpeg(service.cut_out(web.db(), exam, web.scope().prefix, sheet=sheet, slot=slot))


@sheets.get("/page-<int:page_id>.jpg")
@access(MANAGERS)
def page_picture(exam_id: int, page_id: int) -> Response:
    exam = _exam(exam_id)
    return _jpeg(page_within(web.db(), exam, web.scope().prefix, page_id=page_id).picture)


def _jpeg(data: bytes) -> Response:
    response = Response(data, mimetype="image/jpeg")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@sheets.post("/page-<int:page_id>")
@access(MANAGERS)
def settle_page(exam_id: int, page_id: int) -> Response:
    """Resolves an unused page: reads it again for the sheet whose code was typed in, or sets it aside."""
    exam, prefix = _exam(exam_id), web.scope().prefix
    scan = page_within(web.db(), exam, prefix, page_id=page_id)
    code = clean_code(CodeForm.typed().code.got).upper()
    if not code:
        scan.problem = None
        web.audit("exam.scan_aside", f"exam:{exam.id}", {"page": scan.id})
        return _done(exam, "这一页放到一边了")
    try:
        number = sent_id("page") or 1
        sheet = read_again(web.db(), exam, prefix, page=scan, code=code, number=number)
    except (Refused, NotFound, Unreadable) as error:
        return _refused(exam, f"{error}。也可以按编号手工录入")
    web.audit("exam.scan_matched", f"exam:{exam.id}", {"page": scan.id, "sheet": sheet.id})
    return _done(exam, f"认到{sheet.person.name}的答题卡，第 {scan.page} 页")
