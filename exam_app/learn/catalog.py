"""The course catalogue: courses that ship with the facts, and courses that trainers published."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.learn.models import CourseVersion
from training_records.errors import NotFound
from training_records.facts.courses import PATHS, Course
from training_records.facts.loading import load_facts


def courses_of(session: Session, role: str, division_code: str) -> list[Course]:
    """Returns the courses for a role in a division, by path, then by creation. A trainer's version replaces a shipped
    course with the same id."""
    by_id = {c.id: c for c in load_facts().courses}
    newest = (
        select(CourseVersion.course_id, func.max(CourseVersion.number).label("number"))
        .where(CourseVersion.state != "draft")
        .group_by(CourseVersion.course_id)
        .subquery()
    )
    query = select(CourseVersion).join(
        newest,
        (CourseVersion.course_id == newest.c.course_id) & (CourseVersion.number == newest.c.number),
    )
    for row in session.scalars(query.order_by(CourseVersion.id)):
        if row.state == "published":
            by_id[row.course_id] = Course.model_validate(row.content)
        else:
            by_id.pop(row.course_id, None)
    order = list(PATHS)
    available = [
        c for c in by_id.values() if role in c.roles and division_code.startswith(c.prefix)
    ]
    return sorted(available, key=lambda c: order.index(c.kind))


def course_of(session: Session, course_id: str, role: str, *, division_code: str) -> Course:
    """Returns a course for a role in a division. Raises `NotFound` otherwise."""
    for course in courses_of(session, role, division_code):
        if course.id == course_id:
            return course
    raise NotFound("没有这门课，或不是给您的")
