"""Appointments to posts and background checks (入职查询): changes to the ledger, with each check filed in the archive."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from training_records.archive.service import NewEntry, append
from training_records.choices import choice
from training_records.divisions import get_division
from training_records.errors import Refused
from training_records.ledger.checks import RESULTS, is_clean, read_result, result_key, result_label
from training_records.ledger.models import ROLES, Person, Post
from training_records.ledger.service import (
    CHECK_DAYS,
    LEVEL_OF_ROLE,
    leave,
    note,
    set_fields,
)


def record_check(
    session: Session,
    person: Person,
    on: date,
    *,
    result: str,
    by: str,
    next_due: date | None = None,
    today: date | None = None,
) -> None:
    """Records a background check (入职查询) and its result. The next one is due in a year unless `next_due` is given."""
    if today and on > today:
        raise Refused("查询日期不能晚于今天，请核对")
    if not result.strip():
        raise Refused(f"请填查询结果，例如“{RESULTS['clean']}”")
    try:
        found = read_result(result.strip()[:20])
    except ValueError as error:
        raise Refused(str(error)) from None
    values: dict[str, object] = {
        "background_checked_on": on,
        "background_next_due": next_due or on + timedelta(days=CHECK_DAYS),
    }
    if found != result_key(person.background_result):
        values["background_result"] = found
    fields = set_fields(person, values)
    if fields:
        note(session, "checked", person.id, post_id=None, fields=fields, by=by, reason=None)
        session.flush()
    _file_check(session, person, by)


def _file_check(session: Session, person: Person, by: str) -> None:
    """Files the latest background check in the archive, once. Without a post there is no archive to file it in."""
    on = person.background_checked_on
    posts = select(Post.id).where(Post.person_id == person.id).limit(1)
    if on is None or session.scalar(posts) is None:
        return
    title = f"入职查询：{result_label(person.background_result) or '没有登记结果'}"
    key = f"check:{person.id}:{on.isoformat()}"
    append(session, NewEntry(person.id, "check", on, title, source_key=key), by)


def appoint(
    session: Session,
    person: Person,
    role: str,
    *,
    code: str,
    start: date,
    by: str,
    reason: str | None = None,
    **values: object,
) -> Post:
    """Appoints a person to a post from `start` on. Raises `Refused` without a clean background check valid on that day
    (未成年人保护法 第 62 条), or if the person already holds the post."""
    post_role = choice(ROLES, role, "登记类型只能是儿童主任或儿童督导员")
    division = get_division(session, code)
    if division.level != LEVEL_OF_ROLE[post_role]:
        where = "村（社区）" if post_role == "director" else "镇（街）"
        raise Refused(f"{ROLES[post_role]}要登记在{where}，{division.name}不是")
    if person.background_checked_on is None or person.background_checked_on > start:
        raise Refused(
            f"{person.name}在 {start} 前没有入职查询记录，不能任职。请先登记查询日期和结果"
        )
    if not is_clean(person.background_result):
        found = result_label(person.background_result) or "没有登记"
        raise Refused(f"{person.name}的入职查询结果是“{found}”，不能任职")
    if person.background_next_due is not None and person.background_next_due < start:
        raise Refused(
            f"{person.name}的入职查询已在 {person.background_next_due} 到期，请先重新查询"
        )
    held = select(Post.id).where(
        Post.person_id == person.id,
        Post.role == post_role,
        Post.division_code == code,
        or_(Post.end.is_(None), Post.end >= start),
    )
    if session.scalar(held):
        raise Refused(f"{person.name}在{division.name}已经任{ROLES[post_role]}，不用再登记")
    post = Post(person_id=person.id, role=post_role, division_code=code, start=start, **values)
    session.add(post)
    session.flush()
    note(
        session,
        "appointed",
        person.id,
        post_id=post.id,
        fields={"post": [None, post.id]},
        by=by,
        reason=reason,
    )
    _file_check(session, person, by)
    return post


def transfer(session: Session, post: Post, code: str, *, start: date, by: str, reason: str) -> Post:
    """Moves a person to another division; the old post ends the day before the new one begins."""
    if start <= post.start:
        raise Refused(f"调动日期要晚于原来的任职开始日期 {post.start}，请核对")
    leave(session, post, start - timedelta(days=1), by=by, reason=reason)
    person = session.get_one(Person, post.person_id)
    return appoint(session, person, post.role, code=code, start=start, by=by, reason=reason)


def replace(
    session: Session, post: Post, successor: Person, *, start: date, by: str, reason: str
) -> Post:
    """Hands a post over: its holder leaves the day before the successor begins."""
    if successor.id == post.person_id:
        raise Refused("接任的和离任的是同一个人，请核对")
    leave(session, post, start - timedelta(days=1), by=by, reason=reason)
    return appoint(
        session, successor, post.role, code=post.division_code, start=start, by=by, reason=reason
    )
