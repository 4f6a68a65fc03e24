"""Addresses of databases."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from training_records.database import engine_url, libpq


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
