"""`academy exam`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy.orm import Session

from exam_app.audit.service import record
from exam_app.bank.service import current_bank
from exam_app.cli.tools import emit, json_option, open_session, say
from exam_app.core.background import Background
from exam_app.exams.export import GroupBy, export
from exam_app.exams.models import Exam
from exam_app.exams.rescoring import preview, rescore
from exam_app.jobs.service import finish
from exam_app.sheets import printing, service
from exam_app.sheets.reader import ask_reading, scans_job
from training_records.database import make_session_factory, read_only
from training_records.divisions import prefix_of
from training_records.errors import NotFound


@click.group()
def exam() -> None:
    """考试：导出作答、改判、纸质考试。"""


@exam.command("responses")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option(
    "--by", type=click.Choice(["district", "village", "age", "role"]), help="同时写出分组"
)
@json_option
def responses_command(*, exam_id: int, out: Path, by: GroupBy | None, as_json: bool) -> None:
    """导出作答矩阵（每人第一次交的卷），供 academy stats 分析。"""
    with open_session() as (session, _):
        people = export(read_only(session), exam_id, out, by=by)
    if as_json:
        emit({"persons": people, "folder": str(out)})
        return
    say(f"{people} 人的作答写在 {out}:responses.csv(选了什么)、scores.csv(得几分)、key.csv(答案)")


@exam.command("rescore")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.option("--dry-run", is_flag=True, help="只看谁会变，不改")
@click.option("--reason", default="", help="改判的原因（会记下来）")
@json_option
def rescore_command(*, exam_id: int, dry_run: bool, reason: str, as_json: bool) -> None:
    """改判：题库里更正了答案（version 加了 1）之后，按存下的作答重新评分。"""
    bank = {question.id: question for question in current_bank()}
    with open_session() as (session, config):
        exam_row = _exam(session, exam_id)
        if dry_run:
            outcome = preview(session, exam_row, bank)
        else:
            outcome = rescore(
                session, exam_row, bank, reason=reason, actor="command", zone=config.zone
            )
            detail = {
                "reason": reason,
                "items": sorted(outcome.corrections),
                "attempts": len(outcome.changes),
            }
            record(session, "command", "exam.rescore", subject=f"exam:{exam_id}", detail=detail)
            session.commit()
    if as_json:
        emit(
            {
                "exam": exam_id,
                "applied": not dry_run,
                "reason": reason,
                "items": sorted(outcome.corrections),
                "skipped": outcome.skipped,
                "attempts": outcome.attempts,
                "changed": [asdict(change) for change in outcome.changes],
            }
        )
        return
    for item, why in outcome.skipped.items():
        say(f"跳过 {item}：{why}")
    for change in outcome.changes:
        word = "" if change.old_passed == change.new_passed else "  合格 ↔ 不合格"
        click.echo(f"{change.name}  {change.old_score:g} → {change.new_score:g}{word}")
    say(
        f"更正了答案的题 {len(outcome.corrections)} 道；看了 {outcome.attempts} 份卷，"
        f"{'会变' if dry_run else '改了'} {len(outcome.changes)} 份"
    )


@exam.command("sheets")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.option("--division", help="给哪里的人印（区划代码）；不填就是考试的范围")
@click.option("--who", default="", help="只给这些人：手机号或姓名，用逗号分开")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@json_option
def sheets_command(
    *, exam_id: int, division: str | None, who: str, out: Path, as_json: bool
) -> None:
    """纸质考试：做答题卡，把没计分的答题卡和试卷印成 PDF。"""
    with open_session() as (session, _):
        exam_row = _exam(session, exam_id)
        code, prefix = division or exam_row.division_code, prefix_of(exam_row.division_code)
        lines = "\n".join(re.split("[,，]", who))
        people = service.people_for(session, exam_row, prefix, division=code, who=lines)
        sheets, refused = service.make_sheets(session, exam_row, people, actor="command")
        record(
            session,
            "command",
            "exam.sheets",
            subject=f"exam:{exam_id}",
            detail={"sheets": len(sheets)},
        )
        session.commit()
        files = printing.write_all(session, exam_row, prefix, folder=out)
    if as_json:
        emit({"exam": exam_id, "made": len(sheets), "refused": len(refused), "files": files})
        return
    say(f"新做答题卡 {len(sheets)} 张，{len(refused)} 人没有做（已有没用过的，或不用再考）")
    for name in files:
        say(f"{out / name}")


@exam.command("scan")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.argument(
    "files",
    metavar="文件...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@json_option
def scan_command(exam_id: int, files: tuple[Path, ...], as_json: bool) -> None:
    """纸质考试：读扫描的答题卡（PDF 或图片）；要人看的在网页里看。"""
    with open_session() as (session, config):
        exam_row = _exam(session, exam_id)
        scan_files = [
            service.hand_over(
                session,
                exam_row,
                exam_row.division_code,
                name=path.name,
                data=path.read_bytes(),
                actor="command",
            )
            for path in files
        ]
        jobs = [ask_reading(session, file).id for file in scan_files]
        session.commit()
        background = Background(make_session_factory(session.get_bind().engine), config)
        for job_id in jobs:
            finish(background, {"scans": scans_job}, job_id)
        session.expire_all()
        pages = sum(file.read for file in scan_files)
        prefix = prefix_of(exam_row.division_code)
        states = Counter(status.state for status in service.standings(session, exam_row, prefix))
        unused = [
            f"{p.file.name} 第 {p.number} 页：{p.problem}"
            for p in service.problems(session, exam_row, prefix)
        ]
    if as_json:
        emit({"exam": exam_id, "pages": pages, "sheets": dict(states), "unused": unused})
        return
    say(
        f"读了 {pages} 页。没收到 {states['waiting'] + states['part']}，要看 {states['doubts']}，"
        f"可以计分 {states['ready']}，已计分 {states['scored']}"
    )
    for line in unused:
        say(f"没有用上：{line}")


def _exam(session: Session, exam_id: int) -> Exam:
    exam_row = session.get(Exam, exam_id)
    if exam_row is None:
        raise NotFound(f"没有编号为 {exam_id} 的考试")
    return exam_row
