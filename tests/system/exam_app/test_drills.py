"""What happens when the machine fails: the disk is full, the database is gone or held, files can't be written. Everybody is told to
come again, nothing half is kept, and it goes on by itself."""

from __future__ import annotations

import io
import re
import resource
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from uuid import uuid4

import psycopg
import pytest
from PIL import Image
from sqlalchemy import event, func, select, text

from exam_app.application import create_app
from exam_app.exams.models import Answer
from exam_app.jobs.service import enqueue
from exam_app.web.services import services_of
from harness.server import running
from harness.world import Phone, prepare
from tests.conftest import Api
from tests.factories import DISTRICT, PASSWORD, VILLAGE, World
from training_records.database import make_engine, make_session_factory
from training_records.work.models import OfficeTask

FREE = resource.RLIM_INFINITY


def save(phone, seq):
    """The status of a save, its Retry-After and body."""
    body = {"answers": [{"slot": "1", "response": None, "seq": seq}]}
    try:
        told = phone.call("PUT", f"/api/v1/attempts/{phone.attempt}/answers", body)
        return 200, None, told
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Retry-After"], error.read().decode()


def stored(url):
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        found = session.scalar(select(func.max(Answer.seq)))
    engine.dispose()
    return found


def test_the_disk_is_full_and_then_not(tmp_path):
    """No process of the server may make a file any longer."""
    url = f"sqlite:///{tmp_path / 'full.db'}"
    exam = prepare(url, 1)
    with running(url, tmp_path, workers=1) as served:
        phone = Phone(served.url, 1)
        phone.start(exam)
        assert save(phone, 1)[0] == 200
        hard = resource.prlimit(served.pids()[1], resource.RLIMIT_FSIZE)[1]
        for pid in served.pids():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (512, hard))
        status, again, told = save(phone, 2)
        assert (status, again) == (503, "30") and "没有保存" in told
        assert stored(url) == 1
        with urllib.request.urlopen(f"{served.url}/healthz") as answer:
            assert answer.status == 200
        for pid in served.pids():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert save(phone, 3)[0] == 200
    assert stored(url) == 3
    with sqlite3.connect(tmp_path / "full.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_the_database_is_gone_and_comes_back(tmp_path, postgres_url):
    name = f"gone_{uuid4().hex}"
    url = f"{postgres_url}/{name}"
    with psycopg.connect(f"{postgres_url}/postgres", autocommit=True) as admin:

        def accepts(allowed):
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}")

        def cut():
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )

        admin.execute(f"CREATE DATABASE {name}")
        exam = prepare(url, 1)
        with running(url, tmp_path, workers=1) as served:
            phone = Phone(served.url, 1)
            phone.start(exam)
            assert save(phone, 1)[0] == 200
            # Only the connections are lost: at most one save has to come again.
            cut()
            tries = [save(phone, 2)[0] for _ in range(2)]
            assert tries[-1] == 200 and set(tries) <= {200, 503}
            accepts("false")
            cut()
            status, again, told = save(phone, 3)
            assert (status, again) == (503, "30") and "没有保存" in told
            with urllib.request.urlopen(f"{served.url}/healthz") as answer:
                assert answer.status == 200
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{served.url}/readyz")
            assert refused.value.code == 503
            accepts("true")
            deadline = time.monotonic() + 30
            while save(phone, 4)[0] != 200:
                assert time.monotonic() < deadline
                time.sleep(0.3)
            with urllib.request.urlopen(f"{served.url}/readyz") as answer:
                assert answer.status == 200
            # The queue's own connections are back too.
            assert done_by_server(url) == "done"
        assert stored(url) == 4


def done_by_server(url):
    """The state of a job that is asked for here, after the running server has had time for it."""
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        job = enqueue(
            session,
            "archives",
            "某村档案",
            division_code=VILLAGE,
            params={"division": VILLAGE},
            by="office",
        )
        session.commit()
        deadline = time.monotonic() + 40
        while job.state in ("waiting", "running") and time.monotonic() < deadline:
            time.sleep(0.3)
            session.refresh(job)
            session.commit()
        state = job.state
    engine.dispose()
    return state


