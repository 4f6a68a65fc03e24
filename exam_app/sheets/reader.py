"""The reader: takes scanned pages from the files handed over, one after the other, at low priority."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from exam_app.accounts.hashing import step_back
from exam_app.exams.models import Exam
from exam_app.sheets.models import AnswerSheet, ScanFile, ScanPage
from exam_app.sheets.pictures import pictures, small_jpeg, unpacked
from exam_app.sheets.reading import Flat, Grey, Unreadable, flatten
from exam_app.sheets.service import kept_picture, sheet_by_code, take_in
from training_records.database import now
from training_records.divisions import prefix_of
from training_records.errors import NotFound, Refused

log = structlog.get_logger()
EVERY = 3.0
# A reader that says nothing for so long has died; another goes on with its file.
SILENT = timedelta(minutes=2)
# The longer side of a page that could not be read, in pixels: enough to read it again.
KEPT_UNREAD = 3000


def start_reader(app: Flask, every: float = EVERY) -> threading.Event:
    """A thread that reads until the returned event is set. Every server process has one: a file is
    read by one of them at a time, page by page, each in its own transaction."""
    stop = threading.Event()

    def run() -> None:
        step_back()
        while not stop.wait(every):
            try:
                read_pending(app.extensions["session_factory"])
            except DBAPIError as error:
                log.error("reader", error=type(error.orig).__name__)
            except Exception:
                log.exception("reader")

    threading.Thread(target=run, name="reader", daemon=True).start()
    return stop


def read_pending(make_session: sessionmaker[Session]) -> int:
    """Reads all files that wait; how many pages."""
    done = 0
    while True:
        with make_session() as session:
            file = _claim(session)
            if file is None:
                return done
            done += _read(session, file)


def _claim(session: Session) -> ScanFile | None:
    session.connection(execution_options={"read_only": True})
    free = or_(ScanFile.claimed_at.is_(None), ScanFile.claimed_at < now() - SILENT)
    query = select(ScanFile.id).where(ScanFile.read < ScanFile.pages, free)
    number = session.scalar(query.order_by(ScanFile.id).limit(1))
    session.rollback()
    if number is None:
        return None
    taken: Any = session.execute(
        update(ScanFile).where(ScanFile.id == number, free).values(claimed_at=now())
    )
    session.commit()
    return session.get(ScanFile, number) if taken.rowcount == 1 else _claim(session)


def _read(session: Session, file: ScanFile) -> int:
    data, first = file.data or b"", file.read
    # Nothing is held while pictures are looked at: saves of examinees come first.
    session.commit()
    for number, grey in enumerate(pictures(data, first), first + 1):
        flat, problem = _look(grey)
        session.refresh(file)
        if file.read >= number:
            session.rollback()
            continue
        page = ScanPage(file_id=file.id, number=number, picture=_picture(flat, grey))
        page.problem = problem
        session.add(page)
        session.flush()
        if flat is not None:
            place(session, file, page, flat)
        file.read, file.claimed_at = number, now()
        if file.read >= file.pages:
            file.data, file.claimed_at = None, None
        session.commit()
    return file.pages - first


def _look(grey: Grey | None) -> tuple[Flat | None, str | None]:
    if grey is None:
        return None, "这一页打不开,请重新扫描"
    try:
        return flatten(grey), None
    except Unreadable as error:
        return None, str(error)


def _picture(flat: Flat | None, grey: Grey | None) -> bytes:
    if flat is not None:
        return kept_picture(flat)
    return small_jpeg(grey, KEPT_UNREAD) if grey is not None else b""


def place(session: Session, file: ScanFile, page: ScanPage, flat: Flat) -> None:
    """Enters a page with its sheet, or notes why that can't be."""
    exam = session.get_one(Exam, file.exam_id)
    page.page = flat.page
    try:
        sheet = sheet_by_code(session, exam, prefix_of(file.division_code), flat.code, lock=True)
        page.sheet_id = sheet.id
        take_in(session, sheet, flat, page.id)
        page.problem = None
    except NotFound as error:
        page.problem = _elsewhere(session, exam, flat.code) or str(error)
    except Refused as error:
        page.problem = str(error)


def read_again(
    session: Session, exam: Exam, prefix: str, page: ScanPage, code: str, number: int
) -> AnswerSheet:
    """Reads a page that was not used once more, for the sheet whose printed code somebody typed. NotFound,
    `Refused` and `Unreadable` say why that can't be; then nothing is entered."""
    sheet = sheet_by_code(session, exam, prefix, code, lock=True)
    flat = flatten(unpacked(page.picture), (sheet.code, number))
    take_in(session, sheet, flat, page.id)
    page.sheet_id, page.page, page.problem = sheet.id, flat.page, None
    page.picture = kept_picture(flat)
    return sheet


def _elsewhere(session: Session, exam: Exam, code: str) -> str | None:
    sheet = session.scalar(select(AnswerSheet).where(AnswerSheet.code == code))
    if sheet is not None and sheet.exam_id != exam.id:
        return f"这是“{sheet.exam.title}”的答题卡,请到那场考试里传"
    return None
