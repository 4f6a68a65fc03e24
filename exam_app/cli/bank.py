"""`academy bank` and `academy paper`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
import yaml

from exam_app.cli.tools import emit, json_option, stop
from exam_app.kb.facts import load_facts, required_clauses
from exam_app.kb.pages import anchors
from question_bank import assemble, check_bank, clause_counts, load_bank, load_blueprint
from question_bank.bank import ITEMS


@click.group()
def bank() -> None:
    """题库:检查、条款覆盖。"""


@bank.command()
@click.option("--dir", "folder", type=click.Path(exists=True, file_okay=False), default=str(ITEMS))
@json_option
def check(folder: str, as_json: bool) -> None:
    """检查每个题目文件:格式、答案、出处、知识库链接、近似重复。"""
    questions = load_bank(Path(folder), strict=False)
    problems = check_bank(questions, load_facts().clauses, anchors())
    errors = [p for p in problems if p.severity == "error"]
    if as_json:
        emit(
            {
                "questions": len(questions),
                "types": Counter(q.type for q in questions),
                "topics": Counter(q.topic for q in questions),
                "levels": Counter(q.level for q in questions),
                "problems": [asdict(p) for p in problems],
            }
        )
    else:
        for p in problems:
            click.echo(
                f"{'错误' if p.severity == 'error' else '提醒'} {p.where} {p.question}:{p.reason}"
            )
        click.echo(
            f"共 {len(questions)} 题,错误 {len(errors)} 处,提醒 {len(problems) - len(errors)} 处"
        )
    stop(1 if errors else 0)


@bank.command()
@json_option
def coverage(as_json: bool) -> None:
    """条款 × 题数;必须考的条款没有题就失败。"""
    required = required_clauses()
    counts = clause_counts(load_bank(), required)
    missing = [c for c in required if not counts[c]]
    if as_json:
        emit(
            {
                "clauses": [
                    {
                        "clause": c,
                        "title": required.get(c, ""),
                        "required": c in required,
                        "questions": n,
                    }
                    for c, n in counts.items()
                ],
                "missing": missing,
            }
        )
    else:
        for clause, n in counts.items():
            click.echo(f"{clause:<14}{n:>4} 题  {required.get(clause, '')}")
        click.echo(f"没有题的必考条款:{'、'.join(missing) or '无'}")
    stop(1 if missing else 0)


@click.group()
def paper() -> None:
    """组卷。"""


@paper.command("assemble")
@click.argument("blueprint")
@click.option("--forms", default=1, show_default=True, type=click.IntRange(1, 50))
@click.option("--seed", default=0, show_default=True)
@click.option("--out", type=click.Path(file_okay=False), help="每套卷写成一个 YAML 文件")
@json_option
def assemble_command(blueprint: str, forms: int, seed: int, out: str | None, as_json: bool) -> None:
    """按命题蓝图组 K 套平行卷。"""
    plan, questions = load_blueprint(blueprint), load_bank()
    made = assemble(list(questions), plan, forms, seed)
    if out:
        Path(out).mkdir(parents=True, exist_ok=True)
        for form in made:
            text = yaml.safe_dump(
                {"blueprint": plan.id, "form": form.number, "items": list(form.items)},
                allow_unicode=True,
            )
            (Path(out) / f"{plan.id}-{form.number}.yaml").write_text(text, "utf-8")
    if as_json:
        emit(
            {
                "blueprint": plan.id,
                "constraints_met": True,
                "forms": [
                    {
                        "form": f.number,
                        "items": list(f.items),
                        "mean_facility": f.mean_facility,
                        "counts": f.counts,
                    }
                    for f in made
                ],
            }
        )
        return
    for form in made:
        mean = "" if form.mean_facility is None else f",平均难度 {form.mean_facility:.3f}"
        click.echo(f"第 {form.number} 套:{len(form.items)} 题{mean}")
