"""`academy exam`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from exam_app.audit.service import record
from exam_app.bank.service import current_bank
from exam_app.cli.tools import emit, json_option, open_session, say
from exam_app.exams.export import export
from exam_app.exams.models import Exam
from exam_app.exams.rescoring import preview, rescore
from training_records.database import read_only
from training_records.errors import NotFound


@click.group()
def exam() -> None:
    """考试:导出作答、改判。"""


@exam.command("responses")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--by", type=click.Choice(["district", "village", "age", "role"]), help="同时写出分组"
)
@json_option
def responses_command(exam_id: int, out: Path, by: Any, as_json: bool) -> None:
    """导出作答矩阵(每人第一次交的卷),供 academy stats 分析。"""
    with open_session() as (session, _):
        people = export(read_only(session), exam_id, out, by)
    if as_json:
        emit({"persons": people, "folder": str(out)})
        return
    say(f"{people} 人的作答写在 {out}:responses.csv(选了什么)、scores.csv(得几分)、key.csv(答案)")


@exam.command("rescore")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.option("--dry-run", is_flag=True, help="只看谁会变,不改")
@click.option("--reason", default="", help="改判的原因(会记下来)")
@json_option
def rescore_command(exam_id: int, dry_run: bool, reason: str, as_json: bool) -> None:
    """改判:题库里更正了答案(version 加了 1)之后,按存下的作答重新评分。"""
    bank = {question.id: question for question in current_bank()}
    with open_session() as (session, config):
        found = session.get(Exam, exam_id)
        if found is None:
            raise NotFound(f"没有编号为 {exam_id} 的考试")
        if dry_run:
            told = preview(session, found, bank)
        else:
            told = rescore(session, found, bank, reason, "command", config.zone)
            detail = {
                "reason": reason,
                "items": sorted(told.corrections),
                "attempts": len(told.changes),
            }
            record(session, "command", "exam.rescore", f"exam:{exam_id}", detail)
            session.commit()
    if as_json:
        emit(
            {
                "exam": exam_id,
                "applied": not dry_run,
                "reason": reason,
                "items": sorted(told.corrections),
                "skipped": told.skipped,
                "attempts": told.attempts,
                "changed": [asdict(change) for change in told.changes],
            }
        )
        return
    for item, why in told.skipped.items():
        say(f"跳过 {item}:{why}")
    for change in told.changes:
        word = "" if change.old_passed == change.new_passed else "  合格 ↔ 不合格"
        click.echo(f"{change.name}  {change.old_score:g} → {change.new_score:g}{word}")
    say(
        f"更正了答案的题 {len(told.corrections)} 道;看了 {told.attempts} 份卷,"
        f"{'会变' if dry_run else '改了'} {len(told.changes)} 份"
    )
