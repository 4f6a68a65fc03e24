"""Databases, application and clients for all tests."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import psycopg
import pytest
import time_machine
from flask import Flask
from hypothesis import settings
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from exam_app.application import create_app
from exam_app.config import Config, load_config
from exam_app.exams.saving import Saver, make_saver
from exam_app.identity import hashing
from exam_app.identity import service as accounts
from exam_app.migrations.metadata import metadata
from exam_app.migrations.running import upgrade
from exam_app.operations.partitions import partition
from exam_app.web.services import services_of
from harness import postgres as postgres
from tests.clock import Clock, let_go
from tests.factories import ZONE, World
from training_records.database import make_engine, make_session_factory, now

ENGINES = ["sqlite", "postgres"]
PR_SET_CHILD_SUBREAPER = 36

# As many examples as the libraries' defaults for the whole suite, fewer for the check before a commit.
settings.register_profile("ci", settings.get_profile("default"))
settings.register_profile("quick", max_examples=25, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines",
        choices=["sqlite", "all"],
        default="all",
        help="the databases that tests run on: SQLite alone, or PostgreSQL too",
    )
    parser.addoption(
        "--clock",
        type=datetime.fromisoformat,
        help="the moment, in Beijing time, at which this process's clock stands when the tests begin",
    )


def pytest_configure(config: pytest.Config) -> None:
    let_go()
    if moment := config.getoption("--clock"):
        # As a number: a moment with a zone would change the process's time zone too.
        time_machine.travel(moment.replace(tzinfo=ZONE).timestamp()).start()


def needs_postgres(item: pytest.Item) -> bool:
    """Whether a test runs on a PostgreSQL server."""
    callspec = getattr(item, "callspec", None)
    chosen = callspec is not None and "postgres" in callspec.params.values()
    return chosen or "postgres_url" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--engines") == "all":
        return
    left_out = [item for item in items if needs_postgres(item)]
    items[:] = [item for item in items if not needs_postgres(item)]
    config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish() -> None:
    # Thousands of imported modules stay to the end: no collection need look at them again.
    gc.freeze()


def children() -> list[str]:
    """Processes that this one started and that still run (Linux)."""
    found = []
    for told in Path("/proc/self/task").glob("*/children"):
        for pid in told.read_text().split():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            # Python ends its own tracker of shared memory with itself.
            if command and b"resource_tracker" not in command:
                found.append(f"{pid} {command.replace(bytes(1), b' ').decode()[:200]}")
    return found


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Whoever starts a process ends it, also when its test fails."""
    # Children of a child that ends become ours, and so are seen too.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = set(children())
    yield
    left = set(children()) - before
    assert not left, left


def missing(reason: str) -> None:
    """Skips, or fails where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    binaries = postgres.find_binaries()
    if binaries is None:
        missing("没有 PostgreSQL（Debian 包 postgresql）")
    with postgres.server(binaries) as url:  # type: ignore[arg-type]
        yield url


@pytest.fixture(scope="session", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('db') / 'test.db'}"
    else:
        server = request.getfixturevalue("postgres_url")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            name = f"suite_{uuid4().hex}"
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        url = f"{server}/{name}"
    made = make_engine(url)
    upgrade(made)
    if request.param == "postgres":
        # Laid out as in the largest size; as it comes it is tried by the migrations' tests and the benches.
        partition(made, now().date())
    yield made
    made.dispose()


# The queue's tables are its library's; what points to a job goes before it.
QUEUE = ["periodic_defers", "events", "jobs", "workers"]


def empty(connection: Connection) -> None:
    """Takes all rows away: only a few of the tables hold some after a test. Numbers start at 1 again."""
    names = [table.name for table in reversed(metadata.sorted_tables)]
    on_postgres = connection.dialect.name == "postgresql"
    if on_postgres:
        names = [*(f"procrastinate_{name}" for name in QUEUE), *names]
    asked = " UNION ALL ".join(
        f"SELECT {at} WHERE EXISTS (SELECT 1 FROM {name})" for at, name in enumerate(names)
    )
    for at in sorted(connection.scalars(text(asked))):
        connection.execute(text(f"DELETE FROM {names[at]}"))
    if on_postgres:
        connection.execute(
            text(
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
                " FROM pg_sequences WHERE last_value IS NOT NULL"
            )
        )


@pytest.fixture
def clean(engine: Engine) -> Engine:
    """The engine with empty tables."""
    with engine.begin() as connection:
        empty(connection)
    return engine


@pytest.fixture
def session(clean: Engine) -> Iterator[Session]:
    with make_session_factory(clean)() as opened:
        yield opened


@pytest.fixture
def world(session: Session) -> World:
    """A small city with people, built through the factories."""
    return World(session)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config({}, instance=tmp_path, secret_key="test-" * 8, study_pace="0")


class CompiledOnce(Rule):
    """A route of the test applications: what builds its addresses is compiled once for all of them."""

    _compiled: ClassVar[dict[Any, Any]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Any:
        key = self.rule, self.subdomain, repr(self.defaults), append_unknown
        if key not in self._compiled:
            self._compiled[key] = super()._compile_builder(append_unknown)
        return self._compiled[key]


class Templates(BytecodeCache):
    """Templates are compiled once for all test applications."""

    def __init__(self) -> None:
        self.compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.compiled:
            bucket.bytecode_from_string(self.compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.compiled[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = Templates()


@pytest.fixture
def app(clean: Engine, config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(Flask, "url_rule_class", CompiledOnce)
    made = create_app(config, clean)
    made.jinja_env.bytecode_cache = TEMPLATES
    made.config["TESTING"] = False
    yield made
    services_of(made).close()


@pytest.fixture
def saver(clean: Engine) -> Iterator[Saver]:
    made = make_saver(clean)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def fast_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap password hashes: their cost is not what the tests are about."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(
        hashing, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    )
    accounts._dummy_hash.cache_clear()


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The clock of the process, standing still until the test moves it."""
    made = Clock(now())
    yield made
    made.stop()


class Api:
    """A signed-in client of the JSON API."""

    def __init__(self, app: Flask, phone: str, password: str) -> None:
        self.client = app.test_client()
        answer = self.client.post("/api/v1/login", json={"phone": phone, "password": password})
        assert answer.status_code == 200, answer.json
        self.user = answer.json["user"]
        self.headers = {"X-CSRF-Token": answer.json["csrf_token"]}

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.client.post(
            path, json=body if body is not None else {}, headers=self.headers, **more
        )

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(path, json=body, headers=self.headers)

    def form(self, path: str, **values: Any) -> Any:
        return self.client.post(path, data=values, headers=self.headers)


@pytest.fixture
def sign_in(app: Flask) -> Any:
    return lambda account: Api(app, account.phone, "correct-horse-7")
