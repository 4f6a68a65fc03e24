"""How often somebody may ask for what costs much or could be used to find things out: by account, or by address where nobody
is signed in. The counts lie in Redis where there is one (`ACADEMY_REDIS_URL`), else in each process."""

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
    # Whether a certificate number exists, tried out.
    "verify": parse("30/minute"),
    # Names and phones, gone through.
    "search": parse("60/minute"),
    # Files of personal data, taken away.
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
    """The counters of one application."""

    def __init__(self, config: Config) -> None:
        storage = storage_from_string(config.redis_url or "memory://", wrap_exceptions=True)
        self._limiter = MovingWindowRateLimiter(storage)

    def wait(self, endpoint: str | None, key: str) -> int:
        """Counts one request; 0, or the seconds after which it may be tried again. Without its Redis nobody is held up."""
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
