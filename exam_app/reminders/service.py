"""The verbs of the reminders: note what is due, send it by an office's ways, once; lists; settings."""

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

log = structlog.get_logger()
PART, AT_ONCE = 500, 200


def note_due(make_session: sessionmaker[Session], config: Config, moment: datetime) -> int:
    """Notes what is to be told now and was not yet; how many are new."""
    with make_session() as session:
        read_only(session)
        found = list(due_on(session, moment, config.zone))
        known: set[str] = set()
        keys = [d.key for d in found]
        for start in range(0, len(keys), PART):
            query = select(Reminder.key).where(Reminder.key.in_(keys[start : start + PART]))
            known.update(session.scalars(query))
        session.rollback()
    fresh = [d for d in found if d.key not in known]
    new = 0
    for start in range(0, len(fresh), PART):
        with make_session() as session:
            rows = [{**d._asdict(), "created_at": moment} for d in fresh[start : start + PART]]
            insert = insert_into(session, Reminder).values(rows).on_conflict_do_nothing()
            new += len(session.scalars(insert.returning(Reminder.id)).all())
            session.commit()
    return new


def send_due(make_session: sessionmaker[Session], config: Config, moment: datetime) -> int:
    """Sends by every way that is not quiet now what it has not sent; how many reminders went out. A process that dies
    in the midst leaves them as 'sending': they are not sent again."""
    with make_session() as session:
        read_only(session)
        channels = session.scalars(
            select(Channel).where(Channel.enabled, Channel.way != "csv").order_by(Channel.id)
        ).all()
    sent = 0
    for channel in channels:
        if not is_quiet(moment, config.zone, channel.quiet_from, channel.quiet_to):
            sent += _send(make_session, config, channel, moment)
    return sent


def _waiting(channel: Channel, moment: datetime, config: Config) -> Select[Reminder, Person]:
    """Reminders that a way has still to send: of its division, made since it was set up, not over."""
    gone = (
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
            ~gone,
        )
        .order_by(Reminder.id)
    )
    if channel.way == "smtp":
        query = query.where(Person.email.is_not(None), Person.email != "")
    return query


def _take(
    session: Session, channel: Channel, moment: datetime, config: Config, limit: int
) -> list[tuple[Reminder, Person]]:
    """Takes reminders for a way, so that no other process sends them too."""
    rows = [(r, p) for r, p in session.execute(_waiting(channel, moment, config).limit(limit))]
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
    mine = set(session.scalars(insert.returning(Delivery.reminder_id)))
    return [(r, p) for r, p in rows if r.id in mine]


def _send(
    make_session: sessionmaker[Session], config: Config, channel: Channel, moment: datetime
) -> int:
    with make_session() as session:
        mine = _take(session, channel, moment, config, AT_ONCE)
        names = division_names(session, codes={r.division_code for r, _ in mine})
        session.commit()
    if not mine:
        return 0
    try:
        if channel.way == "smtp":
            return _mail(make_session, config, channel, mine)
        lines = [f"{names.get(r.division_code, '')} {mask_name(p.name)}:{r.text}" for r, p in mine]
        text = digest(lines[:MAX_LINES], max(len(lines) - MAX_LINES, 0), config.public_url)
        fault = post(channel.target or "", channel.secret, text, config)
    except (RecordsError, smtplib.SMTPException, OSError) as error:
        fault = str(error)[:200] or type(error).__name__
    _note(make_session, channel, [r.id for r, _ in mine], fault)
    if fault:
        log.error("reminders", channel=channel.id, fault=fault[:80])
    return 0 if fault else len(mine)


def _mail(
    make_session: sessionmaker[Session],
    config: Config,
    channel: Channel,
    mine: Sequence[tuple[Reminder, Person]],
) -> int:
    mail, sent = Mail(config), 0
    try:
        for reminder, person in mine:
            text = f"{person.name},您好:\n\n{reminder.text}\n\n{config.public_url}{reminder.path}"
            try:
                mail.send(person.email or "", "儿童主任学堂提醒", text)
            except (smtplib.SMTPException, OSError) as error:
                _note(make_session, channel, [reminder.id], type(error).__name__)
            else:
                _note(make_session, channel, [reminder.id], None)
                sent += 1
    finally:
        mail.close()
    return sent


