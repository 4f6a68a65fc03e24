"""Reports from a copy of the database that follows by itself: who has just written sees it, and when the copy lags, stands still or is
gone, the primary is read."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from exam_app.application import create_app
from exam_app.migrations.running import upgrade
from exam_app.web.services import services_of
from harness import postgres as postgres
from tests.conftest import Api, missing
from tests.factories import DISTRICT, PASSWORD, World
from training_records.database import make_engine, make_session_factory


@pytest.fixture(scope="module")
def pair():
    """URL of a primary and of a copy that follows it, both with a database of the same name."""
    binaries = postgres.find_binaries()
    if binaries is None:
        missing("没有 PostgreSQL（Debian 包 postgresql）")
    name = f"copied_{uuid4().hex}"
    with postgres.server(binaries) as primary:
        with psycopg.connect(f"{primary}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        with postgres.standby(binaries, primary) as copy:
            yield f"{primary}/{name}", f"{copy}/{name}"


class Copy:
    """The copy, which can be told to stand still."""

    def __init__(self, primary, url):
        self.primary, self.url = primary, url

    def _run(self, sql):
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(sql)
            return found.fetchone() if found.description else None

    def stand_still(self):
        self._run("SELECT pg_wal_replay_pause()")

    def go_on(self):
        self._run("SELECT pg_wal_replay_resume()")

    def has_all(self):
        with psycopg.connect(self.primary, autocommit=True) as connection:
            place = connection.execute("SELECT pg_current_wal_lsn()::text").fetchone()[0]
        for _ in range(200):
            if self._run(f"SELECT pg_last_wal_replay_lsn() >= '{place}'")[0]:
                return
            self._run("SELECT pg_sleep(0.05)")
        raise AssertionError("the copy does not follow")


@pytest.fixture
def copy(pair):
    found = Copy(*pair)
    yield found
    found.go_on()


def two_offices(url):
    """The primary's engine, with nothing but two offices of one district; and their phones."""
    engine = make_engine(url)
    upgrade(engine)
    with make_session_factory(engine)() as session:
        session.execute(text("TRUNCATE division CASCADE"))
        world = World(session)
        phones = [world.account("district", DISTRICT).phone for _ in range(2)]
        session.commit()
    return engine, phones


@pytest.fixture
def offices(pair, copy, config):
    """Two offices of one district, signed in, with the copy; and the application."""
    engine, phones = two_offices(pair[0])
    app = create_app(replace(config, replica_url=pair[1]), engine)
    yield app, *(Api(app, phone, PASSWORD) for phone in phones)
    services_of(app).close()
    engine.dispose()


def write(office, text_):
    """Keeps a text of the annual report, on the version that the page shows."""
    page = office.get("/reports?year=2026").text
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    field = re.search(r'name="(t-[^"]+)"', page)[1]
    answer = office.form("/reports", year="2026", version=version, **{field: text_})
    assert answer.status_code == 302, answer.text


def shown(office, title):
    answer = office.get("/reports?year=2026")
    assert answer.status_code == 200
    return title in answer.text


def test_who_wrote_sees_it_at_once_others_what_the_copy_has(offices, copy):
    _, one, other = offices
    copy.has_all()
    copy.stand_still()
    write(one, "缺少活动场地")
    assert shown(one, "缺少活动场地")
    # This proves that the other one's page came from the copy.
    assert not shown(other, "缺少活动场地")
    copy.go_on()
    copy.has_all()
    assert shown(other, "缺少活动场地") and shown(one, "缺少活动场地")


def test_what_no_report_asks_is_read_from_the_primary(offices, copy):
    _, one, other = offices
    copy.has_all()
    copy.stand_still()
    one.form("/office-tasks", title="交材料", due_on="2026-12-31")
    assert "交材料" in other.get("/office-tasks").text


def test_without_a_copy_that_follows_the_primary_is_read(pair, config):
    """Its sender is gone: it would show ever older figures."""
    binaries = postgres.find_binaries()
    engine, phones = two_offices(pair[0])
    with postgres.standby(binaries, pair[0].rpartition("/")[0]) as url:
        address = f"{url}/{pair[0].rpartition('/')[2]}"
        copy = Copy(pair[0], address)
        copy.has_all()
        app = create_app(replace(config, replica_url=address), engine)
        one, other = (Api(app, phone, PASSWORD) for phone in phones)
        copy._run("ALTER SYSTEM SET primary_conninfo = ''")
        copy._run("SELECT pg_reload_conf()")
        for _ in range(100):
            if not copy._run("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)")[0]:
                break
            copy._run("SELECT pg_sleep(0.05)")
        write(one, "人手不够")
        assert shown(other, "人手不够")
    # And now it does not answer at all.
    write(one, "经费没有到位")
    assert shown(other, "经费没有到位") and shown(one, "经费没有到位")
    services_of(app).close()
    engine.dispose()
