"""The queue in which jobs stand: on PostgreSQL that of Procrastinate, in tables of its own; elsewhere the rows of the
jobs themselves, which the worker in the process looks through."""

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
# Only for putting in, in the transactions of others: it is never opened.
_entrance = App(connector=SyncPsycopgConnector())


def has_queue(connection: Connection) -> bool:
    """Whether the database has the queue's tables (PostgreSQL after the migrations)."""
    engine = connection.engine
    if engine not in _known:
        _known[engine] = connection.dialect.name == "postgresql" and inspect(connection).has_table(
            TABLE
        )
    return _known[engine]


def put(session: Session, number: int) -> None:
    """Puts a job into the queue, together with what the session commits."""
    connection = session.connection()
    if not has_queue(connection):
        return
    entry = _entrance.configure_task(
        TASK,
        queue=JOBS,
        # Never two of one job at once, also when it stands there twice.
        lock=f"{TASK}:{number}",
        connection=connection.connection.driver_connection,
    )
    try:
        entry.defer(number=number)
    except ConnectorException as error:
        raise OperationalError("put", None, error.__cause__ or error) from error
