"""A process that takes a job from the queue and hangs in it, until it is killed: ``python -m tests.service.exam_app.jobs.dying URL FOLDER MOMENT``."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import time_machine

from exam_app.config import load_config
from exam_app.core.background import Background
from exam_app.jobs import local_worker, procrastinate_worker
from exam_app.jobs.service import Work
from tests.clock import let_go
from training_records.database import make_engine, make_session_factory


def hang(work: Work) -> None:
    work.progress(1, 2)
    (work.folder / "part").write_text("done")
    print("taken", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    # The clock of the test that starts it.
    time_machine.travel(float(sys.argv[3])).start()
    let_go()
    engine = make_engine(sys.argv[1])
    config = load_config({}, instance=Path(sys.argv[2]))
    background, stop = Background(make_session_factory(engine), config), threading.Event()
    if engine.dialect.name == "postgresql":
        procrastinate_worker.work(background, {"slow": hang}, [], url=engine.url, stop=stop)
    else:
        local_worker.work(background, {"slow": hang}, [], stop=stop)
