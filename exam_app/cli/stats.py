"""`academy stats`: item analysis and item response theory."""

from __future__ import annotations

import datetime
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from exam_app.cli.tools import emit, json_option, say, write_file
from exam_app.stats import report
from question_bank.classical import TestStats, analyse
from question_bank.dif import mantel_haenszel
from question_bank.irt import Calibration, Model, calibrate
from question_bank.overall_fit import OverallFit, m2
from question_bank.responses import Responses, ResponsesError, read_groups, read_key, read_responses

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
key_option = click.option("--key", "key_file", type=FILE, help="答案：item,key[,points]")


@click.group()
def stats() -> None:
    """统计：题目分析、项目反应理论、群体差异。"""


def read(responses: Path, key_file: Path | None) -> Responses:
    """Reads a response matrix with its key."""
    return read_responses(responses, read_key(key_file) if key_file else None)


@stats.command("items")
@click.argument("responses", type=FILE)
@key_option
@json_option
def items_command(responses: Path, key_file: Path | None, as_json: bool) -> None:
    """经典题目分析：难度、区分度、选项、信度。"""
    result = analyse(read(responses, key_file))
    if as_json:
        emit(result.as_dict())
        return
    for line in _items_text(result):
        click.echo(line)


def _items_text(result: TestStats) -> list[str]:
    def shown(value: float | None, digits: int = 2) -> str:
        return "—" if value is None else f"{value:.{digits}f}"

    lines = [
        f"{result.n_persons} 人，{result.n_items} 题；平均分 {shown(result.mean)}，标准差 {shown(result.sd)}",
        f"信度 α {shown(result.alpha, 3)}（95% 在 {shown(result.alpha_low, 3)} 到 "
        f"{shown(result.alpha_high, 3)} 之间），测量标准误 {shown(result.sem)}",
        f"{'题号':<16}{'难度':>6}{'区分度':>7}{'相关':>7}{'未答':>6}  要看的",
    ]
    for item in result.items:
        lines.append(
            f"{item.id:<16}{shown(item.facility):>7}{shown(item.discrimination_27):>8}"
            f"{shown(item.point_biserial_corrected):>8}{item.omitted:>7}  {'；'.join(item.flags)}"
        )
    return lines


@stats.command("report")
@click.argument("responses", type=FILE)
@key_option
@click.option("--title", default="考试", show_default=True, help="写在报告上的名称")
@click.option("--html", "page", type=click.Path(dir_okay=False), help="写成一个网页文件")
@click.option("--xlsx", "book", type=click.Path(dir_okay=False), help="写成 Excel")
def report_command(
    *, responses: Path, key_file: Path | None, title: str, page: str | None, book: str | None
) -> None:
    """给命题人看的报告：先说结论，再看图，再看表。"""
    if not page and not book:
        raise click.UsageError("要写 --html 文件 或 --xlsx 文件（可以都写）")
    data = read(responses, key_file)
    result = analyse(data)
    try:
        calibration = calibrate(data.shares(), "2pl", data.items, persons=data.persons)
    except ValueError:
        say("有多级计分的题，报告里不放项目反应理论")
        calibration = None
    if page:
        text = report.html(title, result, calibration, data=data, day=datetime.date.today())
        write_file(page, text.encode())
    if book:
        write_file(book, report.xlsx(title, result, calibration, key=data.key))


@stats.command("irt")
@click.argument("responses", type=FILE)
@click.option("--model", type=click.Choice(["1pl", "2pl"]), default="2pl", show_default=True)
@key_option
@json_option
def irt_command(*, responses: Path, model: Model, key_file: Path | None, as_json: bool) -> None:
    """项目反应理论：估计题目参数和每人的能力。"""
    data = read(responses, key_file)
    scores = data.shares() if data.key else data.scores()
    try:
        result = calibrate(scores, model, data.items, persons=data.persons)
    except ValueError as error:
        raise ResponsesError(str(error)) from None
    try:
        fit = m2(scores, result.items, model)
    except ValueError as error:
        fit = None
        say(str(error))
    if as_json:
        emit({**result.as_dict(), "fit": None if fit is None else asdict(fit)})
        return
    for line in _irt_text(result, fit):
        click.echo(line)


def _irt_text(result: Calibration, fit: OverallFit | None) -> list[str]:
    state = "收敛" if result.converged else "没有收敛"
    lines = [
        f"{result.model.upper()}，{result.iterations} 步，{state}；对数似然 {result.log_likelihood:.3f}",
        f"{'题号':<16}{'a':>8}{'b':>8}{'a 的误差':>9}{'b 的误差':>9}",
    ]
    for item in result.items:
        values = (item.a, item.b, item.se_a, item.se_b)
        shown = ["—" if v is None else f"{v:.3f}" for v in values]
        lines.append(f"{item.id:<16}" + "".join(f"{text:>10}" for text in shown))
    if fit is not None:
        lines.append(
            f"整体拟合 M2 {fit.m2:.2f}，自由度 {fit.df}，p {fit.p:.3f}；RMSEA {fit.rmsea:.3f}"
            f"（90% 在 {fit.rmsea_low:.3f} 到 {fit.rmsea_high:.3f} 之间），SRMSR {fit.srmsr:.3f}："
            f"{WORDS[fit.verdict]}"
        )
    return lines


WORDS = {"close": "模型合得好", "fair": "大致合得上", "poor": "合不上，曲线和能力只能参考"}


@stats.command("dif")
@click.argument("responses", type=FILE)
@click.option("--groups", type=FILE, required=True, help="分组：person,group")
@click.option("--focal", help="关注的组，其余的人是参照组；不写就每个组各比一次")
@key_option
@json_option
def dif_command(
    *, responses: Path, groups: Path, focal: str | None, key_file: Path | None, as_json: bool
) -> None:
    """群体差异（Mantel–Haenszel）：能力相同的两组人，这道题一样难吗。"""
    data = read(responses, key_file)
    group_of = read_groups(groups)
    ungrouped = [p for p in data.persons if p not in group_of]
    if ungrouped:
        raise ResponsesError(
            f"这些人没有写分组：{'、'.join(ungrouped[:5])}，共 {len(ungrouped)} 人"
        )
    person_groups = np.array([group_of[p] for p in data.persons])
    shares, comparisons = data.shares(), []
    for name in [focal] if focal is not None else sorted(set(person_groups.tolist())):
        try:
            dif_items = mantel_haenszel(shares, person_groups == name, data.items)
        except ValueError as error:
            raise ResponsesError(f"“{name}”：{error}") from None
        comparisons.append((name, int((person_groups == name).sum()), dif_items))
    if as_json:
        emit(
            {
                "groups": [
                    {"focal": name, "n": n, "items": [asdict(item) for item in dif_items]}
                    for name, n, dif_items in comparisons
                ]
            }
        )
        return
    for name, n, dif_items in comparisons:
        click.echo(f"{name}（{n} 人）和其余 {len(person_groups) - n} 人比")
        for item in dif_items:
            text = "算不出" if item.delta is None else f"Δ {item.delta:+.2f}，{item.grade} 级"
            click.echo(f"  {item.id:<16}{text}")
    say("A 可以忽略，B 要留意，C 要查这道题对两组人是不是公平")
