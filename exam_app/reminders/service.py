"""Reminders: create those that are due, deliver each once per channel, export lists, manage channels."""

from __future__ import annotations

import csv
import io
import smtplib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import Row, Select, delete, func, select, update
from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config
from exam_app.reminders.models import WAYS, Channel, Delivery, Reminder
from exam_app.reminders.rules import due_on, is_quiet
from exam_app.reminders.sending import MAX_LINES, Mail, check_target, digest, post
from training_records.certificates.service import mask_name
from training_records.database import insert_into, now, read_only
from training_records.divisions import division_names, get_within, prefix_of, within
from training_records.errors import RecordsError, Refused
from training_records.ledger.models import Person
from training_records.xlsx import csv_cell

log = structlog.get_logger()
PART, AT_ONCE = 500, 200


def note_due(make_session: sessionmaker[Session], config: Config, moment: datetime) -> int:
    """Creates the reminders that are due and don't exist yet. Returns their number."""
    with make_session() as session:
        read_only(session)
        due = list(due_on(session, moment, config.zone))
        existing: set[str] = set()
        keys = [d.key for d in due]
        for start in range(0, len(keys), PART):
            query = select(Reminder.key).where(Reminder.key.in_(keys[start : start + PART]))
            existing.update(session.scalars(query))
        session.rollback()
    fresh = [d for d in due if d.key not in existing]
    new = 0
    for start in range(0, len(fresh), PART):
        with make_session() as session:
            rows = [{**d._asdict(), "created_at": moment} for d in fresh[start : start + PART]]
            insert = insert_into(session, Reminder).values(rows).on_conflict_do_nothing()
            new += len(session.scalars(insert.returning(Reminder.id)).all())
            session.commit()
    return new


def send_due(make_session: sessionmaker[Session], config: Config, moment: datetime) -> int:
    """Delivers pending reminders through every channel outside its quiet hours. Returns the number sent. At-most-once:
    deliveries interrupted by a crash stay 'sending' and are not retried."""
    with make_session() as session:
        read_only(session)
        channels = session.scalars(
            select(Channel).where(Channel.enabled, Channel.way != "csv").order_by(Channel.id)
        ).all()
    sent = 0
    for channel in channels:
        if not is_quiet(moment, config.zone, channel.quiet_from, quiet_to=channel.quiet_to):
            sent += _send(make_session, config, channel, moment=moment)
    return sent


def _pending(channel: Channel, moment: datetime, config: Config) -> Select[Reminder, Person]:
    """Selects the pending reminders of a channel: of its division, created since it was set up, not expired."""
    delivered = (
        select(Delivery.reminder_id)
        .where(Delivery.reminder_id == Reminder.id, Delivery.channel_id == channel.id)
        .exists()
    )
    query = (
        select(Reminder, Person)
        .join(Person, Person.id == Reminder.person_id)
        .where(
            within(Reminder.division_code, prefix_of(channel.division_code)),
            Reminder.created_at >= channel.created_at,
            Reminder.until >= moment.astimezone(config.zone).date(),
            ~delivered,
        )
        .order_by(Reminder.id)
    )
    if channel.way == "smtp":
        query = query.where(Person.email.is_not(None), Person.email != "")
    return query


def _take(
    session: Session, channel: Channel, moment: datetime, *, config: Config, limit: int
) -> list[tuple[Reminder, Person]]:
    """Claims pending reminders for a channel by inserting deliveries, so that no other process sends them."""
    rows = [(r, p) for r, p in session.execute(_pending(channel, moment, config).limit(limit))]
    if not rows:
        return []
    insert = (
        insert_into(session, Delivery)
        .values(
            [
                {
                    "reminder_id": r.id,
                    "channel_id": channel.id,
                    "state": "sending",
                    "created_at": moment,
                }
                for r, _ in rows
            ]
        )
        .on_conflict_do_nothing()
    )
    claimed = set(session.scalars(insert.returning(Delivery.reminder_id)))
    return [(r, p) for r, p in rows if r.id in claimed]


def _send(
    make_session: sessionmaker[Session], config: Config, channel: Channel, *, moment: datetime
) -> int:
    with make_session() as session:
        claimed = _take(session, channel, moment, config=config, limit=AT_ONCE)
        names = division_names(session, codes={r.division_code for r, _ in claimed})
        session.commit()
    if not claimed:
        return 0
    try:
        if channel.way == "smtp":
            return _mail(make_session, config, channel, claimed=claimed)
        lines = [
            f"{names.get(r.division_code, '')} {mask_name(p.name)}：{r.text}" for r, p in claimed
        ]
        text = digest(lines[:MAX_LINES], max(len(lines) - MAX_LINES, 0), config.public_url)
        fault = post(channel.target or "", channel.secret, text, config=config)
    except (RecordsError, smtplib.SMTPException, OSError) as error:
        fault = str(error)[:200] or type(error).__name__
    _note(make_session, channel, [r.id for r, _ in claimed], fault=fault)
    if fault:
        log.error("reminders", channel=channel.id, fault=fault[:80])
    return 0 if fault else len(claimed)


