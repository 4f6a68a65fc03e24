"""A person's own code for the door: theirs for one event, signed by the server."""

from __future__ import annotations

import hmac

from flask import url_for

from exam_app import web
from training_records.errors import NotFound


def _signature(event_id: int, person_id: int) -> str:
    key = f"door:{web.config().secret_key}".encode()
    return hmac.digest(key, f"{event_id}:{person_id}".encode(), "sha256").hex()[:20]


def own_code(event_id: int, person_id: int) -> str:
    """The code of a person for an event."""
    return f"{event_id}-{person_id}-{_signature(event_id, person_id)}"


def door_link(event_id: int, person_id: int) -> str:
    """The address in a person's own code."""
    return web.config().public_url + url_for("check_in.at_door", code=own_code(event_id, person_id))


def read_code(code: str) -> tuple[int, int]:
    """(event, person) of a code, or NotFound when it was not made here."""
    parts = code.split("-")
    if len(parts) == 3 and parts[0].isdecimal() and parts[1].isdecimal() and len(code) < 60:
        event_id, person_id = int(parts[0]), int(parts[1])
        if hmac.compare_digest(_signature(event_id, person_id).encode(), parts[2].encode()):
            return event_id, person_id
    raise NotFound("这个码不是本系统的签到码。请学员从“我的培训”里打开自己的码")
