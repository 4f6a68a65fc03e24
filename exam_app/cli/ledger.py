"""`academy ledger`: import, template and export of the ledger."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from exam_app.audit.service import record
from exam_app.cli.tools import emit, json_option, open_session, stop, write_file
from exam_app.identity.service import claimed
from exam_app.ledger.importing import digest_key, sealing
from training_records.archive.ledger_export import write_ledger
from training_records.corrections.batches import import_ledger
from training_records.database import now, read_only
from training_records.divisions import get_division, prefix_of
from training_records.errors import RecordsError
from training_records.files import written_whole
from training_records.ledger.template import errors_workbook, template

CITY = "370200000000"


@click.group()
def ledger() -> None:
    """台账：导入、模板、导出。"""


@ledger.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@click.option("--accept-good", is_flag=True, help="有问题的行放下，其余写入")
@click.option("--division", default=CITY, show_default=True, help="只接受这个区划内的行")
@click.option(
    "--errors", "errors_file", type=click.Path(dir_okay=False), help="把要改的地方写成 Excel"
)
@json_option
def import_command(
    *,
    file: str,
    dry_run: bool,
    accept_good: bool,
    division: str,
    errors_file: str | None,
    as_json: bool,
) -> None:
    """导入办公室的 Excel 台账；有一行有问题就都不写入。"""
    with open_session() as (session, config):
        get_division(session, division)
        report = import_ledger(
            session,
            Path(file).read_bytes(),
            prefix=prefix_of(division),
            today=now().astimezone(config.zone).date(),
            digest_key=digest_key(config.secret_key),
            sealed=sealing(config),
            dry_run=dry_run,
            accept_good=accept_good,
        )
        if report.applied:
            record(
                session,
                "cli",
                "ledger.import",
                subject=f"division:{division}",
                detail={
                    "new": report.new,
                    "changed": report.changed,
                    "left_out": len(report.errors),
                },
            )
            session.commit()
    if errors_file:
        write_file(errors_file, errors_workbook(report.errors))
    if as_json:
        emit(report.as_dict())
    else:
        for error in report.errors:
            click.echo(f"第 {error.row} 行 {error.column}“{error.value}”：{error.reason}")
        outcome = "已写入" if report.applied else "没有写入"
        click.echo(
            f"共 {report.rows} 行：新增 {report.new}，更新 {report.changed}，没有变化 {report.unchanged}，"
            f"要改 {len(report.errors)} 处。{outcome}"
        )
    stop(1 if report.errors else 0)


@ledger.command("template")
@click.argument("out", type=click.Path(dir_okay=False))
def template_command(out: str) -> None:
    """写一份空白模板（带下拉和示例）。"""
    write_file(out, template())


@ledger.command("export")
@click.argument("out", type=click.Path(dir_okay=False))
@click.option("--division", default=CITY, show_default=True)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="某一天的台账（默认今天）")
def export_command(out: str, division: str, as_of: date | None) -> None:
    """按上级表头导出台账，含工作及培训经历。"""
    with open_session() as (session, config):
        division_row = get_division(session, division)
        day = as_of.date() if as_of else now().astimezone(config.zone).date()  # type: ignore[attr-defined]
        session.rollback()
        read_only(session)
        try:
            with written_whole(Path(out)) as half, half.open("wb") as file:
                rows = write_ledger(
                    session,
                    prefix_of(division),
                    division_row.name,
                    as_of=day,
                    out=file,
                    claimed=claimed,
                )
        except OSError as error:
            raise RecordsError(f"写不了 {out}：{error.strerror}。请换一个文件夹") from error
        session.rollback()
        record(
            session, "cli", "ledger.export", subject=f"division:{division}", detail={"rows": rows}
        )
        session.commit()
