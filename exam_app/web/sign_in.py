"""Authentication of a request: by session cookie or by bearer token."""

from __future__ import annotations

import structlog
from flask import Flask, Request, g, request, session
from flask_login import LoginManager, UserMixin, login_user

from exam_app.identity.models import Account
from exam_app.identity.service import Device, find_session, sign_out, token_hash
from exam_app.identity.tokens import find_token
from exam_app.web.current import bearer, within_idle_timeout
from exam_app.web.interrupted import clear_session
from exam_app.web.session import db


class SignedIn(UserMixin):
    """The user object of Flask-Login: session token, account and scope (read, write)."""

    def __init__(self, token: str, account: Account, scope: str = "write") -> None:
        self.id, self.account, self.scope = token, account, scope


def init_sign_in(app: Flask) -> None:
    """Registers the loaders for the session cookie and for bearer tokens."""
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
        match = find_token(db(), text) if text and "without_account" not in g else None
        return SignedIn(f"token:{token_hash(text or '')}", *match) if match else None


def remember(account: Account, token: str) -> None:
    """Binds the browser to a new session; everything in the old one is dropped."""
    before = session.get("_user_id")
    if before:
        # Ends the previous sign-in on this browser, and with it its hold on a running exam.
        sign_out(db(), before)
        db().commit()
    clear_session()
    session.permanent = True
    login_user(SignedIn(token, account))


_SYSTEMS = (
    ("Android", "安卓手机"),
    ("iPhone", "苹果手机"),
    ("iPad", "苹果平板"),
    ("Windows", "Windows 电脑"),
    ("Macintosh", "苹果电脑"),
    ("Linux", "Linux 电脑"),
)
_BROWSERS = (
    ("MicroMessenger", "微信"),
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)


def device() -> Device:
    """The device behind a request, described so that its owner recognises it."""
    user_agent = request.user_agent.string
    parts = [
        next((word for mark, word in names if mark in user_agent), "")
        for names in (_SYSTEMS, _BROWSERS)
    ]
    return Device(" ".join(p for p in parts if p) or "别的程序", request.remote_addr or "")
