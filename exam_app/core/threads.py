"""Priority of threads."""

from __future__ import annotations

import os
import sys
import threading

NICE = 10


def lower_priority() -> None:
    """Lowers the priority of this thread alone (Linux knows threads as processes here)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
