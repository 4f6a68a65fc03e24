"""Prometheus metrics: requests by endpoint and status, their duration, processor time of password checks.

With several worker processes, samples go to a shared directory (`PROMETHEUS_MULTIPROC_DIR`) that
`academy serve` sets before workers start.
"""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def share_between_workers() -> None:
    """Creates an empty directory for the samples of the workers started from this process."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="academy-metrics-")


@lru_cache
def collectors() -> tuple[Counter, Histogram, Counter]:
    """The collectors of this process; first called before threads start."""
    # Imported late: the library reads the environment variable on import.
    from prometheus_client import Counter, Histogram

    requests = Counter("academy_requests", "Requests answered", ["method", "endpoint", "status"])
    seconds = Histogram("academy_request_seconds", "Time to answer", ["endpoint"], buckets=BUCKETS)
    hashing = Counter("academy_password_cpu_seconds", "Processor time of password checks")
    return requests, seconds, hashing


def observe(method: str, endpoint: str | None, status: int, *, seconds: float) -> None:
    """Counts one request. Labels hold the endpoint's name only, no path and no id."""
    count, times = _of(method, endpoint or "none", str(status))
    count.inc()
    times.observe(seconds)


def observe_password_check(seconds: float) -> None:
    """Counts the processor time of one password check, in seconds."""
    collectors()[2].inc(seconds)


@lru_cache(4096)
def _of(method: str, endpoint: str, status: str) -> tuple[Counter, Histogram]:
    requests, times, _ = collectors()
    return requests.labels(method, endpoint, status), times.labels(endpoint)
