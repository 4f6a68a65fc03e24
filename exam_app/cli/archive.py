"""`academy archive` and `academy audit`."""

from __future__ import annotations

import json as jsonlib
from dataclasses import asdict

import click

from exam_app.archive.anchors import outside
from exam_app.archive.data import person_data
from exam_app.audit import service as audit_service
from exam_app.cli.tools import emit, json_option, open_session, stop, write_file
from training_records.archive.service import verify as verify_archive
from training_records.chain import Break
from training_records.database import now
from training_records.documents.archive import archive_data, archive_docx, archive_pdf
from training_records.errors import NotFound
from training_records.ledger.models import Person


@click.group()
def archive() -> None:
    """培训档案：导出、校验。"""


@archive.command()
@json_option
def verify(as_json: bool) -> None:
    """校验整条记录链，找出被改、被删、被插入的地方。"""
    with open_session() as (session, config):
        _show(*verify_archive(session, outside(config)), as_json)


@archive.command("export")
@click.argument("person", type=int)
@click.option(
    "--format",
    "form",
    type=click.Choice(["pdf", "docx", "json"]),
    default="json",
    show_default=True,
)
@click.option("--out", required=True, type=click.Path(dir_okay=False))
def export(person: int, form: str, out: str) -> None:
    """导出一个人的培训档案。"""
    with open_session() as (session, config):
        person_row = session.get(Person, person)
        if person_row is None:
            raise NotFound(f"没有编号为 {person} 的人")
        if form == "json":
            data = jsonlib.dumps(
                person_data(session, person_row), ensure_ascii=False, indent=2, default=str
            ).encode()
        else:
            archive_content = archive_data(
                session, person_row, now().astimezone(config.zone).date()
            )
            data = archive_pdf(archive_content) if form == "pdf" else archive_docx(archive_content)
        audit_service.record(
            session, "cli", "archive.export", subject=f"person:{person}", detail={"form": form}
        )
        session.commit()
    write_file(out, data)


@click.group()
def audit() -> None:
    """操作记录：查看、校验。"""


@audit.command()
@click.option("--lines", "-n", default=20, show_default=True, type=click.IntRange(1, 10000))
@json_option
def tail(lines: int, as_json: bool) -> None:
    """最近的操作。"""
    with open_session() as (session, _):
        rows = [
            {
                "seq": e.seq,
                "at": e.created_at.isoformat(),
                "actor": e.created_by,
                "action": e.action,
                "subject": e.subject,
                "detail": e.detail,
            }
            for e in audit_service.tail(session, lines)
        ]
    if as_json:
        emit(rows)
    else:
        for r in rows:
            click.echo(
                f"{r['seq']:>6} {r['at']} {r['actor']} {r['action']} {r['subject']} {r['detail'] or ''}"
            )


@audit.command("verify")
@json_option
def verify_audit(as_json: bool) -> None:
    """校验操作记录链，也和每日存档的链尾核对。"""
    with open_session() as (session, config):
        _show(*audit_service.verify(session, outside(config)), as_json)


def _show(count: int, breaks: list[Break], as_json: bool) -> None:
    if as_json:
        emit({"entries": count, "ok": not breaks, "breaks": [asdict(b) for b in breaks]})
    else:
        for b in breaks:
            click.echo(f"{b.chain} 第 {b.seq} 条：{b.reason}")
        click.echo(
            f"校验 {count} 条，" + ("没有发现改动" if not breaks else f"发现 {len(breaks)} 处问题")
        )
    stop(1 if breaks else 0)
