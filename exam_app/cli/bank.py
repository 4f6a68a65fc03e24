"""`academy bank` and `academy paper`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
import yaml

from exam_app.cli.tools import emit, json_option, stop
from exam_app.kb.history import last_changes, records
from exam_app.kb.pages import anchors
from question_bank import (
    assemble,
    balance,
    check_bank,
    is_negative,
    load_bank,
    load_blueprint,
    near_duplicates,
    point_counts,
)
from question_bank.bank import ITEMS
from question_bank.irt import read_parameters
from training_records.facts.loading import load_facts, required_points

# Minimum number of items per required content point.
MIN_QUESTIONS = 2
REPORT_SIMILAR = 0.6


@click.group()
def bank() -> None:
    """题库：检查、条款覆盖。"""


@bank.command()
@click.option("--dir", "folder", type=click.Path(exists=True, file_okay=False), default=str(ITEMS))
@json_option
def check(folder: str, as_json: bool) -> None:
    """检查每个题目文件：格式、答案、出处、知识库链接、命题规则、近似重复、要复看的题。"""
    facts = load_facts()
    questions = load_bank(Path(folder), strict=False)
    problems = check_bank(
        questions,
        facts.clauses,
        anchors(),
        points=set(required_points()) | set(records(facts.data)),
        changes=last_changes(facts.data),
    )
    errors = [p for p in problems if p.severity == "error"]
    if as_json:
        emit(
            {
                "questions": len(questions),
                "types": Counter(q.type for q in questions),
                "topics": Counter(q.topic for q in questions),
                "levels": Counter(q.level for q in questions),
                "balance": asdict(balance(questions, is_negative)),
                "similar": [
                    {"questions": [a, b], "similarity": round(value, 3)}
                    for a, b, value in near_duplicates(questions, REPORT_SIMILAR)
                ],
                "problems": [asdict(p) for p in problems],
            }
        )
    else:
        for p in problems:
            click.echo(
                f"{'错误' if p.severity == 'error' else '提醒'} {p.where} {p.question}：{p.reason}"
            )
        click.echo(
            f"共 {len(questions)} 题，错误 {len(errors)} 处，提醒 {len(problems) - len(errors)} 处"
        )
    stop(1 if errors else 0)


@bank.command()
@json_option
def coverage(as_json: bool) -> None:
    """条款、职责步骤、服务内容 × 题数；儿童主任直接做的每样至少要有 2 题。"""
    required = required_points()
    counts = point_counts(load_bank(), required)
    missing = [c for c in required if not counts[c]]
    few = [c for c in required if 0 < counts[c] < MIN_QUESTIONS]
    if as_json:
        emit(
            {
                "clauses": [
                    {
                        "clause": c,
                        "kind": required[c].kind if c in required else "条款",
                        "title": required[c].title if c in required else "",
                        "required": c in required,
                        "questions": n,
                    }
                    for c, n in counts.items()
                ],
                "missing": missing,
                "few": few,
            }
        )
    else:
        for clause, n in counts.items():
            title = required[clause].title if clause in required else ""
            click.echo(f"{clause:<16}{n:>4} 题  {title}")
        click.echo(
            f"没有题的：{'、'.join(missing) or '无'}；不到 {MIN_QUESTIONS} 题的：{'、'.join(few) or '无'}"
        )
    stop(1 if missing or few else 0)


@click.group()
def paper() -> None:
    """组卷。"""


@paper.command("assemble")
@click.argument("blueprint")
@click.option("--forms", default=1, show_default=True, type=click.IntRange(1, 50))
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=click.Path(file_okay=False), help="每套卷写成一个 YAML 文件")
@click.option(
    "--parameters",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="题目参数：academy stats irt --json 的结果",
)
@json_option
def assemble_command(
    *,
    blueprint: str,
    forms: int,
    seed: int,
    out: str | None,
    parameters: Path | None,
    as_json: bool,
) -> None:
    """按命题蓝图组 K 套平行卷。"""
    loaded_blueprint, questions = load_blueprint(blueprint), load_bank()
    parameters_by_item = None if parameters is None else read_parameters(parameters)
    assembled = assemble(
        list(questions), loaded_blueprint, forms, seed=seed, parameters=parameters_by_item
    )
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        for form in assembled:
            text = yaml.safe_dump(
                {"blueprint": loaded_blueprint.id, "form": form.number, "items": list(form.items)},
                allow_unicode=True,
            )
            (Path(out) / f"{loaded_blueprint.id}-{form.number}.yaml").write_text(text, "utf-8")
    if as_json:
        emit(
            {
                "blueprint": loaded_blueprint.id,
                "constraints_met": True,
                "forms": [
                    {
                        "form": f.number,
                        "items": list(f.items),
                        "mean_facility": f.mean_facility,
                        "information": list(f.information),
                        "gap": f.gap,
                        "solver_gap": f.proved,
                        "counts": f.counts,
                    }
                    for f in assembled
                ],
            }
        )
        return
    for form in assembled:
        mean = "" if form.mean_facility is None else f"，平均难度 {form.mean_facility:.3f}"
        proved = (
            "" if form.proved is None else f"，离求解器证明的最好还差不到 {100 * form.proved:.2f}%"
        )
        information_text = "、".join(
            f"θ={theta:g} 处 {value:.2f}"
            for theta, value in zip(loaded_blueprint.theta, form.information, strict=False)
        )
        information_text = f"，信息量 {information_text}" if information_text else ""
        click.echo(f"第 {form.number} 套：{len(form.items)} 题{mean}{information_text}{proved}")
