"""An office opens accounts."""

from __future__ import annotations


def test_an_office_opens_an_account_and_resets_it(world, office):
    person = world.person(name="王秀兰")
    page = office.form(f"/ledger/{person.id}/account")
    password = page.text.split('id="initial-password">')[1].split("<")[0]
    client = office.client.application.test_client()
    answer = client.post("/api/v1/login", json={"phone": person.phone, "password": password})
    assert answer.json["user"]["must_change_password"] is True
    assert client.get("/api/v1/exams").status_code == 403
    assert office.form(f"/ledger/{person.id}/account").status_code == 422
    assert "重设密码" in office.get(f"/admin?q={person.phone}").text
