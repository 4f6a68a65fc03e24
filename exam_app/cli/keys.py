"""`academy keys`: what is sealed in the database, sealed anew after the keys have changed."""

from __future__ import annotations

import click
from sqlalchemy import select

from exam_app.accounts.models import SecondStep
from exam_app.audit.service import record
from exam_app.cli.tools import open_session, say
from exam_app.crypto import seal_of


@click.group()
def keys() -> None:
    """字段加密的密钥(ACADEMY_FIELD_KEYS)。"""


@keys.command()
def rotate() -> None:
    """换密钥:把新密钥写在 ACADEMY_FIELD_KEYS 最前面、旧的接在后面,运行这个命令,再去掉旧的。"""
    with open_session() as (session, config):
        seal = seal_of(config)
        rows = list(session.scalars(select(SecondStep)))
        for row in rows:
            row.secret = seal.renew(row.secret)
        record(session, "cli", "keys.rotate", "second_step", {"rows": len(rows)})
        session.commit()
    say(f"换好了 {len(rows)} 条。现在可以从 ACADEMY_FIELD_KEYS 去掉旧密钥,再重启服务")
