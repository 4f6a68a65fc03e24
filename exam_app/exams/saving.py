"""Saving answers: one durable, guarded upsert per batch.

Guard and write are atomic, so a submission, a new deadline, a take-over or a sign-out that comes
first is respected. PostgreSQL needs one statement and one round trip. On SQLite concurrent saves
share one transaction (group commit); each is acknowledged after the commit.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from exam_app.exams.ticket import Ticket
from question_bank import Response
from training_records.database import libpq
from training_records.write_queue import QueuedConnection, queue_for

GRACE = timedelta(seconds=60)
WAIT = 15.0
# WSGI environment key of the `Saved` of a save that the middleware couldn't answer.
RESULT = "academy.saved"
Verdict = Literal["saved", "late", "closed", "taken_over", "signed_out", "missing"]


class SubmittedAnswer(Protocol):
    """A response as submitted, not validated; independent of the transport."""

    @property
    def slot(self) -> str: ...
    @property
    def response(self) -> object: ...
    @property
    def seq(self) -> int: ...
    @property
    def seconds(self) -> int | None: ...


@dataclass(frozen=True)
class NewAnswer:
    """One answer of a save: slot, response, the client's counter, seconds on the screen so far.

    Validated against its question. Separate from the wire model, which is expensive to create.
    """

    slot: str
    response: Response
    seq: int
    seconds: int | None = None


@dataclass(frozen=True)
class Saved:
    """The outcome of a save: the verdict, the stored seq of each slot, the deadline.

    `late`: stored separately, not scored; `closed`: already submitted; `taken_over`: another device
    holds the attempt; `signed_out`: the sign-in has ended; `missing`: no such attempt of that
    person.
    """

    verdict: Verdict
    stored: dict[str, int] = field(default_factory=dict)
    deadline: datetime | None = None


class Saver(Protocol):
    """Saves answers; the higher `seq` wins per slot."""

    def save(
        self, ticket: Ticket, answers: Sequence[NewAnswer], at: datetime, *, left: int = 0
    ) -> Saved:
        """Saves one batch; `left`: how often the page has been left so far.

        Raises `sqlalchemy.exc.OperationalError` when the database is unavailable.
        """

    def close(self) -> None:
        """Closes its connections."""


def make_saver(engine: Engine) -> Saver:
    """The saver for an engine; it opens its own connections on first use."""
    if engine.dialect.name == "postgresql":
        return PostgresSaver(make_conninfo(**libpq(engine.url)))
    return SqliteSaver(Path(str(engine.url.database)))


def _latest_per_slot(answers: Sequence[NewAnswer]) -> list[NewAnswer]:
    """One answer per slot: of those with the highest seq in a save, the last."""
    best: dict[str, NewAnswer] = {}
    for answer in answers:
        if answer.slot not in best or answer.seq >= best[answer.slot].seq:
            best[answer.slot] = answer
    return list(best.values())


def _verdict(
    state: str, deadline: datetime, held: bool, *, signed_in: bool, at: datetime
) -> Verdict:
    if not signed_in:
        return "signed_out"
    if at > deadline + GRACE:
        return "late"
    if state != "in_progress":
        return "closed"
    return "saved" if held else "taken_over"


_json = json.JSONEncoder(separators=(",", ":")).encode


def _text(response: Response) -> str | None:
    return None if response is None else _json(response)


# --- SQLite -----------------------------------------------------------------------------------

_GUARD = """
SELECT a.state, a.deadline, a.holder, a.district, a.year,
  EXISTS (SELECT 1 FROM login_session s JOIN account c ON c.id = s.account_id
          WHERE s.token_hash = :holder AND s.expires_at > :at AND c.active)
FROM attempt a WHERE a.id = :attempt AND a.person_id = :person
"""
_UPSERT = """
INSERT INTO answer (attempt_id, slot, seq, response, saved_at, seconds, district, year)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (attempt_id, slot) DO UPDATE
SET seq = excluded.seq, response = excluded.response, saved_at = excluded.saved_at,
  seconds = COALESCE(excluded.seconds, seconds)
