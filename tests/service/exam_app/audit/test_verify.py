"""The log of what was done, held against the anchors of its days."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select

from exam_app.archive.anchors import FILE, anchor_today
from exam_app.audit import service
from exam_app.audit.models import AuditEntry
from exam_app.cli import cli
from tests.factories import today
from training_records.chain import GENESIS, ChainAnchor, ChainHead, digest
from training_records.database import make_session_factory


@pytest.fixture
def verify(session, config, monkeypatch):
    """`academy audit verify`: its exit code and what it found."""
    url = session.get_bind().url.render_as_string(hide_password=False)
    monkeypatch.setenv("ACADEMY_DATABASE_URL", url)
    monkeypatch.setenv("ACADEMY_INSTANCE", str(config.instance))

    def run():
        session.commit()
        told = CliRunner().invoke(cli, ["audit", "verify", "--json"])
        breaks = json.loads(told.stdout)["breaks"]
        return told.exit_code, [(b["chain"], b["seq"]) for b in breaks]

    return run


def test_a_log_written_anew_as_a_whole_is_found_by_its_anchor(clean, session, config, verify):
    """Somebody with the code changes an entry and computes all hashes after it."""
    for number in range(3):
        service.record(session, "account:1", "task.give", subject=f"task:{number}")
    session.commit()
    anchor_today(make_session_factory(clean), config, today())
    assert verify() == (0, [])
    head, previous = session.get(ChainHead, service.CHAIN), GENESIS
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.seq)):
        entry.created_by = "account:2"
        entry.previous, entry.hash = previous, digest(previous, entry.seq, entry.content())
        previous = entry.hash
    head.hash = previous
    assert verify() == (1, [("audit", 3)])
    # The anchors in the database gone, those in the file still tell.
    session.execute(delete(ChainAnchor))
    assert verify() == (1, [("audit", 3)])
    (config.instance / FILE).unlink()
    assert verify() == (0, [])
