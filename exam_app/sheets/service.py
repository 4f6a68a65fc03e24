"""The verbs of the paper exams: make sheets, enter readings, resolve doubts, score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from exam_app.exams.errors import Closed
from exam_app.exams.models import Accommodation, Answer, Attempt, Exam
from exam_app.exams.results import finish
from exam_app.exams.slots import Slot, slots
from exam_app.exams.states import move
from exam_app.exams.windows import refuse_used_up
from exam_app.jobs.models import Job
from exam_app.sheets.layout import FALSE, TRUE, Page, lay_out_sheet, size_of
from exam_app.sheets.marks import new_code
from exam_app.sheets.models import AnswerSheet, ScanFile, ScanPage, SheetEntry
from exam_app.sheets.pictures import count_pages, small_jpeg, unpacked
from exam_app.sheets.reading import SCALE, Flat, Reading, is_blank, read_bubbles
from question_bank import Answerable, InvalidResponse, Response, valid_response
from question_bank.draw import form_place
from training_records.database import now
from training_records.divisions import ancestor, division_names, prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.ledger.district import districts_of
from training_records.ledger.models import Person, Post
from training_records.ledger.service import ids_in, in_post_on, places_in

BY_READER = "reader"
# Pixels per millimetre of a stored page, and the margin (mm) around a question in a crop.
KEPT, RIM = 5, 2.5
# The one doubt that decides what a further scan does is a key; the others are texts.
DIFFERENT, DIFFERENT_LABEL = "different", "两次扫描读的不一样"
# Also as earlier versions stored it, however the label comes to be written.
_DIFFERENT = (DIFFERENT, "两次扫描读的不一样")
COPY_IT = "请照手写的字录入"


@dataclass(frozen=True)
class SheetStatus:
    """The status of a sheet.

    `state`: waiting (nothing received), part (pages in `missing` outstanding), doubts (`doubts` to
    resolve), ready, scored.
    """

    sheet: AnswerSheet
    state: str
    doubts: int
    missing: tuple[int, ...]


def make_sheets(
    session: Session, exam: Exam, people: Iterable[Person], *, actor: str
) -> tuple[list[AnswerSheet], list[tuple[Person, str]]]:
    """Makes a sheet for everyone without an unused one; returns (sheets, those refused with the reason).

    Neighbours get different forms; people granted large print get a large sheet.
    """
    sheets, refused = [], []
    for person in people:
        attempts = _attempts(session, exam, person.id)
        unused = session.scalar(
            select(AnswerSheet.id).where(
                AnswerSheet.exam_id == exam.id,
                AnswerSheet.person_id == person.id,
                AnswerSheet.attempt_id.is_(None),
            )
        )
        try:
            if unused:
                raise Refused("已经有一张没用过的答题卡")
            refuse_used_up(exam, attempts)
        except Refused as error:
            refused.append((person, str(error)))
            continue
        granted = session.get(Accommodation, (exam.id, person.id))
        form = exam.forms[form_place(person.id, len(attempts) + 1, len(exam.forms))]
        sheet = AnswerSheet(
            code=new_code(),
            exam_id=exam.id,
            form_id=form.id,
            person_id=person.id,
            large=bool(granted and granted.large_print),
            created_by=actor,
        )
        session.add(sheet)
        sheets.append(sheet)
    session.flush()
    return sheets, refused


def _attempts(session: Session, exam: Exam, person_id: int) -> list[Attempt]:
    query = select(Attempt).where(Attempt.exam_id == exam.id, Attempt.person_id == person_id)
    return list(session.scalars(query.order_by(Attempt.number)))


def standings(session: Session, exam: Exam, prefix: str) -> list[SheetStatus]:
    """The status of all sheets of an exam for people within a code prefix, oldest first."""
    query = (
        select(AnswerSheet)
        .options(joinedload(AnswerSheet.person), joinedload(AnswerSheet.form))
        .where(AnswerSheet.exam_id == exam.id, AnswerSheet.person_id.in_(ids_in(prefix)))
        .order_by(AnswerSheet.id)
    )
    sheets = list(session.scalars(query))
    entries: dict[int, dict[str, str | None]] = {sheet.id: {} for sheet in sheets}
    doubts = (
        select(SheetEntry.sheet_id, SheetEntry.slot, SheetEntry.doubt)
        .join(AnswerSheet)
        .where(AnswerSheet.exam_id == exam.id)
    )
    for sheet_id, slot, doubt in session.execute(doubts):
        if sheet_id in entries:
            entries[sheet_id][slot] = doubt
    layouts: dict[tuple[int, bool], list[Page]] = {}
    for sheet in sheets:
        kind = sheet.form_id, sheet.large
        if kind not in layouts:
            layouts[kind] = pages_of(sheet)
    return [_status(s, layouts[s.form_id, s.large], entries[s.id]) for s in sheets]


def _status(
    sheet: AnswerSheet, pages: Sequence[Page], entries: Mapping[str, str | None]
) -> SheetStatus:
    doubts = sum(doubt is not None for doubt in entries.values())
    missing = tuple(page.number for page in pages if not slots_on(page) <= set(entries))
    if sheet.attempt_id is not None:
        state = "scored"
    elif not entries:
        state = "waiting"
    elif missing:
        state = "part"
    else:
        state = "doubts" if doubts else "ready"
    return SheetStatus(sheet, state, doubts, missing)


def pages_of(sheet: AnswerSheet) -> list[Page]:
    """The layout of a sheet's pages."""
    return lay_out_sheet(slots(sheet.form), sheet.large)


