"""The scan reader: a job that reads the pages of an uploaded file one by one."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.core.background import Background
from exam_app.exams.models import Exam
from exam_app.jobs.models import Job
from exam_app.jobs.service import Work, enqueue
from exam_app.sheets.models import AnswerSheet, ScanFile, ScanPage
from exam_app.sheets.pictures import pictures, small_jpeg, unpacked
from exam_app.sheets.reading import Flat, Grey, Unreadable, flatten
from exam_app.sheets.service import kept_picture, sheet_by_code, take_in
from training_records.database import now, read_only
from training_records.divisions import prefix_of
from training_records.errors import NotFound, Refused

# Files without a job were uploaded to an older version, which read them without one. When that
# version has made no progress for SILENT, the file is adopted; files older than LATEST are not.
SILENT, LATEST = timedelta(minutes=2), timedelta(days=7)
# Longest side, in pixels, of the stored image of an unread page: enough to read it again.
KEPT_UNREAD = 3000


def ask_reading(session: Session, file: ScanFile) -> Job:
    """Enqueues the reading of a file."""
    params, by = {"file": file.id, "exam": file.exam_id}, file.uploaded_by
    job = enqueue(
        session,
        "scans",
        f"读答题卡：{file.name}",
        division_code=file.division_code,
        params=params,
        by=by,
    )
    file.job_id = job.id
    return job


def adopt(background: Background) -> int:
    """Enqueues files that no job is reading; returns how many were found."""
    orphaned = (
        (ScanFile.read < ScanFile.pages)
        & ScanFile.job_id.is_(None)
        & (ScanFile.uploaded_at > now() - LATEST)
        & (func.coalesce(ScanFile.claimed_at, ScanFile.uploaded_at) < now() - SILENT)
    )
    with background.make_session() as session:
        file_ids = read_only(session).scalars(select(ScanFile.id).where(orphaned)).all()
        session.rollback()
        for file_id in file_ids:
            file = session.get_one(ScanFile, file_id, with_for_update=True, populate_existing=True)
            if file.job_id is None:
                ask_reading(session, file)
            session.commit()
    return len(file_ids)


def scans_job(work: Work) -> None:
    """Reads a file page by page, one transaction each; resumes after the last page read."""
    with work.make_session() as session:
        file = read_only(session).get_one(ScanFile, work.params["file"])
        data, first, pages = file.data or b"", file.read, file.pages
    work.progress(first, pages)
    for number, grey in enumerate(pictures(data, first), first + 1):
        # No lock is held during image processing: saves of running exams come first.
        flat, problem = _look(grey)
        picture = _picture(flat, grey)
        with work.make_session() as session:
            file = session.get_one(ScanFile, work.params["file"], with_for_update=True)
            if file.read < number:
                page = ScanPage(file_id=file.id, number=number, picture=picture, problem=problem)
                session.add(page)
                session.flush()
                if flat is not None:
                    place(session, file, page, flat=flat)
                # Older versions without jobs skip files with recent progress.
                file.read, file.claimed_at = number, now()
                if number >= pages:
                    file.data, file.claimed_at = None, None
                session.commit()
        work.progress(number, pages)


def _look(grey: Grey | None) -> tuple[Flat | None, str | None]:
    if grey is None:
        return None, "这一页打不开，请重新扫描"
    try:
        return flatten(grey), None
    except Unreadable as error:
        return None, str(error)


def _picture(flat: Flat | None, grey: Grey | None) -> bytes:
    if flat is not None:
        return kept_picture(flat)
    return small_jpeg(grey, KEPT_UNREAD) if grey is not None else b""


def place(session: Session, file: ScanFile, page: ScanPage, *, flat: Flat) -> None:
    """Assigns a page to its sheet and enters its responses, or records the problem."""
    exam = session.get_one(Exam, file.exam_id)
    page.page = flat.page
    try:
        sheet = sheet_by_code(
            session, exam, prefix_of(file.division_code), code=flat.code, lock=True
        )
        page.sheet_id = sheet.id
        take_in(session, sheet, flat, page_id=page.id)
        page.problem = None
    except NotFound as error:
        page.problem = _elsewhere(session, exam, flat.code) or str(error)
    except Refused as error:
        page.problem = str(error)


def read_again(
    session: Session, exam: Exam, prefix: str, *, page: ScanPage, code: str, number: int
) -> AnswerSheet:
    """Reads an unused page again, for the sheet whose printed code was typed in.

    NotFound, `Refused` or `Unreadable` say why that is not possible; nothing is entered then.
    """
    sheet = sheet_by_code(session, exam, prefix, code=code, lock=True)
    flat = flatten(unpacked(page.picture), (sheet.code, number))
    take_in(session, sheet, flat, page_id=page.id)
    page.sheet_id, page.page, page.problem = sheet.id, flat.page, None
    page.picture = kept_picture(flat)
    return sheet


def _elsewhere(session: Session, exam: Exam, code: str) -> str | None:
    sheet = session.scalar(select(AnswerSheet).where(AnswerSheet.code == code))
    if sheet is not None and sheet.exam_id != exam.id:
        return f"这是“{sheet.exam.title}”的答题卡，请到那场考试里传"
    return None