def test_somebody_else_holds_the_database(tmp_path, config):
    engine = make_engine(f"sqlite:///{tmp_path / 'held.db'}")
    from exam_app.migrations.running import upgrade

    upgrade(engine)
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout=300"))
    engine.dispose()
    with make_session_factory(engine)() as session:
        account = World(session).account("district", DISTRICT)
    app = create_app(config, engine)
    office = Api(app, account.phone, PASSWORD)
    held = sqlite3.connect(tmp_path / "held.db", isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    answer = office.form("/office-tasks", title="材料", due_on="2026-12-31")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "30"
    assert "没有保存" in answer.text and "Traceback" not in answer.text
    # Reading goes on.
    assert office.get("/office-tasks").status_code == 200
    held.execute("ROLLBACK")
    held.close()
    assert office.form("/office-tasks", title="材料", due_on="2026-12-31").status_code == 302
    with make_session_factory(engine)() as session:
        assert session.scalar(select(func.count()).select_from(OfficeTask)) == 1
    services_of(app).close()
    engine.dispose()


def test_a_folder_that_can_t_be_written_to(world, sign_in, app, session):
    """Where the folder should be there is a file; then it is mended."""
    phone = sign_in(world.account("director", VILLAGE))
    phone.form("/caseload", code="03-07", categories=["orphan"])
    found = phone.get("/visits/data.json").json
    visit = {"key": "k" * 12, "case": found["due"][0]["case"], "on": found["today"], "form": "home"}
    phone.post("/visits/sync", {"visits": [{**visit, "findings": {}}]})
    picture = io.BytesIO()
    Image.new("RGB", (9, 9)).save(picture, "PNG")

    def send():
        return phone.form("/visits/1", file=(io.BytesIO(picture.getvalue()), "x.png"))

    folder = app.config["ACADEMY"].instance / "evidence"
    folder.write_text("no folder")
    answer = send()
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "60"
    assert "磁盘满" in answer.text and str(folder) not in answer.text
    assert session.execute(text("SELECT count(*) FROM evidence")).scalar() == 0
    session.commit()
    folder.unlink()
    assert send().status_code == 302
    assert "有签字表的照片" in phone.get("/visits").text


def test_the_clock_is_set_wrong_and_right_again(tmp_path):
    """In the midst of an exam, a week forth and a week back: nothing is late, nothing is closed, nobody is signed out."""
    url = f"sqlite:///{tmp_path / 'clock.db'}"
    exam, clock = prepare(url, 1), tmp_path / "clock"
    clock.write_text("0")
    with running(url, tmp_path, workers=1, target="tests.system.exam_app.jumping:make") as served:
        phone = Phone(served.url, 1)
        phone.start(exam)
        deadline = save(phone, 1)[2]["deadline"]
        for seq, days in enumerate((7, -7, 0), start=2):
            clock.write_text(str(days * 86400))
            time.sleep(0.7)
            status, _, told = save(phone, seq)
            assert status == 200 and told["deadline"] == deadline
            with urllib.request.urlopen(f"{served.url}/metrics") as answer:
                seen = re.search(r"(?m)^academy_clock_jump_seconds (\S+)", answer.read().decode())
            assert round(float(seen[1]), -1) == days * 86400
        told = phone.call(
            "POST", f"/api/v1/attempts/{phone.attempt}/submit", {"expected": {"1": 4}}
        )
        assert told["state"] == "released"
    assert '"event": "clock"' in (tmp_path / "server.log").read_text()
    engine = make_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM late_answer")) == 0
    engine.dispose()


def test_many_at_once_while_it_is_held_and_let_go(tmp_path):
    """A slow disk: the writer is held for moments again and again; every save is there in the end, or was refused."""
    url = f"sqlite:///{tmp_path / 'slow.db'}"
    exam = prepare(url, 4)
    with running(url, tmp_path, workers=1) as served:
        phones = [Phone(served.url, n) for n in (1, 2, 3, 4)]
        for phone in phones:
            phone.start(exam)
        stop, told = threading.Event(), [[] for _ in phones]

        def hold():
            held = sqlite3.connect(tmp_path / "slow.db", isolation_level=None, timeout=10)
            while not stop.is_set():
                held.execute("BEGIN IMMEDIATE")
                time.sleep(0.25)
                held.execute("ROLLBACK")
                time.sleep(0.05)
            held.close()

        def write(phone, kept):
            for seq in range(1, 16):
                kept.append((seq, save(phone, seq)[0]))

        holder = threading.Thread(target=hold)
        writers = [
            threading.Thread(target=write, args=pair) for pair in zip(phones, told, strict=True)
        ]
        for thread in (holder, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        holder.join()
    assert all(status in (200, 503) for kept in told for _, status in kept)
    assert sum(status == 200 for kept in told for _, status in kept) > 30
    best = sorted(max(seq for seq, status in kept if status == 200) for kept in told)
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        assert sorted(session.scalars(select(Answer.seq)).all()) == best
    engine.dispose()
