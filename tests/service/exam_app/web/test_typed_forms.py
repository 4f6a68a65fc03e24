"""What happens to what people type: cleaned, refused with its text kept, made once, put back after a new sign-in."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select

from exam_app.core import form_keys
from exam_app.core.form_keys import FormKey, TypedForm
from exam_app.identity.models import Account
from exam_app.web.refill import refill
from tests.factories import DISTRICT, PASSWORD, TOWN, VILLAGE
from training_records.database import now
from training_records.work.models import Activity, CaseEntry, OfficeTask

KEY = "0123456789abcdef" * 2


@pytest.fixture
def phone(world, sign_in):
    return sign_in(world.account("director", VILLAGE))


def activity(**more):
    return {"title": "防溺水宣讲", "theme": "drowning", "on": "2026-11-20", **more}


def fields_in(page):
    """Name to value of the page's inputs that have one."""
    return dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))


# Cleaned at the door.


def test_control_and_invisible_characters_never_get_in(phone, session):
    phone.form("/activities", **activity(title="防\u200b溺\x02水\ufffe宣讲 ２０２６（一）"))
    assert session.scalars(select(Activity.title)).one() == "防溺水宣讲 2026（一）"
    session.commit()


@pytest.mark.parametrize("code", ["０３-０７", "03—07", " 03 - 07 ", "٠٣-٠٧"])
def test_a_code_is_one_child_however_it_is_typed(phone, session, code):
    phone.form("/caseload", code="03-07", categories=["orphan"])
    assert phone.form("/caseload", code=code, categories=["orphan"]).status_code == 422
    assert session.scalar(select(func.count()).select_from(CaseEntry)) == 1
    session.commit()


def test_passwords_stay_as_they_were_typed(app, world):
    account = world.account("director", VILLAGE)
    client = app.test_client()
    mark = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get("/login").text)
    data = {"csrf_token": mark[1], "phone": account.phone, "password": f" {PASSWORD}"}
    assert client.post("/login", data=data).status_code == 422


@pytest.mark.parametrize("shape", ["{} ", "+86{}", "0086-{}", "\u202d{}\u202c", "{:.3} {:.0}"])
def test_a_phone_signs_in_however_it_is_typed(app, world, shape):
    account = world.account("director", VILLAGE)
    number = account.phone
    typed = f"{number[:3]} {number[3:7]}-{number[7:]}" if ":" in shape else shape.format(number)
    client = app.test_client()
    body = {"phone": typed, "password": PASSWORD}
    assert client.post("/api/v1/login", json=body).status_code == 200


# Refused: 422, filled in, the error beside its field.


def test_a_refused_form_comes_back_with_its_text(phone):
    answer = phone.form("/activities", **activity(on="哪天", children="很多", title="我写的"))
    assert answer.status_code == 422
    assert 'value="我写的"' in answer.text
    assert 'value="哪天"' in answer.text
    assert 'value="很多"' in answer.text
    assert re.search(r'aria-describedby="children-fault"[^>]*id="children"', answer.text)
    assert '<a href="#on">哪天：日期看不懂' in answer.text
    assert 'id="children-fault">请填整数' in answer.text
    assert "note good" not in answer.text


def test_what_the_service_refuses_stands_on_top(phone):
    answer = phone.form("/activities", **activity(held="1", title="办过的"))
    assert answer.status_code == 422
    assert "请填来了多少孩子" in answer.text
    assert 'value="办过的"' in answer.text
    assert re.search(r"<input[^>]*checked[^>]*name=\"held\"", answer.text)
    # It stands at the address that it was sent to: the forms of the page still go where they belong.
    assert 'action="/activities"' in answer.text


