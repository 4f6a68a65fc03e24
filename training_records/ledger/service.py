"""Operations on the ledger. Each change is recorded in the history: who, when, why, from what to what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import cast

from sqlalchemy import ColumnElement, Row, Select, Subquery, func, or_, select
from sqlalchemy.orm import Session

from question_bank.clean import clean_phone, clean_search
from training_records.database import JsonValue
from training_records.divisions import Division, DivisionLevel, get_within, within
from training_records.errors import NotFound, Refused
from training_records.ledger.models import ChangeKind, LedgerChange, Person, Post, PostRole


def in_post_on(on: date, post: type[Post] = Post) -> ColumnElement[bool]:
    """SQL: the post is held on this day."""
    return (post.start <= on) & or_(post.end.is_(None), post.end >= on)


def people_in(prefix: str) -> Select[Person]:
    """People who hold or held a post in the division with this prefix."""
    return select(Person).where(
        select(Post.id)
        .where(Post.person_id == Person.id, within(Post.division_code, prefix))
        .exists()
    )


def ids_in(prefix: str) -> Select[int]:
    """Ids of the people who hold or held a post in the division with this prefix."""
    return select(Post.person_id).where(within(Post.division_code, prefix))


def places_in(prefix: str) -> Subquery:
    """(person_id, code): one division within the prefix where each person holds or held a post."""
    code = func.max(Post.division_code).label("code")
    query = select(Post.person_id, code).where(within(Post.division_code, prefix))
    return query.group_by(Post.person_id).subquery()


def get_person(session: Session, person_id: int, prefix: str) -> Person:
    """The person, if within the scope. Raises NotFound otherwise, whether or not they exist."""
    person = session.scalar(people_in(prefix).where(Person.id == person_id))
    if person is None:
        raise NotFound("没有这个人，或不在您的管理范围内")
    return person


def search_people(
    session: Session,
    prefix: str,
    text: str = "",
    *,
    on: date | None = None,
    limit: int = 50,
    offset: int = 0,
    due_by: date | None = None,
) -> tuple[list[tuple[Person, Post]], int]:
    """(person, post) rows in the scope by name or phone; with `on`, only posts held then; with `due_by`, only those
    whose background check is due by that day or missing.

    Returns the page and the total number.
    """
    text = clean_search(text)
    query = select(Person, Post).join(Post).where(within(Post.division_code, prefix))
    if on:
        query = query.where(in_post_on(on))
    if due_by:
        query = query.where(
            or_(Person.background_next_due.is_(None), Person.background_next_due <= due_by)
        )
    if text:
        query = query.where(
            or_(
                Person.name.contains(text, autoescape=True),
                Person.phone.startswith(text, autoescape=True),
            )
        )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.execute(
        query.order_by(Post.division_code, Person.name, Post.id).limit(limit).offset(offset)
    )
    return [(person, post) for person, post in rows], total


def current_post(session: Session, person_id: int, on: date) -> Post | None:
    """The post held on a day; of several, the one that started last."""
    return session.scalar(
        select(Post)
        .where(Post.person_id == person_id, in_post_on(on))
        .order_by(Post.start.desc(), Post.id.desc())
        .limit(1)
    )


# 入职查询 is due once a year (未成年人保护法 第 62 条), with a reminder a month ahead.
CHECK_DAYS, DUE_DAYS = 365, 30
# A larger caseload calls for a second director (青21#20).
CASELOAD = 30
LEVEL_OF_ROLE: Mapping[str, DivisionLevel] = {"director": "village", "supervisor": "town"}


def plain(value: object) -> JsonValue:
    """Converts a value to the form stored in the history."""
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else cast(JsonValue, value)


def note(
    session: Session,
    kind: ChangeKind,
    person_id: int,
    *,
    post_id: int | None,
    fields: Mapping[str, object],
    by: str,
    reason: str | None,
    batch_id: int | None = None,
) -> None:
    """Adds a line to the history."""
    session.add(
        LedgerChange(
            person_id=person_id,
            post_id=post_id,
            kind=kind,
            fields=dict(fields),
            created_by=by,
            reason=(reason or "").strip()[:200] or None,
            batch_id=batch_id,
        )
    )


def history(session: Session, person_id: int) -> list[LedgerChange]:
    """The changes to a person and their posts, newest first."""
    query = select(LedgerChange).where(LedgerChange.person_id == person_id)
    return list(session.scalars(query.order_by(LedgerChange.id.desc())))


def set_fields(
    row: Person | Post, values: Mapping[str, object], mark: str = ""
) -> dict[str, list[JsonValue]]:
    """Sets values. Returns those that differed: field, prefixed with `mark`, to [before, after]."""
    changed = {
        f: [plain(getattr(row, f)), plain(v)] for f, v in values.items() if getattr(row, f) != v
    }
    for name in changed:
        setattr(row, name, values[name])
    return {mark + name: pair for name, pair in changed.items()}


def register(
    session: Session, values: Mapping[str, object], by: str, *, reason: str | None = None
) -> Person:
    """Creates a person; name and phone (unique) are required, everything else may follow."""
    if session.scalar(select(Person.id).where(Person.phone == values["phone"])):
        raise Refused("这个手机号已经登记在别人名下。请先按手机号查一查，是同一个人就不用再登记")
    person = Person(**values)
    session.add(person)
    session.flush()
    note(
        session,
        "changed",
        person.id,
        post_id=None,
        fields={"person": [None, person.id]},
        by=by,
        reason=reason,
    )
    return person


def edit_person(
    session: Session, person: Person, values: Mapping[str, object], *, by: str, reason: str
) -> bool:
    """Corrects fields of a person. Returns whether anything changed. Raises `Refused` without a reason."""
    if not reason.strip():
        raise Refused("请写明为什么改，例如“换了手机号”")
    phone = values.get("phone", person.phone)
    if phone != person.phone and session.scalar(select(Person.id).where(Person.phone == phone)):
        raise Refused("这个手机号已经登记在别人名下，请核对")
    fields = set_fields(person, values)
    if fields:
        note(session, "changed", person.id, post_id=None, fields=fields, by=by, reason=reason)
        session.flush()
    return bool(fields)


def leave(
    session: Session, post: Post, end: date, *, by: str, reason: str, batch_id: int | None = None
) -> None:
    """Ends a post; `end` is its last day. The person, the archive and the hours stay."""
    if end < post.start:
        raise Refused(f"最后一天不能早于任职开始日期 {post.start}，请核对")
    if not reason.strip():
        raise Refused("请写明离任的原因，例如“换届”")
    fields = set_fields(post, {"end": end}, "post.")
    if fields:
        note(
            session,
            "left",
            post.person_id,
            post_id=post.id,
            fields=fields,
            by=by,
            reason=reason,
            batch_id=batch_id,
        )
        session.flush()


def edit_post(
    session: Session, post: Post, values: Mapping[str, object], *, by: str, reason: str
) -> bool:
    """Corrects a post's dates, duties or numbers of children. Returns whether anything changed."""
    start = cast(date, values.get("start", post.start))
    end = cast("date | None", values.get("end", post.end))
    if end is not None and end < start:
        raise Refused("任职结束日期早于开始日期，请核对")
    fields = set_fields(post, values, "post.")
    if fields:
        note(
            session, "changed", post.person_id, post_id=post.id, fields=fields, by=by, reason=reason
        )
        session.flush()
    return bool(fields)


