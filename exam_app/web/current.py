"""The current request: configuration, account, scope, day."""

from __future__ import annotations

from datetime import date
from typing import cast

from flask import (
    current_app,
    request,
    session,
)
from flask_login import current_user

from exam_app.config import Config
from exam_app.identity.models import Account
from exam_app.identity.service import token_hash
from exam_app.web.access import MANAGERS, Scope, scope_of
from training_records.database import now
from training_records.errors import NotFound

API = "/api/"
SAFE = ("GET", "HEAD", "OPTIONS")


# Idle seconds after which an office account has to sign in again.
OFFICE_IDLE = 2 * 3600


def config() -> Config:
    """The configuration of the running application."""
    return cast(Config, current_app.config["ACADEMY"])


def within_idle_timeout(user: Account) -> bool:
    """Whether an office account was used within `OFFICE_IDLE`; updates the time of last use.

    Office computers may stand in shared rooms. The time is kept in the signed cookie. Other
    accounts, used on personal phones, have no idle timeout.
    """
    at, last = int(now().timestamp()), session.get("at", 0)
    if user.role in MANAGERS and last and at - last > OFFICE_IDLE:
        return False
    if at - last > 60:
        session["at"] = at
    return True


def bearer() -> str | None:
    """The bearer token of an API request, if any."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" and is_api() else None


def second_step_required() -> bool:
    """Whether the signed-in account must have two-step verification set up."""
    return config().second_step == "required" and not config().demo and account().role in MANAGERS


def account() -> Account:
    """The signed-in account."""
    return cast(Account, current_user.account)


def scope() -> Scope:
    """The signed-in account's scope."""
    return scope_of(account())


def session_hash() -> str:
    """The hash of the session token; identifies the sign-in that holds an attempt."""
    return token_hash(current_user.id)


def person_id() -> int:
    """The person behind the account; NotFound for office accounts."""
    if account().person_id is None:
        raise NotFound("您的账号没有对应的任职人员，这里没有您的学习和考试")
    return cast(int, account().person_id)


def today() -> date:
    """Today's date in the offices' time zone."""
    return now().astimezone(config().zone).date()


def actor() -> str:
    """The signed-in account as identified in logs and records."""
    return f"account:{account().id}"


def is_api() -> bool:
    """Whether the request is for the JSON API, where tokens are accepted."""
    return request.path.startswith(API)


def wants_json() -> bool:
    """Whether a refusal is told as data: to the API's callers, and to scripts of pages, which ask for it."""
    accepted = request.accept_mimetypes
    return is_api() or (accepted["application/json"] > accepted["text/html"])