def test_a_form_of_a_row_comes_back_in_its_row(phone, session):
    phone.form("/activities", **activity(title="甲"))
    phone.form("/activities", **activity(title="乙"))
    first, second = session.scalars(select(Activity.id).order_by(Activity.id)).all()
    session.commit()
    answer = phone.form(
        f"/activities/{second}", on="2026-11-20", summary="小结\r\n两行", children="x"
    )
    assert answer.status_code == 422
    assert (
        f'id="held-summary-{second}" maxlength="300" name="summary" rows="3">\n小结\n两行'
        in answer.text.replace("\r", "")
    )
    assert f'href="#held-children-{second}"' in answer.text
    assert f'id="held-children-{first}-fault"' not in answer.text


@pytest.mark.time_machine("2027-01-05T09:00+08:00")
def test_in_january_the_form_of_december_comes_back_too(phone, session):
    phone.form("/activities", **activity(on="2026-12-30"))
    number = session.scalars(select(Activity.id)).one()
    session.commit()
    answer = phone.form(f"/activities/{number}", on="2026-12-30", summary="小结", children="x")
    assert answer.status_code == 422 and "小结" in answer.text
    assert "/activities?year=2026" in phone.get("/activities").text


def test_a_line_break_counts_as_one_character(phone, session):
    phone.form("/activities", **activity())
    number = session.scalars(select(Activity.id)).one()
    session.commit()
    text = ("字" * 9 + "\r\n") * 30
    values = {"on": "2026-11-20", "children": "三", "adults": "１２"}
    assert phone.form(f"/activities/{number}", **values, summary=text + "长").status_code == 422
    assert phone.form(f"/activities/{number}", **values, summary=text).status_code == 302
    row = session.get_one(Activity, number)
    assert (row.children, row.adults) == (3, 12)
    assert row.summary == (("字" * 9 + "\n") * 30).strip()
    session.commit()


# A form written by hand is filled in too.


def test_a_page_is_filled_in_again():
    page = """<html><body><main><details><form method="post" action="/b"><input type="hidden" name="row" value="1">
    <textarea name="t"></textarea></form></details>
    <details><form method="post" action="/b"><input type="hidden" name="row" value="2"><textarea name="t"></textarea>
    <input type="checkbox" name="c" value="1" checked><input type="checkbox" name="c" value="2">
    <select name="s"><option value="a" selected>甲</option><option value="b">乙</option></select>
    <input type="password" name="password"><input name="n"><input name="n"></form></details></main></body></html>"""
    from werkzeug.datastructures import MultiDict

    fields = MultiDict(
        [
            ("row", "2"),
            ("t", "<b>写的"),
            ("c", "2"),
            ("s", "b"),
            ("password", "x"),
            ("n", "1"),
            ("n", "2"),
        ]
    )
    filled = refill(page, "/a", action="/b", fields=fields, notice="放回来了")
    first, second = filled.split("</details>")[:2]
    assert "写的" not in first
    assert "open" not in first
    assert "<details open" in second
    assert "&lt;b&gt;" in second
    assert "写的" in second
    assert 'value="2" checked' in second
    assert 'value="1" checked' not in second
    assert '<option value="b" selected' in second
    assert '<option value="a">' in second
    assert 'value="x"' not in second
    assert re.findall(r'name="n" value="(\d)"', second) == ["1", "2"]
    assert "放回来了" in filled


def test_texts_whose_form_is_gone_are_shown():
    from werkzeug.datastructures import MultiDict

    fields = MultiDict([("t", "写了很久"), ("password", "geheim"), ("id", "11010519491231002X")])
    filled = refill("<main></main>", "/a", action="/b", fields=fields, notice="没有丢")
    assert "写了很久" in filled
    assert "geheim" not in filled
    assert "11010519491231002X" not in filled


def test_a_form_that_has_changed_meanwhile_does_not_hide_what_was_typed():
    """A filter at the same address is not the form that was sent."""
    from werkzeug.datastructures import MultiDict

    page = """<main><form action="/b"><input name="year"></form><form method="post" action="/b"><input name="other"></form>
    <form method="post"><input type="hidden" name="row" value="2"><textarea name="t"></textarea></form></main>"""
    fields = MultiDict([("row", "1"), ("t", "写了很久")])
    assert "写了很久" in refill(page, "/b", action="/b", fields=fields, notice="没有丢")


