"""Addresses of databases: as SQLAlchemy takes them, as PostgreSQL's own tools do."""

from __future__ import annotations

from sqlalchemy import text

from training_records.database import make_engine


def test_the_host_that_may_be_written_to_is_found(postgres_url):
    """A host that is down, then one that answers."""
    port = postgres_url.rpartition(":")[2]
    address = f"postgresql://academy@127.0.0.1:1,127.0.0.1:{port}/postgres?target_session_attrs=read-write"
    engine = make_engine(address)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar() == "academy"
    engine.dispose()
