"""`academy user`: accounts."""

from __future__ import annotations

import click

from exam_app.audit.service import record
from exam_app.cli.tools import open_session, say
from exam_app.identity.models import ROLES
from exam_app.identity.service import create_account, get_account, reset_password, unlock


@click.group()
def user() -> None:
    """账号：新建、重设密码、解锁。"""


@user.command()
@click.argument("phone")
@click.option("--name", required=True)
@click.option("--role", required=True, type=click.Choice(list(ROLES)))
@click.option("--division", required=True, help="12 位区划编码")
def create(*, phone: str, name: str, role: str, division: str) -> None:
    """新建账号，显示初始密码（只显示一次）。"""
    with open_session() as (session, _):
        account, password = create_account(session, phone, name, role=role, division_code=division)
        record(
            session, "cli", "account.create", subject=f"account:{account.id}", detail={"role": role}
        )
        session.commit()
    click.echo(f"{phone} 的初始密码：{password}")


@user.command("reset-password")
@click.argument("phone")
def reset(phone: str) -> None:
    """重设为新的初始密码。"""
    with open_session() as (session, _):
        account = get_account(session, phone)
        password = reset_password(session, account)
        record(session, "cli", "password.reset", subject=f"account:{account.id}")
        session.commit()
    click.echo(f"{phone} 的初始密码：{password}")


@user.command("unlock")
@click.argument("phone")
def unlock_command(phone: str) -> None:
    """解除密码输错后的锁定。"""
    with open_session() as (session, _):
        account = get_account(session, phone)
        unlock(session, phone)
        record(session, "cli", "account.unlock", subject=f"account:{account.id}")
        session.commit()
    say("已解锁")