# Made once.


def test_the_page_carries_a_key_of_its_own_each_time(phone):
    keys = {
        re.search(r'name="once" value="([0-9a-f]{32})"', phone.get("/activities").text)[1]
        for _ in "12"
    }
    assert len(keys) == 2


def test_two_taps_make_one(phone, session):
    first = phone.form("/activities", **activity(), once=KEY)
    second = phone.form("/activities", **activity(), once=KEY)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.location == second.location
    assert session.scalar(select(func.count()).select_from(Activity)) == 1
    session.commit()
    assert "记下了" in phone.get(second.location).text
    phone.form("/activities", **activity(), once=KEY.replace("0", "1"))
    assert session.scalar(select(func.count()).select_from(Activity)) == 2
    session.commit()


def test_a_key_counts_for_what_it_was_sent_with_only(phone, session):
    """Back, another title, sent again; or a key that stands in another form."""
    phone.form("/activities", **activity(title="甲"), once=KEY)
    phone.form("/activities", **activity(title="乙"), once=KEY)
    phone.form("/caseload", code="03-07", categories=["orphan"], once=KEY)
    assert session.scalars(select(Activity.title).order_by(Activity.id)).all() == ["甲", "乙"]
    assert session.scalar(select(func.count()).select_from(CaseEntry)) == 1
    session.commit()


def test_a_refused_form_leaves_its_key_unused(phone, session):
    assert phone.form("/activities", **activity(held="1"), once=KEY).status_code == 422
    values = activity(held="1", children="3", adults="1")
    assert phone.form("/activities", **values, once=KEY).status_code == 302
    assert session.scalar(select(func.count()).select_from(Activity)) == 1
    session.commit()


def test_a_key_counts_for_its_own_account_only(world, sign_in, session):
    for _ in "12":
        office = sign_in(world.account("district", DISTRICT))
        due = (now() + timedelta(days=9)).date().isoformat()
        office.form("/office-tasks", title="报送", due_on=due, once=KEY)
    assert session.scalar(select(func.count()).select_from(OfficeTask)) == 2
    session.commit()


def test_two_taps_at_once_make_one(app, world, sign_in, session):
    account = world.account("director", VILLAGE)
    phones = [sign_in(account), sign_in(account)]
    answers, barrier = [], threading.Barrier(2)

    def tap(one):
        barrier.wait()
        answers.append(one.form("/activities", **activity(), once=KEY).status_code)

    threads = [threading.Thread(target=tap, args=(one,)) for one in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302, 302]
    assert session.scalar(select(func.count()).select_from(Activity)) == 1
    session.commit()


def test_keys_and_kept_forms_go_after_some_days(world, session):
    account = world.account("director", VILLAGE)
    for age, key in ((timedelta(days=8), "old"), (timedelta(days=1), "new")):
        at = now() - age
        session.add(FormKey(account_id=account.id, key=key, target="/", message="", created_at=at))
        session.add(
            TypedForm(
                handle=key, account_id=account.id, page="/", action="/", sealed="", created_at=at
            )
        )
    session.flush()
    form_keys.forget_old(session)
    assert session.scalars(select(FormKey.key)).all() == ["new"]
    assert session.scalars(select(TypedForm.handle)).all() == []
    session.rollback()


# After a sign-in that had ended.


def idle(office):
    with office.client.session_transaction() as cookie:
        cookie["at"] = int(now().timestamp()) - 3 * 3600


def sign_in_again(office, location, account):
    page = office.client.get(location).text
    mark = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[1]
    data = {"csrf_token": mark, "phone": account.phone, "password": PASSWORD}
    answer = office.client.post(location, data=data)
    assert answer.status_code == 302, unescape(answer.text)
    return answer.location


