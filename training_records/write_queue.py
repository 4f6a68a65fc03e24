"""A fair queue of writers to a SQLite file.

SQLite allows one writer at a time. Waiting writers poll with pauses of up to a tenth of a second, so that under load
some starve for minutes while others get through. Here writers queue up: first come, first served within a process, and
between processes by a file lock (flock).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections import deque
from pathlib import Path
from typing import TextIO

WAIT = 15.0


class WriteQueue:
    """One process's queue of writers to one file."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".turn")
        self._mutex = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._taken = False
        self._file: TextIO | None = None

    def take(self, wait: float = WAIT) -> None:
        """Waits for the turn to write. Raises `sqlite3.OperationalError` if it doesn't come in time, `OSError` if the
        lock file can't be opened or locked."""
        granted = None
        with self._mutex:
            if self._taken:
                granted = threading.Event()
                self._queue.append(granted)
            self._taken = True
        if granted is not None and not granted.wait(wait):
            with self._mutex:
                if granted in self._queue:
                    self._queue.remove(granted)
                    raise sqlite3.OperationalError("database is locked")
            # Granted between the timeout and taking the mutex.
        try:
            if self._file is None:
                self._file = self._path.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError:
            self._next()
            raise

    def give(self) -> None:
        """Ends the turn."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._next()

    def _next(self) -> None:
        with self._mutex:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._taken = False


_TURNS: dict[tuple[int, str], WriteQueue] = {}
_MUTEX = threading.Lock()


def queue_for(path: Path) -> WriteQueue:
    """Returns this process's queue for a file. A forked process gets its own, as it must not share its parent's file
    lock."""
    key = (os.getpid(), str(path.resolve()))
    with _MUTEX:
        if key not in _TURNS:
            _TURNS[key] = WriteQueue(path)
        return _TURNS[key]


class QueuedConnection(sqlite3.Connection):
    """A connection that waits for its turn before it writes and ends the turn with the transaction."""

    turn: WriteQueue | None = None
    _has_turn = False

    def begin_writing(self) -> None:
        """Takes the turn, then runs ``BEGIN IMMEDIATE``."""
        if self.turn is not None:
            self.turn.take()
            self._has_turn = True
        try:
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._end()
            raise

    def commit(self) -> None:
        super().commit()
        self._end()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._end()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._end()

    def _end(self) -> None:
        if self._has_turn and self.turn is not None:
            self._has_turn = False
            self.turn.give()
