"""A server whose machine's clock is set by a file: the seconds in ``<instance>/clock`` are added to it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def make() -> Any:
    """The application of a worker, with a sweep that looks often."""
    from exam_app.background import start_background
    from exam_app.core.background import PeriodicTask
    from exam_app.exams.sweeper import sweep_once
    from exam_app.jobs import local_worker
    from exam_app.serving import make as make_application
    from training_records.clock import CLOCK

    offset = Path(os.environ["ACADEMY_INSTANCE"]) / "clock"
    CLOCK._wall = lambda: time.time() + float(offset.read_text())
    local_worker.EVERY = 0.2
    app = make_application()
    start_background(app, [PeriodicTask("sweep", 0, sweep_once)])
    return app
