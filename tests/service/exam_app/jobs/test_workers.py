"""Work in the background, by the real workers on both engines."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import procrastinate.periodic
import pytest
from sqlalchemy import text

from exam_app.core.background import Background, PeriodicTask
from exam_app.jobs import local_worker, procrastinate_worker, queue, service
from exam_app.jobs.models import Job
from harness.processes import child
from tests.factories import DISTRICT
from training_records.database import make_session_factory
from training_records.errors import Refused

ROOT = Path(__file__).parents[4]


@pytest.fixture
def background(clean, config) -> Background:
    return Background(make_session_factory(clean), config)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(local_worker, "EVERY", 0.05)
    monkeypatch.setattr(procrastinate_worker, "TICK", 0.05)
    monkeypatch.setattr(procrastinate_worker, "PAUSE", 0.1)
    monkeypatch.setattr(procrastinate_worker, "LOOK", 0.5)


@pytest.fixture
def at_work(clean, background) -> Iterator[Callable[..., None]]:
    """Starts the worker that fits the engine."""
    stop, threads = threading.Event(), []

    def start(kinds, chores=()):
        def run():
            if clean.dialect.name == "postgresql":
                procrastinate_worker.work(background, kinds, list(chores), url=clean.url, stop=stop)
            else:
                local_worker.work(background, kinds, list(chores), stop=stop)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def ask(session, kind="slow", **params) -> Job:
    job = service.enqueue(
        session, kind, "某件事", division_code=DISTRICT, params=params, by="office"
    )
    session.commit()
    return job


def until(session, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        session.expire_all()
        session.commit()
        time.sleep(0.05)


def entries(session) -> list[tuple[str, int]]:
    """What stands in the queue for jobs: state and number."""
    if session.get_bind().dialect.name != "postgresql":
        return []
    found = session.execute(
        text("SELECT status::text, (args->>'number')::int FROM procrastinate_jobs ORDER BY id")
    ).all()
    session.commit()
    return [(state, number) for state, number in found]


def on_postgres(clean):
    if clean.dialect.name != "postgresql":
        pytest.skip("the queue of PostgreSQL")


def test_what_is_asked_for_is_done_and_seen_on_its_way(world, session, at_work):
    seen, go_on = threading.Event(), threading.Event()

    def slow(work):
        work.progress(1, 2)
        seen.set()
        assert go_on.wait(20)
        (work.folder / "out.txt").write_text(work.params["words"])
        return "out.txt"

    at_work({"slow": slow})
    job = ask(session, words="好")
    assert seen.wait(20)
    session.expire_all()
    assert (job.state, job.done, job.total, job.tries) == ("running", 1, 2, 1)
    session.commit()
    go_on.set()
    until(session, lambda: job.state == "done")
    assert job.file == "out.txt" and job.finished_at
    until(session, lambda: entries(session) == [])


def test_what_was_not_committed_was_not_asked_for(world, session, background):
    session.commit()
    service.enqueue(session, "slow", "某件事", division_code=DISTRICT, params={}, by="office")
    session.rollback()
    assert entries(session) == []
    assert service.run_pending(background, {"slow": lambda work: None}) == 0


def test_a_poisoned_job_ends_in_the_list_and_holds_nobody_up(world, session, at_work, clean):

    def bad(work):
        raise ZeroDivisionError

    def refuses(work):
        raise Refused("没有可以做的")

    at_work({"bad": bad, "refused": refuses, "good": lambda work: None})
    first, refused, good = (ask(session, kind) for kind in ("bad", "refused", "good"))
    until(session, lambda: (first.state, refused.state, good.state) == ("failed", "failed", "done"))
    assert (first.tries, refused.tries) == (3, 1)
    assert "三次都没有做成" in first.message and refused.message == "没有可以做的"
    if clean.dialect.name == "postgresql":
        failed = [("failed", first.id), ("failed", refused.id)]
        until(session, lambda: entries(session) == failed)
    service.retry(session, refused)
    session.commit()
    until(session, lambda: refused.state == "failed" and refused.tries == 1)


def test_a_kind_that_only_a_newer_version_knows_is_left_to_it(world, session, background, at_work):
    job = ask(session, "newer")
    if entries(session):
        with pytest.raises(service.ClaimedElsewhere):
            service.perform(background, {}, job.id)
    assert service.run_pending(background, {}) == 0
    session.expire_all()
    assert (job.state, job.tries) == ("waiting", 0)
    session.commit()
    at_work({"newer": lambda work: None})
    until(session, lambda: job.state == "done")


def test_a_cancelled_job_stops_and_can_begin_again(world, session, at_work):
    begun, stopped = [], []

    def slow(work):
        begun.append(work.job_id)
        try:
            for step in range(400 if len(begun) == 1 else 1):
                work.progress(step, 400)
                time.sleep(0.02)
        except service.Cancelled:
            stopped.append(work.job_id)
            raise

    at_work({"slow": slow})
    job = ask(session)
    until(session, lambda: begun)
    service.cancel(session, job)
    session.commit()
    until(session, lambda: stopped == [job.id])
    waits = ask(session, "none of ours")
    service.cancel(session, waits)
    service.retry(session, job)
    session.commit()
    until(session, lambda: job.state == "done")
    session.expire_all()
    assert waits.state == "cancelled" and len(begun) == 2


def test_who_was_thought_dead_changes_nothing(world, session, background, monkeypatch):
    job, said = ask(session), []

    def second(work):
        (work.folder / "out.txt").write_text("second")
        return "out.txt"

    def first(work):
        with monkeypatch.context() as patch:
            patch.setattr(service, "SILENT", timedelta(0))
            assert service.perform(background, {"slow": second}, job.id)
        try:
            work.progress(1, 2)
        except service.Cancelled:
            said.append("stopped")
        return "first.txt"

    service.perform(background, {"slow": first}, job.id)
    session.expire_all()
    assert said == ["stopped"] and (job.state, job.file, job.tries) == ("done", "out.txt", 2)


def test_a_killed_process_is_followed_by_another(
    world, session, clean, at_work, config, monkeypatch
):
    job = ask(session)
    address = clean.url.render_as_string(hide_password=False)
    command = [
        sys.executable,
        "-m",
        "tests.service.exam_app.jobs.dying",
        address,
        str(config.instance),
        str(time.time()),
    ]
    with child(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"taken\n"
    parts = []

    def goes_on(work):
        parts.append((work.folder / "part").read_text())

    at_work({"slow": goes_on})
    time.sleep(0.5)
    assert not parts  # it may still live
    monkeypatch.setattr(service, "SILENT", timedelta(0))
    if clean.dialect.name == "postgresql":
        monkeypatch.setattr(procrastinate_worker, "DEAD", 0.2)
        look_after(Background(make_session_factory(clean), config), clean.url)
    until(session, lambda: job.state == "done")
    assert parts == ["done"] and job.tries == 2


def look_after(background, url):
    """Looks after the queue now, not at the next minute."""
    app = procrastinate_worker._chores(background, {"slow": lambda work: None}, [])
    app.periodic_registry.periodic_tasks.clear()

    async def look():
        info = procrastinate_worker.make_conninfo(**procrastinate_worker.libpq(url))
        connector = procrastinate.PsycopgConnector(conninfo=info, min_size=1, max_size=2)
        with app.replace_connector(connector):
            async with app.open_async():
                await app.tasks["look after"].defer_async(timestamp=0)
                await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(look())


def test_what_does_not_stand_in_the_queue_is_put_in(world, session, clean, background):
    on_postgres(clean)
    lost, there = ask(session), ask(session)
    session.execute(
        text("DELETE FROM procrastinate_jobs WHERE args->>'number' = :n"), {"n": str(lost.id)}
    )
    ended = ask(session)
    service.cancel(session, ended)
    session.commit()
    kinds = {"slow": lambda work: None}
    assert [procrastinate_worker.put_missing(background, kinds) for _ in range(2)] == [1, 0]
    assert sorted(entries(session)) == [("todo", n) for n in sorted((lost.id, there.id, ended.id))]


def test_a_job_is_taken_once_by_several_workers(world, session, at_work):
    done = []
    for _ in range(4):
        at_work({"slow": lambda work: done.append(work.job_id)})
    jobs = [ask(session) for _ in range(20)]
    until(session, lambda: all(job.state == "done" for job in jobs))
    assert sorted(done) == sorted(job.id for job in jobs)


def test_the_database_goes_and_comes_back(world, session, clean, at_work):
    on_postgres(clean)
    at_work({"slow": lambda work: None})
    first = ask(session)
    until(session, lambda: first.state == "done")
    session.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )
    session.commit()
    second = ask(session)
    until(session, lambda: second.state == "done")


def test_chores_are_done_again_and_again_whatever_fails(session, at_work):
    counts = {"good": 0, "bad": 0}

    def good(background):
        counts["good"] += 1

    def bad(background):
        counts["bad"] += 1
        raise ZeroDivisionError

    at_work({}, [PeriodicTask("bad", 1, bad), PeriodicTask("good", 1, good)])
    until(session, lambda: counts["good"] >= 3 and counts["bad"] >= 3)


def test_a_long_job_holds_no_chore_up(world, session, at_work):
    go_on, count = threading.Event(), []
    at_work(
        {"slow": lambda work: go_on.wait(30) and None}, [PeriodicTask("sweep", 1, count.append)]
    )
    job = ask(session)
    until(session, lambda: job.state == "running")
    before = len(count)
    until(session, lambda: len(count) >= before + 2)
    go_on.set()
    until(session, lambda: job.state == "done")


def test_chores_go_on_when_the_clock_is_set_back(session, clean, at_work, time_machine):
    on_postgres(clean)
    count = []
    time_machine.move_to(timedelta(days=7))
    at_work({}, [PeriodicTask("sweep", 1, count.append)])
    until(session, lambda: len(count) >= 2)
    time_machine.move_to(timedelta(days=-7))
    time.sleep(1)
    before = len(count)
    until(session, lambda: len(count) >= before + 2)


def test_the_queue_s_tables_are_of_the_version_that_is_installed(clean):
    """The library's tables change with it: a new version needs a migration with its changes."""
    from importlib import import_module, metadata

    laid = import_module("exam_app.migrations.versions.0027_queue").LIBRARY
    assert metadata.version("procrastinate") == laid
    with clean.connect().execution_options(read_only=True) as connection:
        assert queue.has_queue(connection) == (clean.dialect.name == "postgresql")
