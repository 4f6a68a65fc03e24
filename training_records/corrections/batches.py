"""Writing a checked import in bulk, and undoing it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from training_records.archive.models import ArchiveEntry
from training_records.coverage.models import PendingUpdate
from training_records.database import Base, JsonValue, now, store
from training_records.errors import Refused
from training_records.ledger.identity import Sealing, keep
from training_records.ledger.importer import KINDS, Checked, ImportReport, check_ledger
from training_records.ledger.models import ImportBatch, LedgerChange, Person, Post
from training_records.ledger.planning import Change, Part
from training_records.ledger.service import leave, plain

_APPOINTED = '{"person": [null, %d], "post": [null, %d]}'
_MEANWHILE = "台账刚才被别人改过，这次没有写入。请重新选择文件再检查一次"
_CHANGE = ("person_id", "post_id", "kind", "fields", "by", "at", "batch_id")


def apply_checked(
    session: Session,
    checked: Checked,
    *,
    name: str,
    division_code: str,
    by: str,
    today: date,
    accept_good: bool = False,
    kinds: Sequence[str] = KINDS,
    left: Sequence[int] = (),
) -> ImportReport:
    """Writes a checked import: all of it or, with `accept_good`, the rows without faults. `kinds`: only the new or only
    the changed rows. `left`: posts (from the report) to end as of yesterday. Without `accept_good`, writes nothing
    while there are faults. The caller commits."""
    report = checked.report
    if report.errors and not accept_good:
        return report
    departures = [departure for departure in report.left if departure.post_id in set(left)]
    batch = ImportBatch(
        division_code=division_code,
        name=name[:100],
        created_by=by,
        new=0,
        changed=0,
        left=len(departures),
    )
    session.add(batch)
    session.flush()
    for part in checked.parts():
        if "new" not in kinds:
            others = [c for c in part.others if c.person_id is not None]
            part = part._replace(people=[], posts=[], others=others)
        if "changed" not in kinds:
            part = part._replace(others=[c for c in part.others if c.person_id is None])
        write_part(session, part, batch.id, by=by)
        batch.new += len(part.people)
        batch.changed += len(part.others)
    for departure in departures:
        post = session.get(Post, departure.post_id)
        if post is not None:
            end = max(post.start, today - timedelta(days=1))
            leave(
                session, post, end, by=by, reason=f"不在导入的表里：{name[:60]}", batch_id=batch.id
            )
    keep(session, checked.identities)
    note_batch(session, batch.id)
    report.applied, report.batch = True, batch.id
    session.flush()
    return report


def import_ledger(
    session: Session,
    data: bytes,
    *,
    prefix: str,
    today: date,
    digest_key: bytes,
    dry_run: bool = False,
    accept_good: bool = False,
    name: str = "",
    by: str = "cli",
    mapping: Mapping[str, str] | None = None,
    sealed: Sealing | None = None,
) -> ImportReport:
    """Checks and writes in one call. Writes nothing if any row has a fault, unless `accept_good`; a dry run returns the
    same report. The caller commits. Raises `Refused` if the file as a whole can't be used."""
    checked = check_ledger(
        session,
        data,
        prefix=prefix,
        today=today,
        digest_key=digest_key,
        mapping=mapping,
        sealed=sealed,
    )
    if dry_run:
        return checked.report
    return apply_checked(
        session,
        checked,
        name=name,
        division_code=prefix.ljust(12, "0"),
        by=by,
        today=today,
        accept_good=accept_good,
    )


def write_part(session: Session, part: Part, batch_id: int, *, by: str) -> None:
    """Inserts new people and posts in bulk and applies the changes to existing ones one by one. Each gets a line in the
    history."""
    further_posts = [c for c in part.others if c.post_id is None]
    ids = new_ids(session, Person, len(part.people))
    posts = new_ids(session, Post, len(part.posts) + len(further_posts))
    at = now()
    provenance = (by, at, batch_id)
    _write_new(session, part, at, ids=ids, posts=posts)
    lines = [
        (owner, post, "appointed", _APPOINTED % (owner, post), *provenance)
        for owner, post in zip(ids, posts, strict=False)
    ]

    owners = _owners(session, part, ids, further_posts=further_posts)
    for change, post in zip(further_posts, posts[len(ids) :], strict=True):
        owner = change.person_id or owners.get(change.phone)
        if owner is None:
            raise Refused(_MEANWHILE)
        known = change.person_id is not None
        fields = _apply_fields(session, Person, owner, change=change) if known else {}
        session.add(Post(id=post, person_id=owner, **change.post))
        lines.append(
            (owner, post, "appointed", _text({"post": [None, post], **fields}), *provenance)
        )
    for change in part.others:
        if change.post_id is not None and change.person_id is not None:
            fields = _apply_fields(session, Person, change.person_id, change=change)
            fields |= _apply_fields(session, Post, change.post_id, change=change)
            lines.append((change.person_id, change.post_id, "changed", _text(fields), *provenance))
    session.flush()
    store(session.connection(), LedgerChange, _CHANGE, rows=lines)


def _write_new(
    session: Session, part: Part, at: datetime, *, ids: Sequence[int], posts: Sequence[int]
) -> None:
    people = ((owner, at, *row) for owner, row in zip(ids, part.people, strict=True))
    names = ("id", "created_at", *part.person_fields)
    store(session.connection(), Person, names, rows=people)
    rows = ((n, o, *row) for n, o, row in zip(posts, ids, part.posts, strict=False))
    store(session.connection(), Post, ("id", "person_id", *part.post_fields), rows=rows)


