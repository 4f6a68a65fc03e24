"""What pages write into the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from flask import (
    g,
    request,
)

from exam_app.audit.service import record
from exam_app.web.current import (
    account,
    actor,
)
from exam_app.web.limits import GROUPS
from exam_app.web.session import (
    begin_writing,
    db,
    end_writing,
)


def export_reason() -> str:
    """Why somebody takes personal data along, as they said."""
    return " ".join(request.args.get("reason", "").split())[:60]


def audit(action: str, subject: str, detail: Mapping[str, object] | None = None) -> None:
    """Records in the audit log what the signed-in account did, with the reason that was asked for."""
    if GROUPS.get(request.endpoint or "") == "export" and (reason := export_reason()):
        detail = {**(detail or {}), "reason": reason}
    record(db(), actor(), action, subject, detail, account().division_code, g.request_id)


def audit_read(action: str, subject: str, detail: Mapping[str, object] | None = None) -> None:
    """Records what a view that only reads has handed out, once it is made: nobody waits for the writer of
    SQLite meanwhile."""
    begin_writing()
    audit(action, subject, detail)
    end_writing()