def _note(
    make_session: sessionmaker[Session], channel: Channel, ids: Sequence[int], fault: str | None
) -> None:
    with make_session() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.channel_id == channel.id, Delivery.reminder_id.in_(ids))
            .values(state="failed" if fault else "sent", detail=fault and fault[:200])
        )
        session.commit()


def export_list(
    session: Session, channel: Channel, moment: datetime, config: Config
) -> tuple[bytes, int]:
    """Phone numbers and texts for the county's SMS platform as CSV (UTF-8 with a mark, so that Excel reads it):
    the file and how many; each reminder is in one file only."""
    mine = _take(session, channel, moment, config, 100_000)
    for start in range(0, len(mine), PART):
        ids = [r.id for r, _ in mine[start : start + PART]]
        session.execute(
            update(Delivery)
            .where(Delivery.channel_id == channel.id, Delivery.reminder_id.in_(ids))
            .values(state="sent", detail="导出名单")
        )
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["手机号", "姓名", "内容"])
    for reminder, person in mine:
        # A name that a spreadsheet would take for a formula is made a text.
        name = f"'{person.name}" if person.name[:1] in "=+-@\t\r" else person.name
        writer.writerow([person.phone, name, reminder.text])
    return b"\xef\xbb\xbf" + out.getvalue().encode(), len(mine)


def add_channel(
    session: Session, division_code: str, by: str, config: Config, **values: Any
) -> Channel:
    """A new way out. `Refused` when it can't work."""
    if values["way"] not in WAYS:
        raise Refused("请选一种发送方式")
    if not values["name"].strip():
        raise Refused("请起个名字,例如“平度儿童福利群”")
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
    """Lets what surely did not go out be sent again; how many."""
    query = delete(Delivery).where(Delivery.channel_id == channel.id, Delivery.state == "failed")
    return len(session.scalars(query.returning(Delivery.reminder_id)).all())


def channels_in(session: Session, prefix: str) -> list[Channel]:
    """The ways of offices in a division."""
    query = select(Channel).where(within(Channel.division_code, prefix))
    return list(session.scalars(query.order_by(Channel.id)))


def get_channel(session: Session, channel_id: int, prefix: str) -> Channel:
    """A way of an office in the scope, or NotFound."""
    return get_within(session, Channel, channel_id, prefix, "这种发送方式")


def waiting_count(session: Session, channel: Channel, moment: datetime, config: Config) -> int:
    """How many reminders a way has still to send."""
    query = _waiting(channel, moment, config).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(query)) or 0


def unseen(session: Session, person_id: int, moment: datetime, config: Config) -> list[Reminder]:
    """What a person has not seen yet and still matters, newest first."""
    query = select(Reminder).where(
        Reminder.person_id == person_id,
        Reminder.seen_at.is_(None),
        Reminder.until >= moment.astimezone(config.zone).date(),
    )
    return list(session.scalars(query.order_by(Reminder.id.desc()).limit(5)))


def see(session: Session, person_id: int) -> None:
    """Notes that a person has seen all of theirs."""
    session.execute(
        update(Reminder)
        .where(Reminder.person_id == person_id, Reminder.seen_at.is_(None))
        .values(seen_at=now())
    )


def counts_by_kind(session: Session, prefix: str, today: date) -> Sequence[Row[str, int, int]]:
    """The reminders in a division that still hold: kind, how many, how many of them were seen."""
    return session.execute(
        select(Reminder.kind, func.count(), func.count(Reminder.seen_at))
        .where(within(Reminder.division_code, prefix), Reminder.until >= today)
        .group_by(Reminder.kind)
    ).all()


def latest(
    session: Session, prefix: str, limit: int = 100
) -> list[tuple[Delivery, Reminder, Person, Channel]]:
    """The log: what was sent last in a division."""
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
