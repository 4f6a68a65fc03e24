"""A device's own key as the second step: made on the account page, used at the next sign-in, of no use elsewhere."""

from __future__ import annotations

import threading
from dataclasses import replace

import pyotp
import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select
from werkzeug.serving import make_server

from exam_app.application import create_app
from exam_app.core.sealing import seal_of
from exam_app.identity import second
from exam_app.identity.models import SecurityKey
from exam_app.web.services import services_of
from harness.postgres import free_port
from tests.factories import CITY, DISTRICT, PASSWORD
from tests.system.browser.conftest import OFFICE

# What the database is doesn't show on a page: one engine is enough here.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]


@pytest.fixture
def served(world, config, clean, session):
    """A district's account with its second step on, at an address that browsers give out keys for."""
    account = world.account("district", DISTRICT)
    other = world.account("city", CITY)
    for one in (account, other):
        secret = second.begin(session, one, seal_of(config))
        second.confirm(session, one, pyotp.TOTP(secret).now(), seal=seal_of(config))
    session.commit()
    port = free_port()
    app = create_app(replace(config, public_url=f"http://localhost:{port}"), clean)
    server = make_server("localhost", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{port}", account, other
    server.shutdown()
    thread.join()
    services_of(app).close()


class Device:
    """A browser on a computer that keeps keys."""

    def __init__(self, browser, url):
        self.page = browser.new_context(viewport=OFFICE).new_page()
        self.url = url
        self.tool = self.page.context.new_cdp_session(self.page)
        self.tool.send("WebAuthn.enable")
        made = self.tool.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        self.id = made["authenticatorId"]

    def password(self, phone):
        self.page.goto(f"{self.url}/login")
        self.page.fill("input[name=phone]", phone)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button:has-text('登录')")
        expect(self.page.get_by_role("heading", name="再填一个验证码")).to_be_visible()


def sign_in_by_recovery(device, session, account):
    """With a code from paper: the authenticator's last one has been used to switch it on."""
    code, phone = second.new_recovery_codes(session, account)[0], account.phone
    session.commit()
    device.password(phone)
    device.page.fill("#code", code)
    device.page.click("form button:has-text('登录')")
    expect(device.page.get_by_role("heading", name="再填一个验证码")).not_to_be_visible()


def test_made_used_and_taken_away(served, browser, session):
    url, account, other = served
    mine, theirs = account.phone, other.phone
    session.commit()
    device = Device(browser, url)
    page = device.page
    sign_in_by_recovery(device, session, account)
    page.goto(f"{url}/account")
    page.fill("#key-name", "办公室电脑")
    page.click("text=加上这台设备")
    expect(page.get_by_text("不用填验证码。")).to_be_visible()
    expect(page.get_by_text("办公室电脑")).to_be_visible()
    # The same device once more.
    page.click("text=加上这台设备")
    expect(page.get_by_text("这台设备已经加过了")).to_be_visible()

    page.click("text=退出 >> visible=true")
    device.password(mine)
    page.click("text=用这台设备登录")
    page.wait_for_url(f"{url}/")
    [(used, uses)] = session.execute(select(SecurityKey.used_at, SecurityKey.sign_count)).all()
    session.commit()
    assert used is not None and uses > 0

    # It is one account's: another is not even asked.
    page.click("text=退出 >> visible=true")
    device.password(theirs)
    expect(page.locator("#by-key")).to_have_count(0)

    # And a device that has no such key gets no further.
    stranger = Device(browser, url)
    stranger.password(mine)
    stranger.page.click("text=用这台设备登录")
    expect(stranger.page.get_by_text("没有成功，请再试一次")).to_be_visible()

    # A copy of the key, from before it was last used, is seen as one.
    told = device.tool.send("WebAuthn.getCredentials", {"authenticatorId": device.id})
    [credential] = told["credentials"]
    stranger.tool.send(
        "WebAuthn.addCredential",
        {"authenticatorId": stranger.id, "credential": {**credential, "signCount": 0}},
    )
    stranger.page.reload()
    stranger.page.click("text=用这台设备登录")
    expect(stranger.page.get_by_text("没有认出来")).to_be_visible()

    device.password(mine)
    page.click("text=用这台设备登录")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/account")
    page.locator("section", has=page.locator("#keys")).get_by_role("button", name="删掉").click()
    expect(page.get_by_text("那台设备以后要填验证码")).to_be_visible()
    assert session.scalar(select(func.count()).select_from(SecurityKey)) == 0
