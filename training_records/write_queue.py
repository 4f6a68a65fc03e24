"""Whose turn it is to write to a SQLite file.

SQLite knows one writer; who waits for it polls, up to a tenth of a second apart, so that under load some
wait for minutes while others pass. Here writers queue up: first come, first served within a process, and
between processes by a lock in the kernel.
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
    """The queue of one process for one file."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".turn")
        self._mutex = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._taken = False
        self._file: TextIO | None = None

    def take(self, wait: float = WAIT) -> None:
        """Waits for one's turn. `sqlite3.OperationalError` when it doesn't come in time, `OSError` when the
        file's folder can't be written to."""
        mine = None
        with self._mutex:
            if self._taken:
                mine = threading.Event()
                self._queue.append(mine)
            self._taken = True
        if mine is not None and not mine.wait(wait):
            with self._mutex:
                if mine in self._queue:
                    self._queue.remove(mine)
                    raise sqlite3.OperationalError("database is locked")
            # It came at the last moment.
        try:
            if self._file is None:
                self._file = self._path.open("w")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError:
            self._next()
            raise

    def give(self) -> None:
        """Ends one's turn."""
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
    """The process's queue for a file. A forked process gets its own: it must not share the lock of the
    one that it came from."""
    key = (os.getpid(), str(path.resolve()))
    with _MUTEX:
        if key not in _TURNS:
            _TURNS[key] = WriteQueue(path)
        return _TURNS[key]


class QueuedConnection(sqlite3.Connection):
    """A connection that waits for its turn before it writes, and ends it with the transaction."""

    turn: WriteQueue | None = None
    _mine = False

    def begin_writing(self) -> None:
        """``BEGIN IMMEDIATE`` when one's turn has come."""
        if self.turn is not None:
            self.turn.take()
            self._mine = True
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
        if self._mine and self.turn is not None:
            self._mine = False
            self.turn.give()
