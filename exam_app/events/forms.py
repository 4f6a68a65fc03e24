"""Shared by the event pages: scope checks, check-in links and form parsing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from flask import request, url_for

from exam_app import web
from exam_app.events.codes import own_code
from training_records.divisions import get_division
from training_records.errors import Refused
from training_records.events import planning
from training_records.events.models import Event


def own_prefix() -> str:
    """The division code prefix of the account's scope."""
    return web.scope().prefix


def event_within(event_id: int) -> Event:
    """Returns an event that the account may see. Raises `NotFound` otherwise."""
    return planning.get_event(web.db(), event_id, own_prefix())


def own_event(event_id: int) -> Event:
    """Returns an event that the account may change. Raises `NotFound` otherwise."""
    return planning.own_event(web.db(), event_id, own_prefix())


def door_link(event_id: int, person_id: int) -> str:
    """Returns the URL in a person's check-in code."""
    code = own_code(web.config().secret_key, event_id, person_id)
    return web.config().public_url + url_for("check_in.at_door", code=code)


def organiser() -> str:
    """The name of the account's office, as documents print it."""
    division = get_division(web.db(), web.account().division_code)
    return f"{division.name}民政局" if division.level in ("city", "district") else division.name


def moment(name: str, what: str) -> datetime:
    """Parses a date and time of the form, in the configured zone unless it names one. Raises `Refused` otherwise."""
    try:
        parsed = datetime.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Refused(f"请填{what}") from None
    return parsed.replace(tzinfo=web.config().zone) if parsed.tzinfo is None else parsed


def whole_number(name: str, what: str) -> int:
    """Parses a whole number from 0 with at most nine digits. Raises `Refused` otherwise."""
    text = request.form.get(name, "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Refused(f"{what}要填整数")
    return int(text)


def decimal(name: str, what: str) -> Decimal:
    """Parses a finite decimal number. Raises `Refused` otherwise."""
    try:
        value = Decimal(request.form.get(name, "").strip())
    except InvalidOperation:
        raise Refused(f"{what}要填数字") from None
    if not value.is_finite():
        raise Refused(f"{what}要填数字")
    return value


def words(name: str, most: int) -> str:
    """Returns a form field with whitespace collapsed, cut to `most` characters."""
    return " ".join(request.form.get(name, "").split())[:most]
