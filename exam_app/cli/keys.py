"""`academy keys`: re-encryption of sealed secrets after a key rotation."""

from __future__ import annotations

import click
from sqlalchemy import delete, select

from exam_app.audit.service import record
from exam_app.cli.tools import open_session, say
from exam_app.core.rows import rows_changed
from exam_app.core.sealing import seal_of
from exam_app.identity.models import SecondStep
from training_records.ledger.models import KeptIdentity


@click.group()
def keys() -> None:
    """字段加密的密钥（ACADEMY_FIELD_KEYS）。"""


@keys.command()
def rotate() -> None:
    """换密钥：把新密钥写在 ACADEMY_FIELD_KEYS 最前面、旧的接在后面，运行这个命令，再去掉旧的。"""
    with open_session() as (session, config):
        seal = seal_of(config)
        rows = 0
        for step in session.scalars(select(SecondStep)):
            step.secret = seal.renew(step.secret)
            rows += 1
        for identity in session.scalars(select(KeptIdentity)):
            identity.sealed = seal.renew(identity.sealed)
            rows += 1
        record(session, "cli", "keys.rotate", subject="sealed", detail={"rows": rows})
        session.commit()
    say(f"换好了 {rows} 条。现在可以从 ACADEMY_FIELD_KEYS 去掉旧密钥，再重启服务")


@keys.command("forget-identities")
def forget_identities() -> None:
    """删去所有存着的证件号码（关掉 ACADEMY_KEEP_IDENTITY 以后用）；认人用的摘要还在。"""
    with open_session() as (session, config):
        if config.keep_identity:
            raise click.ClickException("ACADEMY_KEEP_IDENTITY 还开着，请先关掉再删")
        rows = rows_changed(session, delete(KeptIdentity))
        record(
            session, "cli", "keys.forget_identities", subject="kept_identity", detail={"rows": rows}
        )
        session.commit()
    say(f"删去了 {rows} 条")
