"""Forms of the annual report and of the good-practice cases."""

from __future__ import annotations

from functools import lru_cache

from exam_app.web.forms import Area, Choice, Form, Line, Tick, Version
from training_records.inspection.cases import PARTS
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


def _part(name: str) -> Area:
    word, most = PARTS[name]
    return Area(
        f"{word}（最多 {most} 字）", most, needed=f"“{word}”还没有写", render_kw={"rows": 5}
    )


class CaseForm(Form):
    """A case as it is handed in, or mended after it was returned."""

    # Left out where a returned case is mended.
    item = Choice("属于哪一项任务", validate_choice=False, default="10")
    title = Line(f"题目（最多 {PARTS['title'][1]} 字）", PARTS["title"][1], needed="“题目”还没有写")
    situation = _part("situation")
    done = _part("done")
    result = _part("result")
    nameless = Tick("看过了：没有孩子和家人的姓名、学校、住址")

    def parts(self) -> dict[str, str]:
        """The parts by their names."""
        return {name: self[name].got for name in PARTS}


class VerdictForm(Form):
    """What an office decides about a case."""

    comment = Line("意见（退回、不选要写为什么，本人看得到）", 200, needed=False)
    nameless = Tick("看过了：没有孩子和家人的姓名、学校、住址")
