"""The request's database session."""

from __future__ import annotations

from typing import cast

from flask import (
    current_app,
    g,
    request,
    session,
)
from flask_login import current_user
from sqlalchemy.orm import Session

from exam_app.core.replica import START, wal_position
from exam_app.identity.models import Account
from exam_app.web.access import View
from exam_app.web.current import SAFE, account, bearer, person_id
from exam_app.web.services import services
from training_records.database import read_only
from training_records.ledger.models import Person


def db() -> Session:
    """The request's session: read-only for safe methods, else writable; the view commits.

    `writes` and `only_reads` override this by view.
    """
    if "session" not in g:
        session = services().session_factory()
        g.session = session if _is_writing() else read_only(session)
    return cast(Session, g.session)


def own_account() -> Account:
    """The signed-in account, attached to the request's session so that it can be changed."""
    return db().get_one(Account, account().id)


def own_person() -> Person:
    """The person behind the account; NotFound for office accounts."""
    return db().get_one(Person, person_id())


def release_session() -> None:
    """Closes the request's session, e.g. before another session writes on its behalf."""
    session = g.pop("session", None)
    if session is not None:
        session.close()


def begin_writing() -> Session:
    """Replaces the request's session by a writable one; `end_writing` commits it.

    A view that only reads at first holds SQLite's write lock for a shorter time.
    """
    release_session()
    g.session = services().session_factory()
    return cast(Session, g.session)


def end_writing() -> None:
    """Commits and makes the session read-only again."""
    db().commit()
    read_only(db())


def _is_writing() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "writes", request.method not in SAFE))


def writes(view: View) -> View:
    """Marks a GET view that writes (e.g. when a unit was first opened)."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def report(view: View) -> View:
    """Marks a GET view that may read from the replica."""
    view.report = True  # type: ignore[attr-defined]
    return view


def use_replica() -> None:
    replica = services().replica
    # Scripts keep no cookie, so the position of their last write is unknown.
    if replica is not None and bearer() is None:
        replica_session = replica.session(session.get("wrote", START))
        if replica_session is not None:
            release_session()
            g.session = replica_session


def note_write_position() -> None:
    """Stores the primary's WAL position in the session cookie; the replica must reach it to be read."""
    if services().replica is not None and not current_user.is_anonymous:
        with services().session_factory() as primary:
            session["wrote"] = wal_position(read_only(primary))


def only_reads(view: View) -> View:
    """Marks a view that writes nothing through the request's session, whatever its method."""
    view.writes = False  # type: ignore[attr-defined]
    return view
