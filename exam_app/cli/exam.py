"""`academy exam`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from exam_app.cli.tools import emit, json_option, open_session, say
from exam_app.exams.export import export
from training_records.database import read_only


@click.group()
def exam() -> None:
    """考试:导出作答。"""


@exam.command("responses")
@click.argument("exam_id", metavar="考试编号", type=int)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--by", type=click.Choice(["district", "age", "role"]), help="同时写出分组")
@json_option
def responses_command(exam_id: int, out: Path, by: Any, as_json: bool) -> None:
    """导出作答矩阵(每人第一次交的卷),供 academy stats 分析。"""
    with open_session() as (session, _):
        people = export(read_only(session), exam_id, out, by)
    if as_json:
        emit({"persons": people, "folder": str(out)})
        return
    say(f"{people} 人的作答写在 {out}:responses.csv(选了什么)、scores.csv(得几分)、key.csv(答案)")
