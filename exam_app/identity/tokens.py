"""API tokens for scripts: created on the account page, with a scope and an expiry."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from exam_app.identity.models import Account, ApiToken
from exam_app.identity.service import token_hash
from training_records.database import now
from training_records.errors import NotFound, Refused

SCOPES = {"read": "只读", "write": "读和写"}
MAX_DAYS, MAX_TOKENS = 365, 10
MARK = "acad_"


def make_token(session: Session, account: Account, name: str, *, scope: str, days: int) -> str:
    """Creates a token and returns it; it is shown once, only its hash is stored."""
    if scope not in SCOPES:
        raise Refused("请选令牌能做什么")
    if not name.strip():
        raise Refused("请写给谁用，例如“统计脚本”")
    if not 1 <= days <= MAX_DAYS:
        raise Refused(f"有效期 1 到 {MAX_DAYS} 天")
    if len(tokens_of(session, account.id)) >= MAX_TOKENS:
        raise Refused(f"最多同时有 {MAX_TOKENS} 个令牌，请先删掉不用的")
    text = MARK + secrets.token_urlsafe(32)
    session.add(
        ApiToken(
            digest=token_hash(text),
            account_id=account.id,
            name=name.strip()[:40],
            scope=scope,
            expires_at=now() + timedelta(days=days),
        )
    )
    session.flush()
    return text


def tokens_of(session: Session, account_id: int) -> list[ApiToken]:
    """The valid tokens of an account, latest first."""
    query = select(ApiToken).where(ApiToken.account_id == account_id, ApiToken.expires_at > now())
    return list(session.scalars(query.order_by(ApiToken.created_at.desc())))


def find_token(session: Session, text: str) -> tuple[Account, str] | None:
    """The account and scope of a valid token, None otherwise."""
    row = session.scalar(
        select(ApiToken)
        .where(ApiToken.digest == token_hash(text), ApiToken.expires_at > now())
        .options(joinedload(ApiToken.account))
    )
    return (row.account, row.scope) if row and row.account.active else None


def revoke(session: Session, account_id: int, handle: str) -> None:
    """Deletes a token. `handle`: the first digits of its hash, at least 12. NotFound when there is none."""
    row = next((t for t in tokens_of(session, account_id) if t.digest.startswith(handle)), None)
    if row is None or len(handle) < 12:
        raise NotFound("没有这个令牌")
    session.delete(row)
    session.flush()
