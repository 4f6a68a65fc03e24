"""The server's clock, which does not jump with the machine's.

A machine's clock is set back or forth by hand or by a wrong time server now and then. In the midst of an
exam that would close attempts or let them run on. The clock here goes on by the machine's uptime and
follows the machine's clock: small steps at once, a jump only when it has lasted for `HOLD` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Seconds: time servers correct by less at once.
STEP = 5.0
# Seconds: as long as whoever set the clock wrongly may need to see it and set it right.
HOLD = 600.0


def _uptime() -> float:
    # Goes on while the machine is suspended, where the system has such a clock (Linux).
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class _Anchor:
    """A moment on both clocks; `since`: uptime at which they were first seen apart, `by` how much."""

    wall: float
    up: float
    since: float | None = None
    by: float = 0.0


class SteadyClock:
    """Seconds since 1970 by `wall`, held steady by `uptime`; both tell seconds."""

    def __init__(
        self, wall: Callable[[], float] = time.time, uptime: Callable[[], float] = _uptime
    ) -> None:
        self._wall, self._uptime = wall, uptime
        self._anchor = _Anchor(wall(), uptime())

    def time(self) -> float:
        """Now. Threads may ask at once: an anchor is replaced as a whole."""
        wall, up, anchor = self._wall(), self._uptime(), self._anchor
        steady = anchor.wall + (up - anchor.up)
        by = wall - steady
        if abs(by) <= STEP:
            self._anchor = _Anchor(wall, up)
            return wall
        if anchor.since is None:
            self._anchor = _Anchor(steady, up, up, by)
        elif up - anchor.since >= HOLD:
            self._anchor = _Anchor(wall, up)
            return wall
        else:
            self._anchor = _Anchor(steady, up, anchor.since, by)
        return steady

    def jump(self) -> float:
        """Seconds by which the machine's clock is ahead of this one; 0 when they agree."""
        self.time()
        return self._anchor.by


CLOCK = SteadyClock()