def places_of(sheet: AnswerSheet) -> dict[str, Slot]:
    """The slots of a sheet's form, by name."""
    return {slot.id: slot for slot in slots(sheet.form)}


def slots_on(page: Page) -> set[str]:
    """The slots that appear on a page."""
    return {row.slot for row in page.rows} | {box.slot for box in page.boxes}


def sheet_within(
    session: Session, exam: Exam, prefix: str, *, sheet_id: int, lock: bool = False
) -> AnswerSheet:
    """A sheet of an exam whose person is within a code prefix; NotFound otherwise."""
    return _find_sheet(session, exam, prefix, which=AnswerSheet.id == sheet_id, lock=lock)


def sheet_by_code(
    session: Session, exam: Exam, prefix: str, *, code: str, lock: bool = False
) -> AnswerSheet:
    """The sheet with a printed code; NotFound otherwise."""
    return _find_sheet(
        session, exam, prefix, which=AnswerSheet.code == code.strip().upper(), lock=lock
    )


def _find_sheet(
    session: Session, exam: Exam, prefix: str, *, which: ColumnElement[bool], lock: bool
) -> AnswerSheet:
    query = select(AnswerSheet).where(
        which, AnswerSheet.exam_id == exam.id, AnswerSheet.person_id.in_(ids_in(prefix))
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    sheet = session.scalar(query)
    if sheet is None:
        raise NotFound("没有这张答题卡，或它不是这场考试的、不归您管理")
    return sheet


def entries_of(session: Session, sheet: AnswerSheet) -> dict[str, SheetEntry]:
    """The entries of a sheet, by slot."""
    query = select(SheetEntry).where(SheetEntry.sheet_id == sheet.id)
    return {entry.slot: entry for entry in session.scalars(query)}


def take_in(session: Session, sheet: AnswerSheet, flat: Flat, *, page_id: int) -> None:
    """Enters the readings of a page.

    A person's entries are kept; a difference between two scans becomes a doubt. `Closed` when the
    sheet has been scored, NotFound when it has no such page.
    """
    if sheet.attempt_id is not None:
        raise Closed("这张答题卡已经计分，这一页没有再用")
    page = next((p for p in pages_of(sheet) if p.number == flat.page), None)
    if page is None:
        raise NotFound(f"这张答题卡没有第 {flat.page} 页")
    form_slots = places_of(sheet)
    several = {
        slot for slot, form_slot in form_slots.items() if form_slot.question.type == "multiple"
    }
    read = read_bubbles(flat, page, size_of(sheet.large), several=several)
    entries = entries_of(session, sheet)
    for slot in slots_on(page):
        if slot in read:
            response, doubt = response_of(form_slots[slot].question, read[slot])
        else:
            written = any(not is_blank(flat, box) for box in page.boxes if box.slot == slot)
            response, doubt = None, COPY_IT if written else None
        _enter(
            session,
            sheet,
            entries.get(slot),
            slot=slot,
            response=response,
            doubt=doubt,
            page_id=page_id,
        )
    session.flush()


def _enter(
    session: Session,
    sheet: AnswerSheet,
    entry: SheetEntry | None,
    *,
    slot: str,
    response: Response,
    doubt: str | None,
    page_id: int,
) -> None:
    if entry is not None and entry.updated_by != BY_READER:
        return
    if entry is None:
        entry = SheetEntry(sheet_id=sheet.id, slot=slot, updated_by=BY_READER)
        session.add(entry)
    elif entry.doubt is None and doubt is None and entry.response != response:
        doubt = DIFFERENT
    elif entry.doubt is None or entry.doubt in _DIFFERENT:
        # Keep the clearer of two scans; of two clear ones that differ, a person decides.
        return
    entry.response, entry.doubt, entry.page_id, entry.updated_at = response, doubt, page_id, now()


def doubt_label(stored: str) -> str:
    """Why a person has to look, as people read it."""
    return DIFFERENT_LABEL if stored in _DIFFERENT else stored


def response_of(question: Answerable, reading: Reading) -> tuple[Response, str | None]:
    """(response for the filled bubbles, reason for manual resolution)."""
    filled = reading.filled
    labels = filled.get("", ())
    response: Response = None
    if question.type == "multiple":
        response = sorted(labels) or None
    elif question.type in ("single", "true_false"):
        response = labels[0] if labels else None
        if question.type == "true_false" and response is not None:
            response = {TRUE: True, FALSE: False}[response]
    elif any(filled.values()):
        firsts = {sub: chosen[0] for sub, chosen in filled.items() if chosen}
        if question.type == "match":
            response = {sub: int(label) for sub, label in firsts.items()}
        else:
            response = [firsts[str(n)] for n in range(1, len(filled) + 1) if str(n) in firsts]
    try:
        return valid_response(question, response), reading.doubt
    except InvalidResponse as error:
        return None, reading.doubt or str(error)


def settle(
    session: Session, sheet: AnswerSheet, given: Mapping[str, object], *, actor: str
) -> None:
    """Enters the responses a person read off a sheet, by slot; None: not answered.

    `Refused` names the slot whose response is invalid; nothing is entered then.
    """
    if sheet.attempt_id is not None:
        raise Closed("这张答题卡已经计分，不能再改。成绩有疑问请在考场里作废后重录")
    form_slots = places_of(sheet)
    entries = entries_of(session, sheet)
    checked = {}
    for slot, response in given.items():
        if slot not in form_slots:
            raise Refused(f"这张卷子没有第 {slot[:8]} 题")
        try:
            checked[slot] = valid_response(form_slots[slot].question, response)
        except InvalidResponse as error:
            raise Refused(f"第 {slot} 题：{error}") from None
    for slot, response in checked.items():
        entry = entries.get(slot)
        if entry is None:
            entry = SheetEntry(sheet_id=sheet.id, slot=slot)
            session.add(entry)
        entry.response, entry.doubt, entry.updated_by, entry.updated_at = (
            response,
            None,
            actor,
            now(),
        )
    session.flush()


def score(
    session: Session, exam: Exam, prefix: str, *, held_on: date, actor: str, zone: ZoneInfo
) -> tuple[int, list[tuple[Person, str]]]:
    """Turns every ready sheet into a submitted, marked attempt.

    Returns (how many, those refused with the reason). `Refused` when the exam didn't run on that
    day.
    """
    first, last = (at.astimezone(zone).date() for at in (exam.opens_at, exam.closes_at))
    if not first <= held_on <= last:
        raise Refused(f"考试日期要在 {first} 到 {last} 之间，请改正")
    done, refused = 0, []
    for status in standings(session, exam, prefix):
        if status.state != "ready":
            continue
        sheet = sheet_within(session, exam, prefix, sheet_id=status.sheet.id, lock=True)
        try:
            _score(session, sheet, held_on, actor=actor, zone=zone)
        except Refused as error:
            refused.append((sheet.person, str(error)))
        else:
            done += 1
    return done, refused


def _score(
    session: Session, sheet: AnswerSheet, held_on: date, *, actor: str, zone: ZoneInfo
) -> None:
    if sheet.attempt_id is not None:
        return
    exam = sheet.exam
    attempts = _attempts(session, exam, sheet.person_id)
    if any(a.state == "in_progress" for a in attempts):
        raise Closed("这个人正在手机上考同一场考试，等交卷后再计分")
    refuse_used_up(exam, attempts)
    # The time of day is unknown; noon keeps the date right in all nearby time zones.
    at = datetime.combine(held_on, time(12), zone)
    attempt = Attempt(
        exam_id=exam.id,
        form_id=sheet.form_id,
        person_id=sheet.person_id,
        number=len(attempts) + 1,
        state="not_started",
        started_at=at,
        district=districts_of(session, [sheet.person_id]).get(sheet.person_id, ""),
        year=at.year,
        deadline=at,
        on_paper=True,
    )
    session.add(attempt)
    session.flush()
    for slot, entry in entries_of(session, sheet).items():
        session.add(
            Answer(
                attempt_id=attempt.id,
                slot=slot,
                seq=1,
                response=entry.response,
                saved_at=entry.updated_at,
                district=attempt.district,
                year=attempt.year,
            )
        )
    sheet.attempt_id = attempt.id
    session.flush()
    move(session, attempt, "in_progress", actor=actor, at=now(), reason=f"纸质答卷 {sheet.code}")
    move(session, attempt, "submitted", actor=actor, at=now(), reason=f"纸质答卷，{held_on} 考试")
    attempt.submitted_at = at
    finish(session, attempt, now(), zone=zone)


def hand_over(
    session: Session, exam: Exam, division_code: str, *, name: str, data: bytes, actor: str
) -> ScanFile:
    """Stores an uploaded file of scans for the reader. `Refused` when it can't be read."""
    file = ScanFile(
        exam_id=exam.id,
        division_code=division_code,
        name=name[-100:],
        data=data,
        pages=count_pages(data),
        uploaded_by=actor,
    )
    session.add(file)
    session.flush()
    return file


def files_of(session: Session, exam: Exam, prefix: str) -> Sequence[ScanFile]:
    """The files uploaded by accounts within a code prefix, oldest first."""
    query = select(ScanFile).where(
        ScanFile.exam_id == exam.id, ScanFile.division_code.startswith(prefix)
    )
    return session.scalars(query.order_by(ScanFile.id)).all()


def being_read(session: Session, files: Sequence[ScanFile]) -> list[tuple[ScanFile, str | None]]:
    """The files not fully read, each with the state of its job; None: no job exists."""
    unfinished = [file for file in files if file.read < file.pages]
    job_ids = [file.job_id for file in unfinished if file.job_id]
    query = select(Job.id, Job.state).where(Job.id.in_(job_ids))
    states: dict[int | None, str] = {job_id: state for job_id, state in session.execute(query)}
    return [(file, states.get(file.job_id)) for file in unfinished]


def problems(session: Session, exam: Exam, prefix: str) -> Sequence[ScanPage]:
    """The pages that could not be used and are unresolved."""
    query = (
        select(ScanPage)
        .join(ScanFile)
        .options(joinedload(ScanPage.file))
        .where(
            ScanFile.exam_id == exam.id,
            ScanFile.division_code.startswith(prefix),
            ScanPage.problem.is_not(None),
        )
    )
    return session.scalars(query.order_by(ScanPage.id)).all()


def page_within(session: Session, exam: Exam, prefix: str, *, page_id: int) -> ScanPage:
    """A scanned page the account may see: its own uploads, and pages of people within its scope."""
    page = session.get(ScanPage, page_id)
    if page is not None and page.file.exam_id == exam.id:
        if page.file.division_code.startswith(prefix):
            return page
        if page.sheet_id is not None:
            sheet_within(session, exam, prefix, sheet_id=page.sheet_id)
            return page
    raise NotFound("没有这一页，或不归您管理")


def kept_picture(flat: Flat) -> bytes:
    """A rectified page as stored: JPEG, `KEPT` pixels per millimetre."""
    return small_jpeg(flat.grey, flat.grey.shape[0] * KEPT // SCALE)


def cut_out(session: Session, exam: Exam, prefix: str, *, sheet: AnswerSheet, slot: str) -> bytes:
    """The crop of a scan with a slot's answer, as JPEG. NotFound when there is none."""
    entry = entries_of(session, sheet).get(slot)
    if entry is None or entry.page_id is None:
        raise NotFound("这一题没有扫描图")
    scan = page_within(session, exam, prefix, page_id=entry.page_id)
    page = next(p for p in pages_of(sheet) if p.number == scan.page)
    area = page.area(slot)
    if area is None:
        raise NotFound("这一题不在这一页上")
    left, top, right, bottom = (round(mm * KEPT) for mm in area)
    rim = round(RIM * KEPT)
    grey = unpacked(scan.picture)
    part = grey[max(top - rim, 0) : bottom + rim, max(left - rim, 0) : right + rim]
    return small_jpeg(part, quality=85)


def people_for(
    session: Session, exam: Exam, prefix: str, *, division: str, who: str
) -> list[Person]:
    """The people in post in a division, within the exam's audience, by division.

    `who`: phones or names, one per line, to select some of them. `Refused` names lines that match
    nobody, or more than one person.
    """
    reach = max(prefix_of(division), prefix_of(exam.division_code), prefix, key=len)
    if not all(reach.startswith(p) for p in (prefix_of(exam.division_code), prefix)):
        raise Refused("这个地方不在考试的范围内，或不归您管理")
    query = (
        select(Person, Post.division_code)
        .join(Post, Post.person_id == Person.id)
        .where(within(Post.division_code, reach), in_post_on(now().date()))
        .order_by(Post.division_code, Person.id)
    )
    audience = exam.blueprint.get("audience")
    if audience:
        query = query.where(Post.role == audience)
    people = list({person.id: person for person, _ in session.execute(query)}.values())
    lines = [line.strip() for line in who.splitlines() if line.strip()]
    if not lines:
        return people
    chosen: dict[int, Person] = {}
    problem_lines = []
    for line in lines:
        matches = [p for p in people if line in (p.phone, p.name)]
        if len(matches) != 1:
            problem_lines.append(
                f"{line}（{'找不到' if not matches else '同名的有几个，请写手机号'}）"
            )
        for person in matches:
            chosen[person.id] = person
    if problem_lines:
        raise Refused(f"有 {len(problem_lines)} 行要改：" + "、".join(problem_lines[:10]))
    return list(chosen.values())


def villages(session: Session, prefix: str, people: Sequence[int]) -> dict[int, str]:
    """Person to the name of their village, preceded by the town's."""
    names = division_names(session, prefix)
    division = places_in(prefix)
    query = select(division.c.person_id, division.c.code).where(division.c.person_id.in_(people))
    return {
        person: names.get(ancestor(code, "town"), "") + names.get(code, "")
        for person, code in session.execute(query)
    }
