"""The job queue: Procrastinate's tables on PostgreSQL.

On other engines the rows of `Job` are the queue, and the in-process worker polls them.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

JOBS, CHORES = "jobs", "chores"
TASK = "job"
TABLE = "procrastinate_jobs"
_known: WeakKeyDictionary[Engine, bool] = WeakKeyDictionary()
# Only for enqueueing in the caller's transaction; the app is never opened.
_app = App(connector=SyncPsycopgConnector())


def has_queue(connection: Connection) -> bool:
    """Whether the database has the queue's tables (PostgreSQL, after the migrations)."""
    engine = connection.engine
    if engine not in _known:
        _known[engine] = connection.dialect.name == "postgresql" and inspect(connection).has_table(
            TABLE
        )
    return _known[engine]


def put(session: Session, number: int) -> None:
    """Enqueues a job in the session's transaction."""
    connection = session.connection()
    if not has_queue(connection):
        return
    entry = _app.configure_task(
        TASK,
        queue=JOBS,
        # A job never runs twice at once, even when it is queued twice.
        lock=f"{TASK}:{number}",
        connection=connection.connection.driver_connection,
    )
    try:
        entry.defer(number=number)
    except ConnectorException as error:
        raise OperationalError("put", None, error.__cause__ or error) from error
