"""Forms of the annual report."""

from __future__ import annotations

from functools import lru_cache

from exam_app.web.forms import Area, Form, Version
from training_records.inspection.reports import MAX_TEXT


class ReportForm(Form):
    """What every year's report asks for; `report_form` adds a box for each task."""

    version = Version()


@lru_cache
def report_form(items: tuple[int, ...]) -> type[ReportForm]:
    """The form with the boxes of a year: problems, measures, and the progress of each task."""
    boxes = {
        "t-problems": _box("还有什么问题", 4),
        "t-measures": _box("下一步怎么办", 4),
        **{f"t-task-{item}": _box(f"第 {item} 项的进展", 3) for item in items},
    }
    return type("ReportForm", (ReportForm,), boxes)


def _box(label: str, rows: int) -> Area:
    return Area(label, MAX_TEXT, needed=False, render_kw={"rows": rows})
