"""Jobs by page, worked off in the test."""

from __future__ import annotations

import threading

from exam_app.background import KINDS
from exam_app.jobs import service as jobs
from tests.factories import (
    DAY,
    DISTRICT,
    issued,
    work_off,
)
from training_records.database import make_session_factory


def test_a_poisoned_job_ends_in_the_list(world, session, app, office):
    job = jobs.enqueue(session, "certificates", "坏的", division_code=DISTRICT, params={}, by="x")
    session.commit()
    assert work_off(app) == 3
    session.expire_all()
    assert (job.state, job.tries) == ("failed", 3)
    session.commit()
    assert "三次都没有做成" in office.get(f"/jobs/{job.id}").text
    office.form(f"/jobs/{job.id}/retry")
    office.form(f"/jobs/{job.id}/cancel")
    assert work_off(app) == 0


def test_a_job_is_done_once_by_several(world, session, app, clean, office):
    issued(world, session, office)
    session.commit()
    office.form("/certificates/print", title="培训", on=DAY.isoformat())
    done, barrier = [], threading.Barrier(4)

    def work():
        barrier.wait()
        background = jobs.Background(make_session_factory(clean), app.config["ACADEMY"])
        done.append(jobs.run_pending(background, KINDS))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 1
