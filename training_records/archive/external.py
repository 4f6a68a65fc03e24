"""Training outside the system, recorded for many people at once from an attendance sheet."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from training_records.archive.forms import TRAINING_FORMS
from training_records.archive.models import ArchiveEntry, EntryKind, effective
from training_records.archive.service import NewEntry, append_many
from training_records.choices import choice
from training_records.database import JsonValue
from training_records.errors import Refused
from training_records.facts.levels import LEVELS, level_key
from training_records.ledger import values
from training_records.ledger.models import Person, Post
from training_records.ledger.service import ids_in, in_post_on

FORMS = tuple(TRAINING_FORMS.values())
OUTSIDE: tuple[EntryKind, ...] = ("training", "external", "award")
MAX_PEOPLE, PART = 2000, 500


@dataclass(frozen=True)
class Training:
    """The values recorded for everyone: kind, title, day, level, form, organiser, credit hours, evidence (hashes of
    files), who checked the sheet, and the certificate's number (external certificates)."""

    kind: str
    title: str
    date: date
    level: str | None
    form: str | None
    organiser: str
    hours: Decimal | None
    confirmed_by: str
    files: tuple[str, ...] = ()
    certificate_no: str | None = None


@dataclass
class ExternalAttendance:
    """People matched to the lines of a sheet, each once as (person, name, phone), and the lines that match nobody or
    several people, with the reason."""

    found: list[tuple[int, str, str]] = field(default_factory=list)
    unclear: list[tuple[str, str]] = field(default_factory=list)


def _kind_of(training: Training) -> EntryKind:
    return choice(OUTSIDE, training.kind, "类别只能是集中培训、外部证书或表彰")


def check(training: Training, today: date) -> None:
    """Raises `Refused` if a value is missing or invalid."""
    _kind_of(training)
    if not training.title.strip() or not training.organiser.strip():
        raise Refused("请填名称和主办单位")
    if training.date > today:
        raise Refused("日期不能晚于今天，请核对")
    if level_key(training.level or "") not in LEVELS:
        raise Refused(f"请选层级：{'、'.join(LEVELS.values())}")
    if training.kind == "training" and not training.hours:
        raise Refused("请填学时（45 分钟为 1 学时）")
    if training.hours is not None and not 0 < training.hours <= 100:
        raise Refused("学时要在 0 到 100 之间")
    if not training.confirmed_by.strip():
        raise Refused("请填核对签到表的人")


def read_attendance(session: Session, text: str, prefix: str, *, on: date) -> ExternalAttendance:
    """Matches each line to a person of the division, by phone or else by name. A name shared by several people needs
    the phone, unless just one of them is in post."""
    result, seen = ExternalAttendance(), set[int]()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_PEOPLE:
        raise Refused(f"一次最多 {MAX_PEOPLE} 人，这次有 {len(lines)} 行。请分几次记")
    wanted = [_wanted(line) for line in lines]
    by_phone = _people(
        session, Person.phone, [phone for phone, _ in wanted if phone], prefix=prefix
    )
    by_name = _people(
        session, Person.name, [name for phone, name in wanted if not phone], prefix=prefix
    )
    _only_in_post(session, by_name, on)
    for line, (phone, name) in zip(lines, wanted, strict=True):
        people = by_phone[phone] if phone else by_name[name]
        if len(people) != 1:
            reason = "台账里没有这个人" if not people else f"有 {len(people)} 人同名，请写手机号"
            result.unclear.append((line, reason))
        elif people[0][0] not in seen:
            seen.add(people[0][0])
            result.found.append(people[0])
    return result


_BETWEEN = re.compile(r"[\s,\uff0c、;\uff1b]")
_Matches = defaultdict[str, list[tuple[int, str, str]]]


def _wanted(line: str) -> tuple[str, str]:
    """Returns the phone number in a line, or "", and its first word."""
    text = values.text(line)
    phone = re.search(r"1[3-9][0-9]{9}", re.sub(r"[\s-]", "", text))
    return (phone[0] if phone else ""), _BETWEEN.split(text)[0]


def _people(
    session: Session, column: InstrumentedAttribute[str], keys: Sequence[str], *, prefix: str
) -> _Matches:
    matches: _Matches = defaultdict(list)
    query = select(Person.id, Person.name, Person.phone).where(Person.id.in_(ids_in(prefix)))
    distinct = list(dict.fromkeys(keys))
    for start in range(0, len(distinct), PART):
        for row in session.execute(query.where(column.in_(distinct[start : start + PART]))):
            matches[getattr(row, column.key)].append((row.id, row.name, row.phone))
    return matches


def _only_in_post(session: Session, matches: _Matches, on: date) -> None:
    """Narrows people of the same name to those in post, if any is."""
    namesakes = [person[0] for people in matches.values() if len(people) > 1 for person in people]
    held = select(Post.person_id).where(in_post_on(on), Post.person_id.in_(namesakes))
    ids = set(session.scalars(held))
    for name, people in matches.items():
        if len(people) > 1:
            matches[name] = [p for p in people if p[0] in ids] or people


def record(
    session: Session, training: Training, people: Sequence[int], *, by: str
) -> tuple[int, int]:
    """Files a training for people. Returns (filed, skipped because they already have the same kind, title and day)."""
    already = set(
        session.scalars(
            select(ArchiveEntry.person_id).where(
                ArchiveEntry.person_id.in_(list(people)),
                ArchiveEntry.kind == training.kind,
                ArchiveEntry.title == training.title,
                ArchiveEntry.date == training.date,
                effective(),
            )
        )
    )
    evidence: dict[str, JsonValue] = {"confirmed_by": training.confirmed_by.strip()[:40]}
    if training.files:
        evidence["files"] = list(training.files)
    entries = [
        NewEntry(
            person,
            _kind_of(training),
            training.date,
            training.title.strip()[:100],
            level=training.level,
            form=training.form,
            organiser=training.organiser.strip()[:60],
            hours=training.hours,
            certificate_no=training.certificate_no,
            evidence=evidence,
        )
        for person in dict.fromkeys(people)
        if person not in already
    ]
    append_many(session, entries, by)
    return len(entries), len(already)
