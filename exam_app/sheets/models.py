"""Tables of the paper exams."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from exam_app.exams.models import Attempt, Exam, ExamForm
from question_bank import Response
from training_records.database import Base, Json, now
from training_records.ledger.models import Person


class AnswerSheet(Base):
    """A person's answer sheet for one form of an exam. Identity: `code`, encoded in its QR."""

    __tablename__ = "answer_sheet"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"), index=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("exam_form.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    large: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column("made_by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    # The attempt created when the sheet was scored.
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempt.id"))

    exam: Mapped[Exam] = relationship()
    form: Mapped[ExamForm] = relationship()
    person: Mapped[Person] = relationship()
    attempt: Mapped[Attempt | None] = relationship()


class SheetEntry(Base):
    """The response read from a sheet for one slot. Identity: (sheet, slot).

    `doubt`: why it needs manual resolution; None: resolved. `page_id`: the scan it was read from.
    """

    __tablename__ = "sheet_entry"

    sheet_id: Mapped[int] = mapped_column(ForeignKey("answer_sheet.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(8), primary_key=True)
    response: Mapped[Response] = mapped_column(Json)
    doubt: Mapped[str | None] = mapped_column(String(100))
    page_id: Mapped[int | None] = mapped_column(ForeignKey("scan_page.id"))
    updated_by: Mapped[str] = mapped_column("by", String(40))
    updated_at: Mapped[datetime] = mapped_column("at", default=now)


class ScanFile(Base):
    """An uploaded file of scans, kept until all its pages are read. Identity: `id`."""

    __tablename__ = "scan_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    exam_id: Mapped[int] = mapped_column(ForeignKey("exam.id"), index=True)
    # The scope of the uploading account: its pages are shown to accounts that cover all of it.
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    name: Mapped[str] = mapped_column(String(100))
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    pages: Mapped[int]
    read: Mapped[int] = mapped_column(default=0)
    claimed_at: Mapped[datetime | None]
    # The job that reads it, which may be deleted earlier than the file; None when none was
    # enqueued.
    job_id: Mapped[int | None]
    uploaded_by: Mapped[str] = mapped_column(String(40))
    uploaded_at: Mapped[datetime] = mapped_column(default=now)


class ScanPage(Base):
    """One page of a scan. Identity: (file, number). `problem`: why it was not used; None once resolved."""

    __tablename__ = "scan_page"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("scan_file.id"), index=True)
    number: Mapped[int]
    sheet_id: Mapped[int | None] = mapped_column(ForeignKey("answer_sheet.id"))
    # The sheet's page number, if known.
    page: Mapped[int | None]
    # JPEG: rectified (5 pixels per mm) when it was read, else as scanned.
    picture: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    problem: Mapped[str | None] = mapped_column(String(200))

    file: Mapped[ScanFile] = relationship()