def get_post(session: Session, post_id: int, prefix: str) -> Post:
    """A post within the scope, or NotFound."""
    return get_within(session, Post, post_id, prefix=prefix, what="这条任职记录")


def vacancies(
    session: Session, prefix: str, on: date, *, limit: int = 200, role: PostRole = "director"
) -> tuple[list[Division], int]:
    """Villages without a director on a day, or towns without a supervisor, by code. Returns the first `limit`, and the
    total number."""
    held = select(Post.id).where(
        Post.division_code == Division.code, Post.role == role, in_post_on(on)
    )
    query = select(Division).where(
        Division.level == LEVEL_OF_ROLE[role], within(Division.code, prefix), ~held.exists()
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    return list(session.scalars(query.order_by(Division.code).limit(limit))), total


def overloaded(
    session: Session, prefix: str, on: date, *, limit: int = 200
) -> Sequence[Row[str, str, int | None, int]]:
    """Villages that need a second director (需增配): (code, name, caseload, directors) where the caseload exceeds
    `CASELOAD` and there is just one director."""
    query = (
        select(
            Division.code,
            Division.name,
            func.max(Post.caseload).label("caseload"),
            func.count(Post.person_id.distinct()).label("directors"),
        )
        .join(Post, Post.division_code == Division.code)
        .where(Post.role == "director", in_post_on(on), within(Division.code, prefix))
        .group_by(Division.code, Division.name)
        .having(func.max(Post.caseload) > CASELOAD, func.count(Post.person_id.distinct()) < 2)
        .order_by(Division.code)
        .limit(limit)
    )
    return session.execute(query).all()


def load_person(session: Session, person_id: int) -> Person:
    """A person regardless of scope, for callers that reached them through a row within the scope."""
    return session.get_one(Person, person_id)


def person_names(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Names by person."""
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(list(ids))))
    return {number: name for number, name in rows}


def id_of_phone(session: Session, phone: str | None) -> int | None:
    """Id of the person with this phone; no more, as the caller's scope is yet to be checked."""
    return session.scalar(select(Person.id).where(Person.phone == clean_phone(phone or "")))


def directors_in(session: Session, prefix: str, on: date) -> list[tuple[Person, str]]:
    """(person, village) of the directors in post in a division, by village code."""
    query = (
        select(Person, Post.division_code)
        .join(Post, Post.person_id == Person.id)
        .where(within(Post.division_code, prefix), Post.role == "director", in_post_on(on))
        .order_by(Post.division_code, Person.id)
    )
    return [(person, code) for person, code in session.execute(query)]
