"""The read replica for reports (PostgreSQL, streaming replication).

Read-your-writes: after a change the primary's WAL position is stored in the signed cookie, and the
replica is read only once it has replayed that far. When it lags, has stopped replicating or doesn't
answer, the primary is read.
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
# Seconds: connection timeout, and pause before a replica that failed is tried again.
CONNECT, PAUSE = 2, 10.0
_HAS_REPLAYED = text(
    "SELECT NOT pg_is_in_recovery() OR (EXISTS (SELECT FROM pg_stat_wal_receiver) "
    "AND pg_last_wal_replay_lsn() >= CAST(:wrote AS pg_lsn))"
)
_POSITION = text("SELECT pg_current_wal_lsn()::text")
START = "0/0"


class Replica:
    """The replica at ``ACADEMY_REPLICA_URL``."""

    def __init__(self, url: str) -> None:
        whole = engine_url(url).update_query_dict({"connect_timeout": str(CONNECT)})
        self._engine = make_engine(whole.render_as_string(hide_password=False))
        self._factory: sessionmaker[Session] = make_session_factory(self._engine)
        self._retry_at = 0.0

    def session(self, wrote: str) -> Session | None:
        """A session on the replica, None when the primary must be read. `wrote`: the WAL position it must
        have replayed."""
        if time.monotonic() < self._retry_at:
            return None
        session = self._factory()
        try:
            if read_only(session).scalar(_HAS_REPLAYED, {"wrote": wrote}):
                return session
        except OperationalError as error:
            self._retry_at = time.monotonic() + PAUSE
            log.warning("replica", error=type(error.orig).__name__)
        session.close()
        return None

    def close(self) -> None:
        self._engine.dispose()


def make_replica(config: Config) -> Replica | None:
    """The configured replica, if any."""
    return Replica(config.replica_url) if config.replica_url else None


def wal_position(session: Session) -> str:
    """The primary's current WAL position; everything committed so far lies before it."""
    return str(session.scalar(_POSITION))