WHERE excluded.seq > answer.seq
"""
_SET_LEFT_COUNT = "UPDATE attempt SET left_count = ? WHERE id = ? AND left_count < ?"
_INSERT_LATE = (
    "INSERT INTO late_answer (attempt_id, slot, seq, response, received_at) VALUES (?, ?, ?, ?, ?)"
)


def _acquired_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass
class _Job:
    """A queued save: input, outcome, and the lock its thread waits on (an `Event` takes three times as long)."""

    ticket: Ticket
    answers: Sequence[NewAnswer]
    at: datetime
    left: int = 0
    ready: threading.Lock = field(default_factory=_acquired_lock)
    leads: bool = False
    result: Saved = Saved("missing")
    error: BaseException | None = None


# Group commit: a transaction waits GATHER seconds for more saves, or until ENOUGH are queued. The
# cost is the fsync.
GATHER, ENOUGH = 0.01, 8


class SqliteSaver:
    """Group commit: the first thread to find no leader leads.

    It commits all queued saves in one transaction, then hands the lead to a save queued meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._waiting: list[_Job] = []
        self._busy = False
        self._enough = threading.Event()
        self._connection: QueuedConnection | None = None

    def save(
        self, ticket: Ticket, answers: Sequence[NewAnswer], at: datetime, *, left: int = 0
    ) -> Saved:
        job = _Job(ticket, _latest_per_slot(answers), at, left)
        with self._mutex:
            self._waiting.append(job)
            job.leads, self._busy = not self._busy, True
            if len(self._waiting) >= ENOUGH:
                self._enough.set()
        if not job.leads:
            job.ready.acquire()
        if job.leads:
            self._lead()
        if job.error is not None:
            raise OperationalError("save", None, job.error) from job.error
        return job.result

    def close(self) -> None:
        with self._mutex:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _lead(self) -> None:
        """Commits one batch, then hands the lead to the first save queued meanwhile."""
        self._enough.wait(GATHER)
        with self._mutex:
            batch, self._waiting = self._waiting, []
            self._enough.clear()
        try:
            self._commit(batch)
        finally:
            with self._mutex:
                follower = self._waiting[0] if self._waiting else None
                if follower is None:
                    self._busy = False
                else:
                    follower.leads = True
            if follower is not None:
                follower.ready.release()
            for job in batch:
                job.ready.release()

    def _commit(self, batch: Sequence[_Job]) -> None:
        try:
            connection = self._open()
            connection.begin_writing()
            try:
                results = [_save(connection, job) for job in batch]
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
        except sqlite3.Error as error:
            if len(batch) > 1:
                # Retry one by one, so that a save that fails doesn't fail the others.
                for job in batch:
                    self._commit([job])
            else:
                batch[0].error = error
        except OSError as error:
            for job in batch:
                job.error = error
        else:
            for job, result in zip(batch, results, strict=True):
                job.result = result

    def _open(self) -> QueuedConnection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._path,
                timeout=WAIT,
                isolation_level=None,
                check_same_thread=False,
                factory=QueuedConnection,
            )
            connection.turn = queue_for(self._path)
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            self._connection = connection
        return self._connection


def _save(connection: sqlite3.Connection, job: _Job) -> Saved:
    ticket, at = job.ticket, f"{job.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    values = {
        "attempt": ticket.attempt_id,
        "person": ticket.person_id,
        "holder": ticket.holder,
        "at": at,
    }
    row = connection.execute(_GUARD, values).fetchone()
    if row is None:
        return Saved("missing")
    state, deadline_text, holder, *partition, signed_in = row
    deadline = datetime.fromisoformat(deadline_text).replace(tzinfo=UTC)
    unbound = ticket.holder is None
    verdict = _verdict(
        state,
        deadline,
        unbound or holder == ticket.holder,
        signed_in=unbound or signed_in,
        at=job.at,
    )
    rows = [(ticket.attempt_id, a.slot, a.seq, _text(a.response), at) for a in job.answers]
    if verdict == "late":
        connection.executemany(_INSERT_LATE, rows)
    if verdict == "saved" and job.left:
        connection.execute(_SET_LEFT_COUNT, (job.left, ticket.attempt_id, job.left))
    if verdict != "saved" or not rows:
        return Saved(verdict, {}, deadline)
    timed = zip(rows, job.answers, strict=True)
    connection.executemany(_UPSERT, [(*row, answer.seconds, *partition) for row, answer in timed])
    placeholders = ",".join("?" * len(rows))
    stored = connection.execute(
        f"SELECT slot, seq FROM answer WHERE attempt_id = ? AND slot IN ({placeholders})",  # noqa: S608  # nosec B608
        [ticket.attempt_id, *(row[1] for row in rows)],
    )
    return Saved("saved", dict(stored.fetchall()), deadline)


# --- PostgreSQL -------------------------------------------------------------------------------

# All answers in one parameter: four arrays cost the driver as much as the rest of the call. A JSON
# null becomes SQL NULL here.
_ANSWERS = """jsonb_to_recordset(%(answers)s::jsonb)
  AS t(slot text, seq bigint, response jsonb, seconds int)"""
