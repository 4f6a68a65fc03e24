"""`academy bank import` and `bank export`: exchange of items with other systems."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click
import yaml

from exam_app.cli.bank import bank
from exam_app.cli.tools import emit, json_option, say, stop, write_file
from question_bank import load_bank
from question_bank.bank import ITEMS
from question_bank.formats import FORMATS, Skipped
from question_bank.question import dump_question

format_option = click.option(
    "--format", "form", type=click.Choice(sorted(FORMATS)), required=True, help="文件格式"
)


@bank.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@format_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--prefix", default="imported", show_default=True, help="编号的前缀")
@json_option
def import_command(*, file: Path, form: str, out: Path, prefix: str, as_json: bool) -> None:
    """从别的系统导入题目，作为草稿写进文件夹；放不下的跳过并说明原因。"""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", prefix):
        raise click.BadParameter("前缀要用小写字母、数字和下划线，字母开头", param_hint="--prefix")
    result = FORMATS[form][0](file.read_bytes())
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{prefix}.yaml"
    known = load_bank(out, strict=False).questions if target.exists() else {}
    used = [int(i.rsplit("-", 1)[1]) for i in known if i.startswith(f"{prefix}-")]
    start = max(used, default=0) + 1
    items = [
        {**dump_question(q), "id": f"{prefix}-{number:04d}"}
        for number, q in enumerate(result.questions, start=start)
    ]
    if items:
        text = "\n".join(
            yaml.safe_dump([item], allow_unicode=True, sort_keys=False, width=100) for item in items
        )
        before = target.read_text("utf-8") + "\n" if target.exists() else ""
        target.write_text(before + text, "utf-8")
    _report("imported", len(items), result.skipped, as_json=as_json)
    if items:
        say(f"草稿写在 {target}，审定前请补出处、知识库、主题和层次")


@bank.command("export")
@click.argument("out", type=click.Path(dir_okay=False))
@format_option
@click.option("--topic", default="", help="只导出这个主题")
@click.option("--dir", "folder", type=click.Path(exists=True, file_okay=False), default=str(ITEMS))
@json_option
def export_command(*, out: str, form: str, topic: str, folder: str, as_json: bool) -> None:
    """把题库导出给别的系统；放不下的跳过并说明原因。"""
    chosen = [q for q in load_bank(Path(folder)) if not topic or q.topic == topic]
    data, skipped = FORMATS[form][1](chosen)
    write_file(out, data)
    _report("exported", len(chosen) - len(skipped), skipped, as_json=as_json)


def _report(verb: str, count: int, skipped: list[Skipped], *, as_json: bool) -> None:
    if as_json:
        emit({verb: count, "skipped": [asdict(s) for s in skipped]})
    else:
        for entry in skipped:
            click.echo(f"跳过 {entry.where} {entry.name}：{entry.reason}")
        click.echo(f"{'导入' if verb == 'imported' else '导出'} {count} 题，跳过 {len(skipped)} 处")
    if not count and skipped:
        stop(1)
