"""An evaluation as an office's workbook: one row per person, then every point with its calculation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from training_records.evaluation.scheme import Scheme
from training_records.evaluation.scoring import Result
from training_records.xlsx import Sheet, Workbook, make_workbook


@dataclass(frozen=True)
class SheetLine:
    """A person's result with the data by which an office identifies them."""

    person: str
    name: str
    place: str
    months: Decimal | None
    result: Result


def evaluation_workbook(title: str, scheme: Scheme, lines: Sequence[SheetLine]) -> bytes:
    """Returns two sheets: 评价结果 and 每一分怎么来的."""
    titles = {i.id: i.title or i.id for i in scheme.indicators}

    def fill(book: Workbook) -> None:
        heads = ["编号", "姓名", "村（社区）", "任职月数", "总分", "等次", "一票否决"]
        heads += [f"{d.title}（{d.weight.normalize():f}）" for d in scheme.dimensions]
        widths = [9, 9, 26, 9, 9, 9, 9] + [14] * len(scheme.dimensions)
        sheet = Sheet(book, "评价结果", title, heads=heads, widths=widths)
        for line in lines:
            result = line.result
            cells = [line.person, line.name, line.place, _plain(line.months), _plain(result.total)]
            cells += [result.grade or "不定等次", "是" if result.vetoed else ""]
            sheet.add([*cells, *(_plain(d.score) for d in result.dimensions)])
        heads = ["编号", "姓名", "方面", "指标", "数值", "得分", "满分", "怎么算的"]
        detail = Sheet(
            book, "每一分怎么来的", title, heads=heads, widths=[9, 9, 14, 14, 10, 9, 9, 56]
        )
        for line in lines:
            for dimension, described in zip(line.result.dimensions, scheme.dimensions, strict=True):
                for indicator in dimension.indicators:
                    values = (_plain(v) for v in (indicator.value, indicator.score, indicator.max))
                    cells = [line.person, line.name, described.title, titles[indicator.id], *values]
                    detail.add([*cells, indicator.explanation])

    return make_workbook(fill)


def _plain(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