# The row lock on the attempt orders saves and submissions: each waits for the other. An answer
# older than the stored one rewrites the stored row, so that its seq is returned.
_STATEMENT = """
WITH a AS MATERIALIZED (
  SELECT id, state, deadline, district, year,
    %(holder)s::text IS NULL OR holder = %(holder)s AS held,
    %(holder)s::text IS NULL OR EXISTS (
      SELECT 1 FROM login_session s JOIN account c ON c.id = s.account_id
      WHERE s.token_hash = %(holder)s AND s.expires_at > %(at)s AND c.active) AS signed_in
  FROM attempt WHERE id = %(attempt)s AND person_id = %(person)s FOR KEY SHARE
), done AS (
  INSERT INTO answer (attempt_id, slot, seq, response, saved_at, seconds, district, year)
  SELECT a.id, t.slot, t.seq, t.response, %(at)s, t.seconds, a.district, a.year
  FROM a, {answers}
  WHERE a.signed_in AND a.held AND a.state = 'in_progress'
    AND %(at)s <= a.deadline + interval '60 seconds'
  ON CONFLICT (attempt_id, slot{place}) DO UPDATE SET
    seq = GREATEST(excluded.seq, answer.seq),
    response = CASE WHEN excluded.seq > answer.seq THEN excluded.response ELSE answer.response END,
    saved_at = CASE WHEN excluded.seq > answer.seq THEN excluded.saved_at ELSE answer.saved_at END,
    seconds = CASE WHEN excluded.seq > answer.seq THEN COALESCE(excluded.seconds, answer.seconds)
      ELSE answer.seconds END
  RETURNING slot, seq
)
SELECT a.state, a.deadline, a.held, a.signed_in, done.slot, done.seq FROM a LEFT JOIN done ON true
"""
_STORE_LATE = """
INSERT INTO late_answer (attempt_id, slot, seq, response, received_at)
SELECT %(attempt)s, t.slot, t.seq, t.response, %(at)s FROM {answers}
"""


# Seconds a save waits for a connection before it fails and the client retries.
PATIENCE = 3.0


# Whether the answer table is partitioned: its primary key then includes district and year.
_LAYOUT = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'answer'::regclass"


class PostgresSaver:
    """One auto-committed statement per save, on a connection pool of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._statement: str | None = None
        self._mutex = threading.Lock()
        self._pool: ConnectionPool[Connection[TupleRow]] | None = None

    def save(
        self, ticket: Ticket, answers: Sequence[NewAnswer], at: datetime, *, left: int = 0
    ) -> Saved:
        values: dict[str, object] = {
            "attempt": ticket.attempt_id,
            "person": ticket.person_id,
            "holder": ticket.holder,
            "at": at.astimezone(UTC).replace(tzinfo=None),
            "answers": _json([a.__dict__ for a in _latest_per_slot(answers)]),
        }
        try:
            with self._open().connection() as connection:
                rows = self._upsert(connection, values)
                if not rows:
                    return Saved("missing")
                state, naive_deadline, held, signed_in = rows[0][:4]
                deadline = naive_deadline.replace(tzinfo=UTC)
                verdict = _verdict(state, deadline, held, signed_in=signed_in, at=at)
                if verdict == "late":
                    connection.execute(_STORE_LATE.format(answers=_ANSWERS), values)
                if verdict == "saved" and left:
                    connection.execute(
                        _SET_LEFT_COUNT.replace("?", "%s"), (left, ticket.attempt_id, left)
                    )
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise OperationalError("save", None, error) from error
        stored = {row[4]: row[5] for row in rows if row[4] is not None}
        return Saved(verdict, stored, deadline)

    def _upsert(
        self, connection: Connection[TupleRow], values: dict[str, object]
    ) -> list[TupleRow]:
        statement = self._statement or self._build_statement(connection)
        try:
            return connection.execute(statement, values, prepare=True).fetchall()
        except psycopg.errors.InvalidColumnReference:
            # The table was partitioned while this process ran, which changes its primary key.
            return connection.execute(
                self._build_statement(connection), values, prepare=True
            ).fetchall()

    def _build_statement(self, connection: Connection[TupleRow]) -> str:
        row = connection.execute(_LAYOUT).fetchone()
        partition_columns = ", district, year" if row and row[0] else ""
        statement = _STATEMENT.format(answers=_ANSWERS, place=partition_columns)
        self._statement = statement
        return statement

    def close(self) -> None:
        with self._mutex:
            if self._pool is not None:
                self._pool.close()
            self._pool = None

    def _open(self) -> ConnectionPool[Connection[TupleRow]]:
        with self._mutex:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._address,
                    min_size=1,
                    max_size=16,
                    timeout=PATIENCE,
                    # Resets the reconnect back-off, so that a new primary is found within a second
                    # or two.
                    reconnect_timeout=PATIENCE,
                    kwargs={"autocommit": True},
                    open=True,
                )
            return self._pool
