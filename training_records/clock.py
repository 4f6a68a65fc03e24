"""A server clock that stays steady when the machine's clock jumps.

The machine's clock is now and then set by hand or by a misconfigured time server. During an exam such a jump would
close attempts early or extend them. This clock advances by the machine's uptime. It follows the machine's clock: steps
of up to `STEP` seconds at once, a jump only after it has lasted `HOLD` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

# Seconds. Regular corrections by a time server are smaller and are followed at once.
STEP = 5.0
# Seconds. Leaves the operator time to notice and undo a wrong setting.
HOLD = 600.0


def _uptime() -> float:
    # CLOCK_BOOTTIME (Linux) keeps counting while the machine is suspended.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True)
class _Anchor:
    """A reading of both clocks. `since`: uptime at which they were first seen to differ, `by`: the difference in
    seconds."""

    wall: float
    up: float
    since: float | None = None
    by: float = 0.0


class SteadyClock:
    """Seconds since the epoch by `wall`, held steady by `uptime`; both return seconds."""

    def __init__(
        self, wall: Callable[[], float] = time.time, uptime: Callable[[], float] = _uptime
    ) -> None:
        self._wall, self._uptime = wall, uptime
        self._anchor = _Anchor(wall(), uptime())

    def time(self) -> float:
        """Returns the current time. Safe to call from several threads: an anchor is replaced as a whole."""
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
        """Returns the seconds by which the machine's clock is ahead of this one; 0 when they agree."""
        self.time()
        return self._anchor.by


CLOCK = SteadyClock()
