"""A worker and the whole server killed at random moments: what was acknowledged is there."""

from __future__ import annotations

import random

import psycopg
import pytest
from sqlalchemy import text

from benchmarks.kill import kill_rounds
from harness.world import lost
from training_records.database import make_engine


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kill.db'}"
    server, name = request.getfixturevalue("postgres_url"), f"kill_{random.randrange(10**12)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


def test_nothing_acknowledged_is_lost_when_processes_die(url, tmp_path):
    found = kill_rounds(url, tmp_path, rounds=2)
    assert found["lost"] == 0 and found["kills"] == 4
    assert found["acknowledged"] >= 2 * 6 * 10
    # The count itself can fail: an answer that nobody gave is missing.
    assert lost(url, {"1": {"1": 10**9}}) == 1
    if url.startswith("sqlite"):
        engine = make_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        engine.dispose()
