"""`academy stats link`, `equate`, `angoff` and `similar`.

Linking and equating of forms, standard setting, and similarity of wrong answers.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from exam_app.cli.stats import FILE, read, stats
from exam_app.cli.tools import emit, json_option
from question_bank.copying import similar_pairs
from question_bank.equating import equipercentile, linear
from question_bank.irt import read_parameters
from question_bank.linking import mean_sigma, stocking_lord
from question_bank.responses import ResponsesError, read_groups
from question_bank.standard import angoff
from question_bank.tables import read_rows

MAX_SCORE = 1000


@stats.command("link")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option(
    "--method",
    type=click.Choice(["stocking-lord", "mean-sigma"]),
    default="stocking-lord",
    show_default=True,
)
@json_option
def link_command(*, old: Path, new: Path, method: str, as_json: bool) -> None:
    """靠共同题把一次标定放到另一次的刻度上（两个文件都是 stats irt --json 的结果）。"""
    a, b = read_parameters(old), read_parameters(new)
    common = [item for item in a if item in b]
    columns = [np.array([side[i][k] for i in common]) for side in (a, b) for k in (0, 1)]
    try:
        if method == "mean-sigma":
            link = mean_sigma(columns[1], columns[3])
        else:
            a_old, b_old, a_new, b_new = columns
            link = stocking_lord(a_old, b_old, a_new, b_new=b_new)
    except ValueError as error:
        raise ResponsesError(str(error)) from None
    slopes, difficulties = link.apply([v[0] for v in a.values()], [v[1] for v in a.values()])
    items = [
        {"id": item, "a": float(slope), "b": float(difficulty)}
        for item, slope, difficulty in zip(a, slopes, difficulties, strict=True)
    ]
    payload = {
        "method": method,
        "common": len(common),
        "slope": link.slope,
        "intercept": link.intercept,
        "items": items,
    }
    if as_json:
        emit(payload)
        return
    click.echo(
        f"{len(common)} 道共同题：新刻度的能力 = {link.slope:.4f} × 旧刻度的能力 + {link.intercept:.4f}"
    )


@stats.command("equate")
@click.argument("form_x", type=FILE)
@click.argument("form_y", type=FILE)
@click.option("--pass-mark", type=float, help="Y 卷的合格线（分）")
@json_option
def equate_command(*, form_x: Path, form_y: Path, pass_mark: float | None, as_json: bool) -> None:
    """把 X 卷的分换算成 Y 卷的分（随机分组），让合格线在两套卷上一样高。两个文件都是得分矩阵。"""
    x, y = (np.nansum(read(path, None).scores(), axis=1) for path in (form_x, form_y))
    try:
        slope, intercept = linear(x, y)
        table = equipercentile(_counts(x), _counts(y))
    except ValueError as error:
        raise ResponsesError(str(error)) from None
    rows = [
        {"x": score, "linear": slope * score + intercept, "equipercentile": float(table[score])}
        for score in range(len(table))
    ]
    payload: dict[str, object] = {"slope": slope, "intercept": intercept, "table": rows}
    if pass_mark is not None:
        payload["pass_mark"] = pass_marks = {
            "y": pass_mark,
            "x_linear": (pass_mark - intercept) / slope,
            "x_equipercentile": next(
                (row["x"] for row in rows if row["equipercentile"] >= pass_mark - 0.5), None
            ),
        }
    if as_json:
        emit(payload)
        return
    click.echo(f"Y 卷的分 = {slope:.4f} × X 卷的分 + {intercept:.4f}（线性）")
    click.echo(f"{'X 卷':>5}{'线性':>8}{'等百分位':>8}")
    for row in rows:
        click.echo(f"{row['x']:>6}{row['linear']:>10.2f}{row['equipercentile']:>11.2f}")
    if pass_mark is not None:
        click.echo(
            f"Y 卷 {pass_mark:g} 分合格，X 卷线性法 {pass_marks['x_linear']:.1f} 分，"
            f"等百分位法从 {pass_marks['x_equipercentile']} 分起"
        )


def _counts(scores: np.ndarray) -> np.ndarray:
    """Frequencies of the integer scores 0, 1, …"""
    if (scores < 0).any() or (scores > MAX_SCORE).any():
        raise ResponsesError(f"总分要在 0 到 {MAX_SCORE} 之间")
    if not np.allclose(scores, np.round(scores)):
        raise ResponsesError("等百分位等值要整数分，请把每题改成整数分")
    return np.bincount(np.round(scores).astype(int))


@stats.command("similar")
@click.argument("responses", type=FILE)
@click.option("--key", "key_file", type=FILE, required=True, help="答案：item,key[,points]")
@click.option("--groups", type=FILE, required=True, help="分组：person,group；只比同组的人")
@json_option
def similar_command(*, responses: Path, key_file: Path, groups: Path, as_json: bool) -> None:
    """同组里错得太像的两个人（只是线索，要由人去了解）。"""
    try:
        pairs = similar_pairs(read(responses, key_file), read_groups(groups))
    except ValueError as error:
        raise ResponsesError(str(error)) from None
    if as_json:
        emit({"pairs": [asdict(pair) for pair in pairs]})
        return
    for pair in pairs:
        click.echo(
            f"{pair.first} 和 {pair.second}：都错 {pair.both_wrong} 题，错得一样 {pair.same} 题，"
            f"碰巧会有 {pair.expected:.1f} 题"
        )
    click.echo(f"共 {len(pairs)} 对。只是线索：一起学习、同一个老师也会错得像。")


@stats.command("angoff")
@click.argument("ratings", type=FILE)
@json_option
def angoff_command(ratings: Path, as_json: bool) -> None:
    """评委定合格线（改进的 Angoff 法）。文件：judge，题号1，题号2……，格子里写 0 到 1。"""
    try:
        heading, *rows = read_rows(ratings)
        values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
    except (OSError, ValueError):
        raise ResponsesError(
            "评定文件读不了：表头要是 judge，题号……，格子里是 0 到 1 的数或空着"
        ) from None
    if heading[:1] != ["judge"] or values.size == 0:
        raise ResponsesError("评定文件的表头要是 judge，题号1，题号2……，至少有一位评委")
    try:
        standard = angoff(values)
    except ValueError as error:
        raise ResponsesError(str(error)) from None
    if as_json:
        emit(
            {
                "judges": len(values),
                "cut": standard.cut,
                "percent": standard.percent,
                "se": standard.se,
                "items": [
                    {"id": item, "mean": mean, "spread": spread}
                    for item, mean, spread in zip(
                        heading[1:], standard.items, standard.spread, strict=True
                    )
                ],
            }
        )
        return
    error_text = "" if standard.se is None else f"，标准误 {standard.se:.2f}"
    click.echo(
        f"{len(values)} 位评委：合格线 {standard.cut:.2f} 分（{standard.percent:.1f}%）{error_text}"
    )
    for item, mean, spread in zip(heading[1:], standard.items, standard.spread, strict=True):
        warning = "  评委看法差得远，请商量" if (spread or 0) > 0.15 else ""
        click.echo(f"{item:<16}{mean:.2f}{warning}")
