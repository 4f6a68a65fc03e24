"""Addresses of databases: as SQLAlchemy takes them, as PostgreSQL's own tools do."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import text

from training_records.database import engine_url, libpq, make_engine


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://academy:p%40ss@db.example:6432/academy",
        "postgresql://academy@127.0.0.1/academy",
        "postgresql://academy:x@one:5432,two:5433,three:5434/academy?target_session_attrs=read-write",
        "postgresql://academy@one,two/academy",
        "postgresql://academy@/academy?host=/run/postgresql",
    ],
)
def test_both_forms_say_the_same(address):
    told, again = conninfo_to_dict(address), libpq(engine_url(address))
    hosts = len(told["host"].split(","))
    if hosts > 1:
        ports = told.get("port", "").split(",")
        told["port"] = ",".join(p or "5432" for p in ports)
    assert {k: str(v) for k, v in told.items()} == again
    assert conninfo_to_dict(make_conninfo(**again)) == {**again}
    assert engine_url(engine_url(address).render_as_string(hide_password=False)) == engine_url(
        address
    )


def test_the_host_that_may_be_written_to_is_found(postgres_url):
    """A host that is down, then one that answers."""
    port = postgres_url.rpartition(":")[2]
    address = f"postgresql://academy@127.0.0.1:1,127.0.0.1:{port}/postgres?target_session_attrs=read-write"
    engine = make_engine(address)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar() == "academy"
    engine.dispose()
