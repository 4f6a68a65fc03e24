"""Which courses there are: those that ship with the knowledge base and those that trainers published."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.learn.models import CourseVersion
from training_records.errors import NotFound
from training_records.facts.courses import PATHS, Course
from training_records.facts.loading import load_facts


def courses_of(session: Session, role: str, division_code: str) -> list[Course]:
    """Courses for a role in a division, by path, then as they were made."""
    found = {c.id: c for c in load_facts().courses}
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
            found[row.course_id] = Course.model_validate(row.content)
        else:
            found.pop(row.course_id, None)
    order = list(PATHS)
    mine = [c for c in found.values() if role in c.roles and division_code.startswith(c.prefix)]
    return sorted(mine, key=lambda c: order.index(c.kind))


def course_of(session: Session, course_id: str, role: str, division_code: str) -> Course:
    """A course for a role in a division, or NotFound."""
    for course in courses_of(session, role, division_code):
        if course.id == course_id:
            return course
    raise NotFound("没有这门课,或不是给您的")
