"""Thread priority."""

from __future__ import annotations

import os
import sys
import threading

NICE = 10


def lower_priority() -> None:
    """Lowers the priority of the calling thread only (Linux, where `setpriority` takes a thread id)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
