"""Course authoring: draft, publish, withdraw. Published versions are immutable."""

from __future__ import annotations

from collections.abc import Collection
from uuid import uuid4

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.learn.models import CourseVersion
from training_records.database import now
from training_records.divisions import get_within, prefix_of, within
from training_records.errors import NotFound, Refused
from training_records.facts.courses import Course

WORDS = {
    "title": "名称",
    "minutes": "分钟",
    "units": "单元",
    "pages": "知识库页面",
    "text": "正文",
    "quiz": "小测",
    "items": "题数",
    "need": "答对几题",
    "kind": "类别",
    "level": "层级",
    "valid_months": "有效期（月）",
    "prefix": "给哪个区划",
    "roles": "给谁",
    "media": "录像或录音",
}


def versions_in(session: Session, prefix: str) -> list[CourseVersion]:
    """Returns the latest version of every course owned by offices in a division, newest first."""
    query = select(CourseVersion).where(within(CourseVersion.division_code, prefix))
    latest: dict[str, CourseVersion] = {}
    for row in session.scalars(query.order_by(CourseVersion.number)):
        latest[row.course_id] = row
    return sorted(latest.values(), key=lambda r: -r.id)


def get_version(session: Session, version_id: int, prefix: str) -> CourseVersion:
    """Returns a version of a course owned by an office in the scope. Raises `NotFound` otherwise."""
    return get_within(session, CourseVersion, version_id, prefix=prefix, what="这门课")


def create(
    session: Session, title: str, division_code: str, *, level: str, by: str
) -> CourseVersion:
    """Creates a course: a draft with one empty unit."""
    if not title.strip():
        raise Refused("请填课程名称")
    course_id = f"c-{uuid4().hex[:10]}"
    content = {
        "id": course_id,
        "title": title.strip()[:60],
        "kind": "improvement",
        "level": level,
        "prefix": prefix_of(division_code),
        "units": [_empty_unit()],
    }
    row = CourseVersion(
        course_id=course_id,
        number=1,
        division_code=division_code,
        state="draft",
        content=content,
        updated_by=by,
    )
    session.add(row)
    session.flush()
    return row


def _empty_unit() -> dict[str, object]:
    return {"id": f"u-{uuid4().hex[:8]}", "title": "新单元", "minutes": 15}


def draft_of(session: Session, row: CourseVersion, by: str) -> CourseVersion:
    """Returns the draft to edit: the version itself, or the course's open draft, or a new one copied from `row`."""
    if row.state == "draft":
        return row
    newest = session.scalar(
        select(CourseVersion)
        .where(CourseVersion.course_id == row.course_id)
        .order_by(CourseVersion.number.desc())
        .limit(1)
    )
    if newest is not None and newest.state == "draft":
        return newest
    number = (newest or row).number + 1
    draft = CourseVersion(
        course_id=row.course_id,
        number=number,
        division_code=row.division_code,
        state="draft",
        content={**row.content, "version": number},
        updated_by=by,
    )
    session.add(draft)
    session.flush()
    return draft


def change(
    session: Session, row: CourseVersion, edits: int, *, content: dict[str, object], by: str
) -> None:
    """Saves a draft under optimistic locking: `edits` is the edit counter that the author loaded.

    Raises `Refused` if the content is invalid, the version is published, or the counter has moved on.
    """
    if row.state != "draft":
        raise Refused("这一版已经发布，不能再改。请从课程列表点“改”，会另开一版")
    if edits != row.edits:
        raise Refused("别人刚才改过这门课。请另开一个页面看看他改了什么，再改您的")
    row.content = checked(content).model_dump(mode="json", exclude_none=True)
    row.edits += 1
    row.updated_by = by
    session.flush()


def checked(content: dict[str, object]) -> Course:
    """Validates a course. Raises `Refused` naming the field and the fault."""
    try:
        return Course.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        location = fault["loc"]
        where = " → ".join(
            f"第 {part + 1} 个单元" if isinstance(part, int) else WORDS.get(part, part)
            for part in location
            if part != "units" or len(location) == 1
        )
        given = str(fault.get("input", ""))[:30]
        raise Refused(
            f"{where or '课程'}：{_reason(fault)}" + (f"（现在是“{given}”）" if given else "")
        ) from None


def _reason(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    words = {
        "string_too_short": "没有填",
        "string_too_long": f"太长，最多 {context.get('max_length')} 个字",
        "greater_than_equal": f"不能小于 {context.get('ge')}",
        "less_than_equal": f"不能大于 {context.get('le')}",
        "int_parsing": "要填整数",
        "int_type": "要填整数",
        "literal_error": "不是能选的",
        "string_pattern_mismatch": "写法不对",
        "too_short": "至少要有一个",
        "too_long": "太多了",
    }
    return words.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")


def add_unit(session: Session, row: CourseVersion, edits: int, *, by: str) -> str:
    """Appends an empty unit. Returns its id."""
    unit = _empty_unit()
    units = [*row.content["units"], unit]
    change(session, row, edits, content={**row.content, "units": units}, by=by)
    return str(unit["id"])


def unit_at(row: CourseVersion, unit_id: str) -> int:
    """Returns the index of a unit in a draft. Raises `NotFound` otherwise."""
    for number, unit in enumerate(row.content["units"]):
        if unit["id"] == unit_id:
            return number
    raise NotFound("没有这个单元")


def publish(session: Session, row: CourseVersion, edits: int, *, pages: Collection[str]) -> None:
    """Publishes a draft. `pages` are the pages of the knowledge base. Raises `Refused` if a unit is empty or refers to
    an unknown page, or as `change` does."""
    if row.state != "draft":
        raise Refused("这一版已经发布过了")
    if edits != row.edits:
        raise Refused("别人刚才改过这门课。请刷新后看一遍再发布")
    for number, unit in enumerate(checked(row.content).units, start=1):
        if not (unit.text or unit.pages or unit.media or unit.slides or unit.download):
            raise Refused(f"第 {number} 个单元“{unit.title}”还没有内容，请先写上")
        missing = [page for page in unit.pages if page not in pages]
        if missing:
            raise Refused(f"第 {number} 个单元：知识库里没有“{missing[0]}”这一页，请从列表里选")
    row.state, row.published_at = "published", now()
    session.flush()


def withdraw(session: Session, row: CourseVersion) -> None:
    """Withdraws a published course. Progress and filed hours are kept."""
    if row.state != "published":
        raise Refused("这门课没有发布，不用撤下")
    row.state = "withdrawn"
    session.flush()
