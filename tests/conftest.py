"""Databases, application and clients for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

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
from tests.factories import World
from training_records.database import make_engine, make_session_factory, now

ENGINES = ["sqlite", "postgres"]


def missing(reason: str) -> None:
    """Skips, or fails where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    binaries = postgres.find_binaries()
    if binaries is None:
        missing("没有 PostgreSQL(Debian 包 postgresql)")
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


@pytest.fixture
def clean(engine: Engine) -> Engine:
    """The engine with empty tables."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            own = [table.name for table in metadata.sorted_tables]
            names = ", ".join([*own, "procrastinate_jobs", "procrastinate_workers"])
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        else:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
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


@pytest.fixture
def app(clean: Engine, config: Config) -> Iterator[Flask]:
    made = create_app(config, clean)
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
