"""Tables of training events: the annual plan, events with sessions, enrolment, attendance, surveys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from training_records.archive.forms import form_key
from training_records.database import Base, now, one_of

EventState = Literal["draft", "open", "filed", "cancelled"]
EnrolmentState = Literal["nominated", "approved", "waiting", "declined", "withdrawn"]
AttendanceState = Literal["present", "late", "leave", "made_up", "unlisted"]
CheckIn = Literal["qr", "door", "number", "hand"]
FileKind = Literal["photo", "material"]
AUDIENCES = {"director": "儿童主任", "supervisor": "儿童督导员", "both": "儿童主任和儿童督导员"}
STATES: dict[EventState, str] = {
    "draft": "筹备中",
    "open": "已发通知",
    "filed": "已归档",
    "cancelled": "已取消",
}
ENROLMENTS: dict[EnrolmentState, str] = {
    "nominated": "待审核",
    "approved": "已录取",
    "waiting": "候补",
    "declined": "未录取",
    "withdrawn": "已退出",
}
PRESENCE: dict[AttendanceState, str] = {
    "present": "到课",
    "late": "迟到",
    "leave": "请假",
    "made_up": "补课",
    "unlisted": "名单外",
}
HOW: dict[CheckIn, str] = {
    "qr": "扫大屏",
    "door": "门口扫码",
    "number": "纸面编号",
    "hand": "工作人员登记",
}


class PlanLine(Base):
    """One training that an office plans for a year. Identity: `id`. `budget` in yuan, `hours` credit hours."""

    __tablename__ = "plan_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    year: Mapped[int] = mapped_column(index=True)
    month: Mapped[int]
    title: Mapped[str] = mapped_column(String(60))
    audience: Mapped[str] = mapped_column(String(10))
    form: Mapped[str] = mapped_column(String(20))
    hours: Mapped[Decimal] = mapped_column(Numeric(5, 1))
    heads: Mapped[int]
    budget: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    demonstration: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)

    @validates("form")
    def _form_key(self, _name: str, text: str) -> str:
        return form_key(text)


class Event(Base):
    """A training event. Identity: `id`.

    `state`: draft, open (announced), filed (in the archives), cancelled. `parent_id`: the demonstration training that
    this one repeats at a lower level. `secret`: the key of its rotating codes.
    """

    __tablename__ = "event"
    __table_args__ = (one_of("state", EventState),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plan_line.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"), index=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    audience: Mapped[str] = mapped_column(String(10))
    level: Mapped[str] = mapped_column(String(10))
    form: Mapped[str] = mapped_column(String(20))
    organiser: Mapped[str] = mapped_column(String(60))
    place: Mapped[str] = mapped_column(String(60), default="")
    capacity: Mapped[int]
    contact: Mapped[str | None] = mapped_column(String(60))
    note: Mapped[str | None] = mapped_column(String(500))
    state: Mapped[EventState] = mapped_column(String(10), default="draft", index=True)
    demonstration: Mapped[bool] = mapped_column(default=False)
    # Exams before and after the training, whose scores are compared.
    before_id: Mapped[int | None] = mapped_column(ForeignKey("exam.id"))
    after_id: Mapped[int | None] = mapped_column(ForeignKey("exam.id"))
    nominate_by: Mapped[datetime | None]
    secret: Mapped[str] = mapped_column(String(64))
    summary: Mapped[str | None] = mapped_column(String(2000))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    filed_at: Mapped[datetime | None]
    filed_by: Mapped[str | None] = mapped_column(String(40))

    sessions: Mapped[list[EventSession]] = relationship(
        back_populates="event", order_by="EventSession.starts_at, EventSession.id"
    )

    @validates("form")
    def _form_key(self, _name: str, text: str) -> str:
        return form_key(text)


class EventSession(Base):
    """A half-day (or less) of an event, with its own check-in. `hours`: credit hours for attending; `teacher_id`: a
    teacher who is in the ledger, e.g. one who attended the demonstration training. Identity: `id`."""

    __tablename__ = "event_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    title: Mapped[str] = mapped_column(String(60))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str] = mapped_column(String(60), default="")
    teacher: Mapped[str] = mapped_column(String(60), default="")
    teacher_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    hours: Mapped[Decimal] = mapped_column(Numeric(4, 1))

    event: Mapped[Event] = relationship(back_populates="sessions")


class EventNote(Base):
    """An entry in the history of an event: announced, session moved, cancelled, filed, with the reason. Append-only.

    `division_code`: of the person that the text names; None if it names nobody.
    """

    __tablename__ = "event_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    text: Mapped[str] = mapped_column(String(300))
    division_code: Mapped[str | None] = mapped_column(String(12))
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("at", default=now)


class Quota(Base):
    """How many people a division may send. Identity: (event, division)."""

    __tablename__ = "quota"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), primary_key=True)
    seats: Mapped[int]


class Enrolment(Base):
    """One person in one event. `number`: on the name list, the badge and the paper sheet, assigned on approval.

    Identity: (event, person).
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        Index("uq_enrolment_number", "event_id", "number", unique=True),
        Index("ix_enrolment_person_id", "person_id"),
        one_of("state", EnrolmentState),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"))
    state: Mapped[EnrolmentState] = mapped_column(String(10))
    number: Mapped[int | None]
    updated_by: Mapped[str] = mapped_column("by", String(40))
    updated_at: Mapped[datetime] = mapped_column("at", default=now)
    reason: Mapped[str | None] = mapped_column(String(200))


class Attendance(Base):
    """One person in one session. Identity: (session, person).

    `state`: present, late, leave, made_up, unlisted (came without being on the list); no row: absent.
    """

    __tablename__ = "attendance"
    __table_args__ = (
        Index("ix_attendance_person_id", "person_id"),
        one_of("state", AttendanceState),
    )

    session_id: Mapped[int] = mapped_column(ForeignKey("event_session.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    state: Mapped[AttendanceState] = mapped_column(String(10))
    how: Mapped[CheckIn] = mapped_column(String(10))
    recorded_at: Mapped[datetime] = mapped_column("at")
    recorded_by: Mapped[str] = mapped_column("by", String(40))
    note: Mapped[str | None] = mapped_column(String(200))


class SurveyGiven(Base):
    """Records that a person has answered an event's survey, not what. It has no timestamp and is stored in the order of
    its key, so that nothing links a person to an answer. Identity: (event, person)."""

    __tablename__ = "survey_given"
    __table_args__ = {"sqlite_with_rowid": False}

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)


class SurveyAnswer(Base):
    """One anonymous answer: marks of 1 to 5, a comment. Identity: a random key, in whose order rows are stored."""

    __tablename__ = "survey_answer"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), index=True)
    content: Mapped[int]
    teacher: Mapped[int]
    organisation: Mapped[int]
    usefulness: Mapped[int]
    comment: Mapped[str | None] = mapped_column(String(300))


class EventFile(Base):
    """A photo or teaching material of an event, stored as evidence. Identity: (event, file)."""

    __tablename__ = "event_file"
    __table_args__ = (one_of("kind", FileKind),)

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("evidence.sha256"), primary_key=True)
    kind: Mapped[FileKind] = mapped_column(String(10))
    caption: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column("at", default=now)
