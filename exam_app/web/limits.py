"""Rate limits on endpoints that are expensive or could be used to enumerate data.

Counted by account, or by address when nobody is signed in. Counters are kept in Redis when
`ACADEMY_REDIS_URL` is set, else in each process.
"""

from __future__ import annotations

import time

import structlog
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from exam_app.config import Config

log = structlog.get_logger()
RATES = {
    # Guessing certificate numbers.
    "verify": parse("30/minute"),
    # Enumerating names and phone numbers.
    "search": parse("60/minute"),
    # Exporting files of personal data.
    "export": parse("40/minute"),
}
GROUPS = {
    "verify.certificate": "verify",
    "verify.form": "verify",
    "ledger.index": "search",
    "admin.index": "search",
    "ledger.export": "export",
    "coverage.export": "export",
    "evaluation.export": "export",
    "allowances.export": "export",
    "reports.annual": "export",
    "archive.paper": "export",
    "archive.mine_as_data": "export",
    "jobs.file": "export",
}


class Limits:
    """The rate limiter of one application."""

    def __init__(self, config: Config) -> None:
        storage = storage_from_string(config.redis_url or "memory://", wrap_exceptions=True)
        self._limiter = MovingWindowRateLimiter(storage)

    def wait(self, endpoint: str | None, key: str) -> int:
        """Counts one request. Returns 0, or the seconds until a retry is allowed.

        Fails open: when Redis is unavailable the request is allowed.
        """
        group = GROUPS.get(endpoint or "")
        if group is None:
            return 0
        rate: RateLimitItem = RATES[group]
        try:
            if self._limiter.hit(rate, group, key):
                return 0
            reset = self._limiter.get_window_stats(rate, group, key).reset_time
        except StorageError as error:
            log.error("limits", error=type(error.storage_error).__name__)
            return 0
        return max(int(reset - time.time()) + 1, 1)