def sent_while_idle(office, path, page, **values):
    idle(office)
    headers = {**office.headers, "Referer": f"http://localhost{page}"}
    return office.client.post(path, data=values, headers=headers)


def test_an_idle_office_goes_on_where_it_was(world, sign_in, session):
    account = world.account("district", DISTRICT)
    office = sign_in(account)
    answer = sent_while_idle(
        office, "/office-tasks", "/office-tasks?x=1", title="两个小时写的", password="geheim"
    )
    assert answer.status_code == 302
    kept = session.scalars(select(TypedForm)).one()
    assert kept.account_id == account.id
    assert "两个小时" not in kept.sealed
    session.commit()
    target = sign_in_again(office, answer.location, account)
    assert target == "/office-tasks?x=1"
    page = office.client.get(target).text
    assert 'value="两个小时写的"' in page
    assert "放回来了" in page
    assert "两个小时写的" not in office.client.get(target).text
    assert session.scalars(select(TypedForm)).all() == []
    session.commit()


def test_a_whole_report_is_kept_too(world, sign_in):
    account = world.account("district", DISTRICT)
    office = sign_in(account)
    page = office.get("/reports").text
    number = re.search(r'name="version"[^>]*value="(\d+)"', page)[1]
    names = re.findall(r'<textarea[^>]*name="(t-[\w-]+)"', page)
    texts = {name: f"{name}：{'字' * 2900}" for name in names}
    answer = sent_while_idle(office, "/reports", "/reports", version=number, **texts)
    page = office.client.get(sign_in_again(office, answer.location, account)).text
    assert len(names) > 20 and all(text in page for text in texts.values())


def test_a_referrer_that_is_no_address_does_no_harm(world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    idle(office)
    headers = {**office.headers, "Referer": "http://["}
    answer = office.client.post("/office-tasks", data={"title": "甲"}, headers=headers)
    assert answer.location == "/login?next=/office-tasks"


def test_what_one_account_typed_is_not_shown_to_another(world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    answer = sent_while_idle(office, "/office-tasks", "/office-tasks", title="我的")
    target = sign_in_again(office, answer.location, world.account("district", DISTRICT))
    assert "我的" not in fields_in(office.client.get(target).text).values()


def test_an_address_that_only_takes_forms_leads_to_the_page_of_the_form(world, sign_in):
    account = world.account("district", DISTRICT)
    person = world.person(VILLAGE)
    world.session.commit()
    office = sign_in(account)
    page = f"/ledger/people/{person.id}"
    answer = sent_while_idle(
        office, f"{page}/check", page, background_result="无记录", background_checked_on="2026-11-0"
    )
    target = sign_in_again(office, answer.location, account)
    assert target == page
    shown = office.client.get(target)
    assert shown.status_code == 200
    assert 'value="2026-11-0"' in shown.text


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/ledger", "/ledger"),
        ("/ledger/people/1/check", "/"),
        ("/gibt/es/nicht", "/"),
        ("//evil.example", "/"),
        ("/archive/5.pdf", "/archive/5.pdf"),
    ],
)
def test_nobody_is_sent_to_an_address_that_is_no_page(app, world, target, leads_to):
    account = world.account("supervisor", TOWN)
    client = app.test_client()
    location = f"/login?next={target}"
    mark = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get(location).text)
    data = {"csrf_token": mark[1], "phone": account.phone, "password": PASSWORD}
    assert client.post(location, data=data).location == leads_to


def test_an_account_keeps_its_latest_forms_only(world, session):
    account = world.account("district", DISTRICT)
    for number in range(8):
        form_keys.keep(session, account.id, "/", action=f"/{number}", sealed="")
    kept = session.scalar(select(func.count()).select_from(TypedForm))
    assert kept == form_keys.MAX_KEPT
    assert session.get(Account, account.id)
    session.rollback()
