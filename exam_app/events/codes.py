"""Personal check-in codes: one per person and event, signed by the server."""

from __future__ import annotations

import hmac

from training_records.errors import NotFound


def _signature(secret: str, event_id: int, person_id: int) -> str:
    key = f"door:{secret}".encode()
    return hmac.digest(key, f"{event_id}:{person_id}".encode(), "sha256").hex()[:20]


def own_code(secret: str, event_id: int, person_id: int) -> str:
    """Returns the signed code of a person for an event. `secret` is the application's secret key."""
    return f"{event_id}-{person_id}-{_signature(secret, event_id, person_id)}"


def read_code(secret: str, code: str) -> tuple[int, int]:
    """Returns (event id, person id) of a code. Raises `NotFound` for an invalid signature."""
    parts = code.split("-")
    if len(parts) == 3 and parts[0].isdecimal() and parts[1].isdecimal() and len(code) < 60:
        event_id, person_id = int(parts[0]), int(parts[1])
        if hmac.compare_digest(_signature(secret, event_id, person_id).encode(), parts[2].encode()):
            return event_id, person_id
    raise NotFound("这个码不是本系统的签到码。请学员从“我的培训”里打开自己的码")
