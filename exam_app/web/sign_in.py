"""Who is signed in: by the session cookie, or by a script's token."""

from __future__ import annotations

import structlog
from flask import Flask, Request, g
from flask_login import LoginManager, UserMixin

from exam_app.identity.models import Account
from exam_app.identity.service import find_session, token_hash
from exam_app.identity.tokens import find_token
from exam_app.web.current import bearer, within_idle_timeout
from exam_app.web.session import db


class SignedIn(UserMixin):
    """What Flask-Login keeps: the session token, the account behind it, and what it may do (read, write)."""

    def __init__(self, token: str, account: Account, scope: str = "write") -> None:
        self.id, self.account, self.scope = token, account, scope


def init_sign_in(app: Flask) -> None:
    """Sets up Flask-Login."""
    manager = LoginManager(app)

    @manager.user_loader
    def _load(token: str) -> SignedIn | None:
        if "without_account" in g:
            return None
        account = find_session(db(), token)
        if account is None or not within_idle_timeout(account):
            return None
        structlog.contextvars.bind_contextvars(account=account.id)
        return SignedIn(token, account)

    @manager.request_loader
    def _bearer(_request: Request) -> SignedIn | None:
        text = bearer()
        found = find_token(db(), text) if text and "without_account" not in g else None
        return SignedIn(f"token:{token_hash(text or '')}", *found) if found else None