def _mail(
    make_session: sessionmaker[Session],
    config: Config,
    channel: Channel,
    *,
    claimed: Sequence[tuple[Reminder, Person]],
) -> int:
    mail, sent = Mail(config), 0
    try:
        for reminder, person in claimed:
            text = f"{person.name}，您好：\n\n{reminder.text}\n\n{config.public_url}{reminder.path}"
            try:
                mail.send(person.email or "", "儿童主任学堂提醒", text)
            except (smtplib.SMTPException, OSError) as error:
                _note(make_session, channel, [reminder.id], fault=type(error).__name__)
            else:
                _note(make_session, channel, [reminder.id], fault=None)
                sent += 1
    finally:
        mail.close()
    return sent


def _note(
    make_session: sessionmaker[Session], channel: Channel, ids: Sequence[int], *, fault: str | None
) -> None:
    with make_session() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.channel_id == channel.id, Delivery.reminder_id.in_(ids))
            .values(state="failed" if fault else "sent", detail=fault and fault[:200])
        )
        session.commit()


def export_list(
    session: Session, channel: Channel, moment: datetime, *, config: Config
) -> tuple[bytes, int]:
    """Exports pending reminders for the county's SMS platform as CSV (UTF-8 with BOM, for Excel). Returns the file and
    the number of rows. Each reminder is exported once."""
    claimed = _take(session, channel, moment, config=config, limit=100_000)
    for start in range(0, len(claimed), PART):
        ids = [r.id for r, _ in claimed[start : start + PART]]
        session.execute(
            update(Delivery)
            .where(Delivery.channel_id == channel.id, Delivery.reminder_id.in_(ids))
            .values(state="sent", detail="导出名单")
        )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["手机号", "姓名", "内容"])
    for reminder, person in claimed:
        writer.writerow([person.phone, csv_cell(person.name), csv_cell(reminder.text)])
    return b"\xef\xbb\xbf" + out.getvalue().encode(), len(claimed)


def add_channel(
    session: Session, division_code: str, by: str, *, config: Config, **values: Any
) -> Channel:
    """Adds a channel. Raises `Refused` for invalid settings, and `OSError` if the mail server can't be reached."""
    if values["way"] not in WAYS:
        raise Refused("请选一种发送方式")
    if not values["name"].strip():
        raise Refused("请起个名字，例如“平度儿童福利群”")
    if not (0 <= values["quiet_from"] <= 23 and 0 <= values["quiet_to"] <= 23):
        raise Refused("免打扰时间填 0 到 23 点")
    if values["way"] == "webhook":
        check_target(values.get("target") or "", config)
    else:
        values["target"] = values["secret"] = None
    if values["way"] == "smtp":
        Mail(config).close()
    channel = Channel(division_code=division_code, created_by=by, **values)
    session.add(channel)
    session.flush()
    return channel


def forget_failed(session: Session, channel: Channel) -> int:
    """Deletes failed deliveries, so that they are retried. Returns their number."""
    query = delete(Delivery).where(Delivery.channel_id == channel.id, Delivery.state == "failed")
    return len(session.scalars(query.returning(Delivery.reminder_id)).all())


def channels_in(session: Session, prefix: str) -> list[Channel]:
    """Returns the channels of offices in a division."""
    query = select(Channel).where(within(Channel.division_code, prefix))
    return list(session.scalars(query.order_by(Channel.id)))


def get_channel(session: Session, channel_id: int, prefix: str) -> Channel:
    """Returns a channel of an office in the scope. Raises `NotFound` otherwise."""
    return get_within(session, Channel, channel_id, prefix=prefix, what="这种发送方式")


def waiting_count(session: Session, channel: Channel, moment: datetime, *, config: Config) -> int:
    """Returns the number of pending reminders of a channel."""
    query = _pending(channel, moment, config).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(query)) or 0


def unseen(session: Session, person_id: int, moment: datetime, *, config: Config) -> list[Reminder]:
    """Returns a person's latest unseen, unexpired reminders (at most five), newest first."""
    query = select(Reminder).where(
        Reminder.person_id == person_id,
        Reminder.seen_at.is_(None),
        Reminder.until >= moment.astimezone(config.zone).date(),
    )
    return list(session.scalars(query.order_by(Reminder.id.desc()).limit(5)))


def see(session: Session, person_id: int) -> None:
    """Marks all reminders of a person as seen."""
    session.execute(
        update(Reminder)
        .where(Reminder.person_id == person_id, Reminder.seen_at.is_(None))
        .values(seen_at=now())
    )


def counts_by_kind(session: Session, prefix: str, today: date) -> Sequence[Row[str, int, int]]:
    """Counts the unexpired reminders in a division: (kind, total, seen)."""
    return session.execute(
        select(Reminder.kind, func.count(), func.count(Reminder.seen_at))
        .where(within(Reminder.division_code, prefix), Reminder.until >= today)
        .group_by(Reminder.kind)
    ).all()


def latest(
    session: Session, prefix: str, limit: int = 100
) -> list[tuple[Delivery, Reminder, Person, Channel]]:
    """Returns the latest deliveries in a division."""
    query = (
        select(Delivery, Reminder, Person, Channel)
        .join(Reminder, Reminder.id == Delivery.reminder_id)
        .join(Person, Person.id == Reminder.person_id)
        .join(Channel, Channel.id == Delivery.channel_id)
        .where(within(Reminder.division_code, prefix))
        .order_by(Delivery.created_at.desc(), Delivery.reminder_id.desc())
        .limit(limit)
    )
    return [(d, r, p, c) for d, r, p, c in session.execute(query)]
