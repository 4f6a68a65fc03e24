"""Exports of personal data name their reason."""

from __future__ import annotations

from dataclasses import replace

from exam_app.application import create_app
from exam_app.web.services import services_of
from tests.conftest import Api
from tests.factories import DISTRICT, PASSWORD


def test_who_takes_personal_data_along_says_why(clean, config, world):
    app = create_app(replace(config, export_reason="required"), clean)
    world.person()
    office = Api(app, world.account("district", DISTRICT).phone, PASSWORD)
    asked = office.get("/ledger/export.xlsx?division=370283000000&q=1")
    assert asked.status_code == 200 and "为什么要导出" in asked.text
    assert 'name="division" value="370283000000"' in asked.text
    assert office.get("/ledger/export.xlsx?reason=%20").status_code == 422
    answer = office.get("/ledger/export.xlsx?reason=年度自查")
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    assert "reason 年度自查" in office.get("/admin/log?q=ledger").text
    # One's own data is one's own.
    account = world.account("director")
    phone = Api(app, account.phone, PASSWORD)
    assert phone.get("/archive/mine.json").mimetype == "application/json"
    services_of(app).close()
