"""Identity numbers: not kept at all, or (switched on) sealed, masked, shown once with a reason, sealed anew, forgotten."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, text

from exam_app.application import create_app
from exam_app.cli import cli
from exam_app.config import load_config
from exam_app.core.sealing import seal_of
from exam_app.operations.erasure import erase
from exam_app.web.services import services_of
from tests.conftest import Api
from tests.factories import DISTRICT, HEAD, OTHER_DISTRICT, PASSWORD, workbook
from training_records.corrections.batches import undo_batch
from training_records.ledger.identity import masked
from training_records.ledger.models import ImportBatch, KeptIdentity, Person

NUMBER = "370283197903075124"
OTHER = "370283198212011033"
FIELD_KEYS = "first-" * 8


def check_digit(number):
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(w * int(c) for w, c in zip(weights, number, strict=False)) % 11]


NUMBER, OTHER = (n[:17] + check_digit(n) for n in (NUMBER, OTHER))
SHEET = workbook(
    [
        ["王秀兰", "13800000001", "平度市", "云桥镇", "前河村", "2023.5", NUMBER],
        ["李桂英", "13800000002", "平度市", "云桥镇", "后沟村", "2023.5", OTHER],
    ],
    [*HEAD, "身份证号"],
)


def office_of(world, config, engine, **more):
    app = create_app(replace(config, **more), engine)
    account = world.account("district", DISTRICT)
    world.session.commit()
    return app, Api(app, account.phone, PASSWORD)


def bring_in(office):
    files = {"file": (io.BytesIO(SHEET), "台账.xlsx")}
    checked = office.client.post("/ledger/import", data=files, headers=office.headers)
    key = checked.text.split('action="/ledger/import/')[1].split('"')[0].split("/")[0]
    assert office.form(f"/ledger/import/{key}").status_code == 302


@pytest.fixture
def kept(world, config, clean):
    """The application with numbers kept, and a district's office that has brought in two people."""
    app, office = office_of(world, config, clean, keep_identity=True, field_keys=FIELD_KEYS)
    bring_in(office)
    yield app, office
    services_of(app).close()


def someone(session, name="王秀兰"):
    person = session.scalars(select(Person).where(Person.name == name)).one()
    session.commit()
    return person


def everything(session):
    """All that the database holds, as text."""
    names = session.scalars(
        text(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if session.get_bind().dialect.name == "sqlite"
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
    ).all()
    return "\n".join(
        str(row) for name in names for row in session.execute(text(f'SELECT * FROM "{name}"'))
    )


def test_as_it_comes_no_number_is_kept(world, config, clean, session):
    app, office = office_of(world, config, clean)
    bring_in(office)
    assert session.scalar(select(func.count()).select_from(KeptIdentity)) == 0
    person = someone(session)
    assert "证件号码</h2>" not in office.get(f"/ledger/people/{person.id}").text
    assert office.form(f"/ledger/people/{person.id}/identity", reason="查询").status_code == 404
    assert NUMBER not in everything(session)
    services_of(app).close()


def test_kept_sealed_and_shown_masked(kept, session):
    _, office = kept
    rows = session.scalars(select(KeptIdentity)).all()
    assert len(rows) == 2 and NUMBER not in everything(session)
    person = someone(session)
    page = office.get(f"/ledger/people/{person.id}").text
    assert masked(NUMBER) in page and NUMBER not in page and NUMBER[3:14] not in page
    assert masked(NUMBER) == f"370{'*' * 11}{NUMBER[-4:]}"


def test_the_whole_number_needs_a_reason_and_leaves_a_trace(kept, session):
    _, office = kept
    person = someone(session)
    refused = office.form(f"/ledger/people/{person.id}/identity", reason=" ")
    assert refused.status_code == 422 and "做什么用" in refused.text
    assert NUMBER not in refused.text
    shown = office.form(f"/ledger/people/{person.id}/identity", reason="办入职查询")
    assert NUMBER in shown.text and shown.headers["Cache-Control"] == "no-store"
    trail = session.execute(
        text("SELECT detail, subject FROM audit_entry WHERE action = 'identity.show'")
    ).all()
    assert len(trail) == 1 and trail[0][1] == f"person:{person.id}"
    assert NUMBER not in everything(session)


def test_others_do_not_see_it(kept, world, session):
    app, _ = kept
    person = someone(session)
    elsewhere = world.account("district", OTHER_DISTRICT)
    supervisor = world.account("supervisor", "370283001000")
    session.commit()
    for account, status in ((elsewhere, 404), (supervisor, 403)):
        api = Api(app, account.phone, PASSWORD)
        answer = api.form(f"/ledger/people/{person.id}/identity", reason="看看")
        assert answer.status_code == status and NUMBER not in answer.text


def test_new_keys_and_then_forgotten(kept, session, monkeypatch, tmp_path):
    monkeypatch.setenv("ACADEMY_INSTANCE", str(tmp_path))
    url = session.get_bind().engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ACADEMY_DATABASE_URL", url.replace("+psycopg", ""))
    monkeypatch.setenv("ACADEMY_KEEP_IDENTITY", "1")
    monkeypatch.setenv("ACADEMY_FIELD_KEYS", f"second-{'x' * 40},{FIELD_KEYS}")
    told = CliRunner().invoke(cli, ["keys", "rotate"])
    assert told.exit_code == 0 and "2 条" in told.output
    monkeypatch.setenv("ACADEMY_FIELD_KEYS", f"second-{'x' * 40}")
    session.expire_all()
    opened = seal_of(load_config()).open
    assert {opened(r.sealed) for r in session.scalars(select(KeptIdentity))} == {NUMBER, OTHER}
    session.rollback()
    told = CliRunner().invoke(cli, ["keys", "forget-identities"])
    assert told.exit_code == 1 and "还开着" in told.output
    monkeypatch.delenv("ACADEMY_KEEP_IDENTITY")
    told = CliRunner().invoke(cli, ["keys", "forget-identities"])
    assert told.exit_code == 0 and "2 条" in told.output
    assert session.scalar(select(func.count()).select_from(KeptIdentity)) == 0


def test_it_goes_with_the_person_and_with_the_import(kept, session):
    person = someone(session)
    person.posts[0].end = date(2023, 6, 1)
    session.flush()
    erase(session, person, date(2036, 1, 1))
    assert session.scalars(select(KeptIdentity.person_id)).all() == [someone(session, "李桂英").id]
    undo_batch(session, session.scalars(select(ImportBatch)).one(), "test")
    session.commit()
    assert session.scalar(select(func.count()).select_from(KeptIdentity)) == 0
