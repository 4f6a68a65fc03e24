"""The item analysis report for item writers: a self-contained HTML page, and a workbook."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import xlsxwriter
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from exam_app.stats import charts
from question_bank.classical import ItemStats, TestStats
from question_bank.fit import ItemFit, item_fit
from question_bank.irt import Calibration
from question_bank.overall_fit import m2
from question_bank.responses import Responses
from training_records.xlsx import Sheet


def html(
    title: str, result: TestStats, calibration: Calibration | None, *, data: Responses, day: date
) -> str:
    """Renders the report as one self-contained HTML file: summary, charts, table."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(["html"])
    )
    pictures = [("难度和区分度", charts.facility_and_discrimination(result), DOTS)]
    fits: dict[str, ItemFit] = {}
    sentences = summary(result)
    if calibration is not None:
        pictures += [
            ("人和题放在一把尺上", charts.wright_map(calibration), WRIGHT),
            ("哪里量得准", charts.information(calibration), INFORMATION),
            ("每题的曲线", charts.characteristic_curves(calibration.items), CURVES),
        ]
        item_fits = item_fit(data.shares(), calibration.items)
        fits = {fit.id: fit for fit in item_fits}
        sentences.append(overall(data, calibration))
    return environment.get_template("report.html").render(
        title=title,
        day=day,
        result=result,
        said=sentences,
        flagged=[i for i in result.items if i.flags],
        calibration=calibration,
        parameters={} if calibration is None else {i.id: i for i in calibration.items},
        fits=fits,
        pictures=[(name, Markup(svg), text) for name, svg, text in pictures],  # noqa: S704 (our own SVG)  # nosec B704
        key=dict(zip(data.items, data.key, strict=True)) if data.key else {},
    )


def overall(data: Responses, calibration: Calibration) -> str:
    """Returns a sentence on the overall fit of the model (M2, RMSEA)."""
    try:
        fit = m2(data.shares(), calibration.items, calibration.model)
    except ValueError:
        return "题太少或没有人答全，算不出曲线整体合不合。"
    word = {"close": "合得好", "fair": "大致合得上", "poor": "合不上，下面的曲线只能参考"}
    return f"曲线和实际作答{word[fit.verdict]}（RMSEA {fit.rmsea:.3f}）。"


Cell = str | float | None
DOTS = "每个点是一道题。越往右越容易，越往上越能分出好坏。虚线以下的（方块）要先看。"
WRIGHT = "左边的条是考生，右边是题。题都挤在下面，说明卷子对大家太容易；中间空一段，说明那一段人没有合适的题。"
INFORMATION = "曲线高的地方量得准。合格线最好落在高处。"
CURVES = "从左到右，能力越强答对的可能越大。平的曲线分不出好坏。"


def summary(result: TestStats) -> list[str]:
    """Summarises a test in plain sentences."""
    lines = [f"{result.n_persons} 人答了 {result.n_items} 道题。"]
    if result.alpha is not None:
        word = "够稳" if result.alpha >= 0.8 else "一般" if result.alpha >= 0.7 else "偏低"
        low, high = result.alpha_low or 0.0, result.alpha_high or 0.0
        lines.append(
            f"信度 {result.alpha:.2f}，{word}（95% 的把握在 {low:.2f} 到 {high:.2f} 之间）："
            "换一套同样的卷再考，名次大致有多稳。"
        )
    if result.sem is not None and result.mean is not None and result.sd is not None:
        lines.append(
            f"平均 {result.mean:.1f} 分，标准差 {result.sd:.1f}。一个人的分数大约有 "
            f"±{1.96 * result.sem:.1f} 分的出入，离合格线这么近的，要慎重。"
        )
    flagged = sum(bool(i.flags) for i in result.items)
    lines.append(f"有 {flagged} 道题要看一看，见下面。" if flagged else "没有要特别看的题。")
    return lines


def xlsx(
    title: str, result: TestStats, calibration: Calibration | None, *, key: Sequence[str]
) -> bytes:
    """Returns the figures as a workbook: items, options, parameters."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    headings = [
        "题号",
        "人数",
        "难度",
        "区分度",
        "前后 27%",
        "相关",
        "没答",
        "没做到",
        "删去后信度",
        "要看的",
    ]
    sheet = Sheet(book, "题目", title, heads=headings, widths=[14, 8, 8, 8, 10, 8, 8, 8, 12, 60])
    for line, item in enumerate(result.items, start=2):
        _line(sheet, line, _item_row(item))
    options = Sheet(
        book, "选项", title, heads=["题号", "选项", "答案", "人数", "比例", "与总分相关"]
    )
    line = 2
    for number, item in enumerate(result.items):
        for label, option in item.options.items():
            right = "是" if key and key[number] == label else ""
            row: list[Cell] = [item.id, label, right, option.n, option.share, option.point_biserial]
            _line(options, line, row)
            line += 1
    if calibration is not None:
        parameters = Sheet(book, "参数", title, heads=["题号", "a", "b", "a 的误差", "b 的误差"])
        for line, item_parameters in enumerate(calibration.items, start=2):
            _line(
                parameters,
                line,
                [
                    item_parameters.id,
                    item_parameters.a,
                    item_parameters.b,
                    item_parameters.se_a,
                    item_parameters.se_b,
                ],
            )
    book.close()
    return out.getvalue()


def _item_row(item: ItemStats) -> list[Cell]:
    return [
        item.id,
        item.n,
        item.facility,
        item.discrimination,
        item.discrimination_27,
        item.point_biserial_corrected,
        item.omitted,
        item.not_reached,
        item.alpha_if_deleted,
        "；".join(item.flags),
    ]


def _line(sheet: Sheet, line: int, values: Sequence[Cell]) -> None:
    for column, value in enumerate(values):
        if isinstance(value, str):
            sheet.sheet.write_string(line, column, value, sheet.wrapped)
        elif value is None:
            sheet.sheet.write_string(line, column, "—", sheet.cell)
        else:
            sheet.sheet.write_number(line, column, round(float(value), 4), sheet.cell)
