"""Password hashing on one low-priority thread per process.

A hash deliberately costs some 25 ms of processor time. When a whole city signs in at once, checks
queue behind each other instead of taking processor time from the saves of running exams.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from exam_app.core.metrics import observe_password_check
from exam_app.core.threads import lower_priority

# OWASP's argon2id minimum (19 MiB, 2 passes, 1 lane): bounds the cost of a burst of sign-ins.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
MAX_WAITING = 40


class HashingBusy(Exception):
    """The queue of password checks is full (`MAX_WAITING`)."""


class _Queue:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0
        self._waiting = 0

    def _worker(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(1, "hashing", initializer=lower_priority)
            self._process, self._waiting = os.getpid(), 0
        return self._pool

    def verify(self, hashed: str, password: str) -> bool:
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise HashingBusy
            pool = self._worker()
            self._waiting += 1
        try:
            future: Future[bool] = pool.submit(_verify, hashed, password)
            return future.result()
        finally:
            with self._lock:
                self._waiting -= 1


def _verify(hashed: str, password: str) -> bool:
    start = time.thread_time()
    try:
        return HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
    finally:
        observe_password_check(time.thread_time() - start)


_QUEUE = _Queue()


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    return HASHER.hash(password)


def verify(hashed: str, password: str) -> bool:
    """Whether the password matches the hash; queues for the hashing thread. Raises `HashingBusy`."""
    return _QUEUE.verify(hashed, password)


def outdated(hashed: str) -> bool:
    """Whether the hash was made with other cost parameters than today's."""
    return HASHER.check_needs_rehash(hashed)
