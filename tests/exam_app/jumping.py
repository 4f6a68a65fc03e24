"""A server whose machine's clock is set by a file: the seconds in ``<instance>/clock`` are added to it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


def make() -> Any:
    """The application of a worker, with a sweeper that looks often."""
    from exam_app.exams.sweeper import start_sweeper
    from exam_app.serving import make as make_application
    from training_records.clock import CLOCK

    offset = Path(os.environ["ACADEMY_INSTANCE"]) / "clock"
    CLOCK._wall = lambda: time.time() + float(offset.read_text())
    app = make_application()
    start_sweeper(app, 0.2)
    return app
