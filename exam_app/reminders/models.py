"""Tables of the reminders: reminders, delivery channels, deliveries."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base, now, one_of

ReminderKind = Literal["induction", "hours", "exam", "event", "changed", "check"]
DeliveryState = Literal["sending", "sent", "failed"]
KINDS: dict[ReminderKind, str] = {
    "induction": "初任培训",
    "hours": "年度学时",
    "exam": "考试",
    "event": "集中培训",
    "changed": "培训有变化",
    "check": "入职查询",
}
WAYS = {"webhook": "企业微信、钉钉群机器人", "smtp": "电子邮件", "csv": "短信平台（导出名单）"}


class Reminder(Base):
    """One reminder for one person. Identity: `key`, which names the occasion, so that it is created once.

    `until`: last day on which it is relevant; `seen_at`: when the person saw it in the app.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        Index("ix_reminder_person_seen", "person_id", "seen_at"),
        one_of("kind", ReminderKind),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[ReminderKind] = mapped_column(String(12))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    text: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(String(100))
    until: Mapped[date]
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)
    seen_at: Mapped[datetime | None]


class Channel(Base):
    """A delivery channel that an office has set up. Identity: `id`.

    `target`: URL of a group robot; `secret`: its signing key; `quiet_from`, `quiet_to`: full hours between which
    nothing is sent.
    """

    __tablename__ = "reminder_channel"

    id: Mapped[int] = mapped_column(primary_key=True)
    division_code: Mapped[str] = mapped_column(ForeignKey("division.code"), index=True)
    way: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(40))
    target: Mapped[str | None] = mapped_column(String(300))
    secret: Mapped[str | None] = mapped_column(String(100))
    quiet_from: Mapped[int] = mapped_column(default=21)
    quiet_to: Mapped[int] = mapped_column(default=8)
    enabled: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[str] = mapped_column("by", String(40))
    created_at: Mapped[datetime] = mapped_column("made_at", default=now)


class Delivery(Base):
    """The delivery of a reminder through a channel. Inserted before sending, so that nothing is sent twice.

    `state`: sending, sent, failed. Identity: (reminder, channel).
    """

    __tablename__ = "reminder_delivery"
    __table_args__ = (one_of("state", DeliveryState),)

    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("reminder_channel.id"), primary_key=True)
    state: Mapped[DeliveryState] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column("at", index=True)
    detail: Mapped[str | None] = mapped_column(String(200))