def _owners(
    session: Session, part: Part, ids: Sequence[int], *, further_posts: Sequence[Change]
) -> dict[str, int]:
    """Phone to id, for the people new in this part and for those new in an earlier part who have a second post in this
    one."""
    at = part.person_fields.index("phone") if part.people else 0
    owners = dict(zip((str(row[at]) for row in part.people), ids, strict=True))
    wanted = (c.phone for c in further_posts if c.person_id is None)
    if missing := [phone for phone in wanted if phone not in owners]:
        query = select(Person.phone, Person.id).where(Person.phone.in_(missing))
        owners.update(dict(session.execute(query).all()))
    return owners


def _text(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False)


def note_batch(session: Session, batch_id: int) -> None:
    """Queues the people an import touched for the running figures of coverage."""
    people = select(LedgerChange.person_id).distinct().where(LedgerChange.batch_id == batch_id)
    session.execute(insert(PendingUpdate).from_select(["person_id"], people))


def new_ids(session: Session, table: type[Base], count: int) -> list[int]:
    """Returns ids never used before, for rows inserted in bulk."""
    if count == 0:
        return []
    name = table.__tablename__
    if session.get_bind().dialect.name == "postgresql":
        series = func.generate_series(1, count).table_valued("n")
        next_id = func.nextval(func.pg_get_serial_sequence(name, "id"))
        return list(session.scalars(select(next_id).select_from(series)))
    # SQLite reuses the id of a deleted row; the history may still refer to it.
    column = LedgerChange.person_id if table is Person else LedgerChange.post_id
    highest = max(
        session.scalar(select(func.max(table.__table__.c.id))) or 0,
        session.scalar(select(func.max(column))) or 0,
    )
    return list(range(highest + 1, highest + 1 + count))


def _apply_fields(
    session: Session, table: type[Person] | type[Post], row_id: int, *, change: Change
) -> dict[str, list[JsonValue]]:
    """Applies the differing fields to a person or post. Returns them for the history: field to [before, after]."""
    prefix, values = ("post.", change.post) if table is Post else ("", change.person)
    if not values:
        return {}
    row, before = session.get(table, row_id), change.before or {}
    if row is None or any(getattr(row, f) != before.get(prefix + f) for f in values):
        raise Refused(_MEANWHILE)
    for name, value in values.items():
        setattr(row, name, value)
    return {prefix + f: [plain(before.get(prefix + f)), plain(v)] for f, v in values.items()}


@dataclass
class Undone:
    """The result of an undo: rows removed and restored, and what was kept, with reasons."""

    removed: int = 0
    restored: int = 0
    kept: list[tuple[int, str]] = field(default_factory=list)


def undo_batch(session: Session, batch: ImportBatch, by: str) -> Undone:
    """Undoes a whole import, the last change first. What later records build upon is kept and reported."""
    if batch.undone_at is not None:
        raise Refused("这次导入已经撤销过了")
    undone = Undone()
    lines = session.scalars(
        select(LedgerChange)
        .where(LedgerChange.batch_id == batch.id)
        .order_by(LedgerChange.id.desc())
    ).all()
    for line in lines:
        if "post" in line.fields:
            _remove(session, line, undone, by=by)
        else:
            _restore(session, line, undone, by=by)
    batch.undone_at, batch.undone_by = now(), by
    session.flush()
    return undone


def _remove(session: Session, line: LedgerChange, undone: Undone, *, by: str) -> None:
    post = session.get(Post, line.post_id)
    if post is None:
        return
    archived = session.scalar(
        select(ArchiveEntry.id).where(ArchiveEntry.person_id == line.person_id).limit(1)
    )
    other_post = session.scalar(
        select(Post.id).where(Post.person_id == line.person_id, Post.id != post.id).limit(1)
    )
    if archived and not other_post:
        undone.kept.append((line.person_id, "已经有培训记录，人和任职都留下"))
        return
    session.delete(post)
    session.flush()
    fields: dict[str, list[JsonValue]] = {"post": [post.id, None]}
    if "person" in line.fields and not other_post:
        person = session.get(Person, line.person_id)
        try:
            with session.begin_nested():
                if person is not None:
                    session.delete(person)
                    session.flush()
            fields["person"] = [line.person_id, None]
        except IntegrityError:
            undone.kept.append((line.person_id, "已经有账号或考试，人留下，任职撤销了"))
    _note(session, line, fields, by=by)
    undone.removed += 1
    _restore_fields(session, line, undone)


def _restore(session: Session, line: LedgerChange, undone: Undone, *, by: str) -> None:
    fields = _restore_fields(session, line, undone)
    if fields:
        _note(session, line, fields, by=by)
        undone.restored += 1


def _restore_fields(
    session: Session, line: LedgerChange, undone: Undone
) -> dict[str, list[JsonValue]]:
    """Restores the fields that still hold the imported value."""
    restored: dict[str, list[JsonValue]] = {}
    for name, (before, after) in line.fields.items():
        if name in ("post", "person"):
            continue
        of_post = name.startswith("post.")
        row = session.get(Post, line.post_id) if of_post else session.get(Person, line.person_id)
        column = name.removeprefix("post.")
        if row is None:
            continue
        if plain(getattr(row, column)) != after:
            undone.kept.append((line.person_id, "导入以后又改过，保留后来的"))
            continue
        setattr(row, column, _typed(row, column, before))
        restored[name] = [after, before]
    return restored


def _typed(row: Person | Post, column: str, value: JsonValue) -> object:
    kind = row.__table__.columns[column].type.python_type
    return date.fromisoformat(value) if isinstance(value, str) and kind is date else value


def _note(
    session: Session, line: LedgerChange, fields: dict[str, list[JsonValue]], *, by: str
) -> None:
    session.add(
        LedgerChange(
            person_id=line.person_id,
            post_id=line.post_id,
            kind="removed",
            fields=fields,
            reason="撤销整次导入",
            created_by=by,
            batch_id=line.batch_id,
        )
    )
