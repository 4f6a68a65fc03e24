"""What the pages of events share: whose event it is, where its codes lead, and what a form says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from flask import request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.events.codes import own_code
from training_records.divisions import get_division
from training_records.errors import Refused
from training_records.events import planning
from training_records.events.models import Event


def own_prefix() -> str:
    """The prefix of the codes that the one who asks has in scope."""
    return web.scope().prefix


def event_within(event_id: int) -> Event:
    """An event that the one who asks may see, or NotFound."""
    return planning.get_event(web.db(), event_id, own_prefix())


def own_event(event_id: int) -> Event:
    """An event that the one who asks may change, or NotFound."""
    return planning.own_event(web.db(), event_id, own_prefix())


def door_link(event_id: int, person_id: int) -> str:
    """The address in a person's own code."""
    code = own_code(web.config().secret_key, event_id, person_id)
    return web.config().public_url + url_for("check_in.at_door", code=code)


def organiser() -> str:
    """The office of the one who asks, as papers name it."""
    own = get_division(web.db(), web.account().division_code)
    return f"{own.name}民政局" if own.level in ("city", "district") else own.name


def moment(name: str, what: str) -> datetime:
    """A date and time of the form, in the offices' zone; `Refused` says which is missing."""
    try:
        told = datetime.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise Refused(f"请填{what}") from None
    return told.replace(tzinfo=web.config().zone) if told.tzinfo is None else told


def whole_number(name: str, what: str) -> int:
    """A number from 0 of at most nine digits; `Refused` otherwise."""
    text = request.form.get(name, "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Refused(f"{what}要填整数")
    return int(text)


def decimal(name: str, what: str) -> Decimal:
    """A finite number; `Refused` otherwise."""
    try:
        value = Decimal(request.form.get(name, "").strip())
    except InvalidOperation:
        raise Refused(f"{what}要填数字") from None
    if not value.is_finite():
        raise Refused(f"{what}要填数字")
    return value


def words(name: str, most: int) -> str:
    """A line of the form without needless blanks, `most` characters of it."""
    return " ".join(request.form.get(name, "").split())[:most]


def try_event(event_id: int, verb: Callable[[], str | None]) -> Response:
    """Does it and goes back to the event, with what was done or why it was refused."""
    return web.try_to(verb, url_for("events.show", event_id=event_id))
