"""`academy retention` and `academy person`: retention periods and erasure."""

from __future__ import annotations

import click

from exam_app.audit.service import record
from exam_app.cli.tools import emit, json_option, open_session, say
from exam_app.operations.erasure import erase as erase_person
from exam_app.operations.retention import apply as apply_rules
from training_records.database import now
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Person


@click.group()
def retention() -> None:
    """保存期限（exam_app/operations/retention.yaml）。"""


@retention.command()
@click.option("--dry-run", is_flag=True, help="只数一数，不删")
@json_option
def apply(dry_run: bool, as_json: bool) -> None:
    """删掉过了保存期限的登录、提醒、练习记录等；操作记录和培训档案不删。"""
    with open_session() as (session, _):
        counts = apply_rules(session, now(), only_count=dry_run)
        if not dry_run:
            record(session, "cli", "retention.apply", subject="system", detail=dict(counts))
        session.commit()
    if as_json:
        emit(counts)
    else:
        for name, rows in counts.items():
            click.echo(f"{name:<20}{rows:>10}")
    say("只是数一数，没有删" if dry_run else f"删掉了 {sum(counts.values())} 行")


@click.group()
def person() -> None:
    """人员。"""


@person.command()
@click.argument("number", type=int)
@click.option("--reason", required=True, help="为什么注销，例如“本人申请，离任已满 5 年”")
@click.option("--yes", is_flag=True, help="不再问")
def erase(number: int, reason: str, yes: bool) -> None:
    """注销一个人的个人信息（离任满年限以后）。档案条目留着，认不出是谁；不能恢复。"""
    if not reason.strip():
        raise Refused("请写为什么注销")
    with open_session() as (session, config):
        person_row = session.get(Person, number)
        if person_row is None:
            raise NotFound(f"没有编号为 {number} 的人")
        if not yes:
            click.confirm(
                f"注销 {person_row.name} 的个人信息，不能恢复。确定吗？", abort=True, err=True
            )
        erase_person(session, person_row, now().astimezone(config.zone).date())
        record(
            session,
            "cli",
            "person.erase",
            subject=f"person:{number}",
            detail={"reason": reason.strip()[:100]},
        )
        session.commit()
    say("注销了。档案链仍然完整：可以运行 academy archive verify 核对")
