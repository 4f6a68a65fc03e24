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

from exam_app.core.replica import START, place_in_log
from exam_app.identity.models import Account
from exam_app.web.access import View
from exam_app.web.current import SAFE, account, bearer, person_id
from exam_app.web.services import services
from training_records.database import read_only
from training_records.ledger.models import Person


def db() -> Session:
    """The request's session: reading for GET, else writing; committed by the view or `commit`."""
    if "session" not in g:
        session = services().session_factory()
        g.session = session if _is_writing() else read_only(session)
    return cast(Session, g.session)


def own_account() -> Account:
    """The signed-in account in the request's session, to be changed there."""
    return db().get_one(Account, account().id)


def own_person() -> Person:
    """The person that the account stands for; NotFound for offices' accounts."""
    return db().get_one(Person, person_id())


def release_session() -> None:
    """Gives the request's session back before somebody else writes for it."""
    session = g.pop("session", None)
    if session is not None:
        session.close()


def begin_writing() -> Session:
    """Ends reading and gives the request a session that writes: a view that only reads at first keeps the
    one writer of SQLite for a shorter while. `end_writing` commits it."""
    release_session()
    g.session = services().session_factory()
    return cast(Session, g.session)


def end_writing() -> None:
    """Commits, and goes on reading with the same session."""
    db().commit()
    read_only(db())


def _is_writing() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "writes", request.method not in SAFE))


def writes(view: View) -> View:
    """Marks a GET view that notes something (e.g. when a unit was first opened)."""
    view.writes = True  # type: ignore[attr-defined]
    return view


def report(view: View) -> View:
    """Marks a GET view that may read a copy of the database, where there is one."""
    view.report = True  # type: ignore[attr-defined]
    return view


def use_replica() -> None:
    replica = services().replica
    # A script keeps no cookie: nobody knows what it wrote last.
    if replica is not None and bearer() is None:
        copy = replica.session(session.get("wrote", START))
        if copy is not None:
            release_session()
            g.session = copy


def note_write_position() -> None:
    """Keeps in the cookie how far a copy must have come to show what was just written."""
    if services().replica is not None and not current_user.is_anonymous:
        with services().session_factory() as primary:
            session["wrote"] = place_in_log(read_only(primary))


def only_reads(view: View) -> View:
    """Marks a view that changes nothing through the request's session, whatever its method."""
    view.writes = False  # type: ignore[attr-defined]
    return view
