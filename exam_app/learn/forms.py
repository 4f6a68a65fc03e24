"""Forms of the course editor."""

from __future__ import annotations

from exam_app.web.forms import Form, Line


class CourseTitleForm(Form):
    """A new course."""

    title = Line("新课程的名称", 60, needed="请填课程名称")
