"""Audit-log entries written by pages."""

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
    """The stated reason for exporting personal data, from the query string."""
    return " ".join(request.args.get("reason", "").split())[:60]


def audit(action: str, subject: str, detail: Mapping[str, object] | None = None) -> None:
    """Records an action of the signed-in account in the audit log; an export with its stated reason."""
    if GROUPS.get(request.endpoint or "") == "export" and (reason := export_reason()):
        detail = {**(detail or {}), "reason": reason}
    record(
        db(),
        actor(),
        action,
        subject=subject,
        detail=detail,
        scope=account().division_code,
        request_id=g.request_id,
    )


def audit_read(action: str, subject: str, detail: Mapping[str, object] | None = None) -> None:
    """Records what a read-only view has handed out.

    Called once the response is built, so that SQLite's write lock is held only for the entry.
    """
    begin_writing()
    audit(action, subject, detail)
    end_writing()
