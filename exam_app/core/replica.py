"""A copy of the database that reports are read from, where there is one (PostgreSQL, streaming replication).

Whoever has just written sees what they wrote: after a change the place in the primary's log is kept in their
signed cookie, and the copy is read only when it has come as far. When it has not, follows no longer, or does
not answer, the primary is read.
"""

from __future__ import annotations

import time

import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config
from training_records.database import (
    engine_url,
    make_engine,
    make_session_factory,
    read_only,
)

log = structlog.get_logger()
# Seconds: to connect, and until a copy that did not answer is asked again.
CONNECT, PAUSE = 2, 10.0
_FOLLOWS = text(
    "SELECT NOT pg_is_in_recovery() OR (EXISTS (SELECT FROM pg_stat_wal_receiver) "
    "AND pg_last_wal_replay_lsn() >= CAST(:wrote AS pg_lsn))"
)
_PLACE = text("SELECT pg_current_wal_lsn()::text")
START = "0/0"


class Replica:
    """The copy at ``ACADEMY_REPLICA_URL``."""

    def __init__(self, url: str) -> None:
        whole = engine_url(url).update_query_dict({"connect_timeout": str(CONNECT)})
        self._engine = make_engine(whole.render_as_string(hide_password=False))
        self._factory: sessionmaker[Session] = make_session_factory(self._engine)
        self._again = 0.0

    def session(self, wrote: str) -> Session | None:
        """A session that reads the copy, None when the primary has to be read. `wrote`: how far the copy
        must have come."""
        if time.monotonic() < self._again:
            return None
        session = self._factory()
        try:
            if read_only(session).scalar(_FOLLOWS, {"wrote": wrote}):
                return session
        except OperationalError as error:
            self._again = time.monotonic() + PAUSE
            log.warning("replica", error=type(error.orig).__name__)
        session.close()
        return None

    def close(self) -> None:
        self._engine.dispose()


def make_replica(config: Config) -> Replica | None:
    """The copy that is configured, if any."""
    return Replica(config.replica_url) if config.replica_url else None


def place_in_log(session: Session) -> str:
    """How far the primary's log has come: what was committed before lies before it."""
    return str(session.scalar(_PLACE))
