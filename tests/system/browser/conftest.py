"""A real server and a real Chromium for the browser tests."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from exam_app.kb.site import build_site
from exam_app.serving import GRACE_SECONDS
from harness.postgres import free_port
from harness.processes import end
from tests.conftest import ENGINES, missing
from tests.factories import BANK, form_values

PHONE = {"width": 390, "height": 844}
OFFICE = {"width": 1280, "height": 800}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("没有 Chromium（Debian 包 chromium）")
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libatomic.so.1")
        except OSError:
            missing("Playwright 的运行时缺 libatomic.so.1（Debian 包 libatomic1）")
    with sync_playwright() as playwright:
        arguments = [
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ]
        if os.getuid() == 0:
            arguments.append("--no-sandbox")
        launched = playwright.chromium.launch(executable_path=path, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The knowledge base, built once a worker."""
    folder = tmp_path_factory.mktemp("site") / "kb"
    build_site(folder, strict=True)
    return folder


@dataclass
class Running:
    """A demonstration under way: its announcement and its environment."""

    url: str
    accounts: dict[str, dict[str, str]]
    environment: dict[str, str]


@pytest.fixture(scope="module", params=ENGINES)
def academy(
    request: pytest.FixtureRequest, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """`academy demo` with 300 people, on SQLite and on PostgreSQL."""
    folder = tmp_path_factory.mktemp("instance")
    shutil.copytree(site, folder / "kb")
    environment = {**os.environ, "ACADEMY_INSTANCE": str(folder)}
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_url")
        name = f"browser_{uuid4().hex}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        environment["ACADEMY_DATABASE_URL"] = f"{server}/{name}"
    port = free_port()
    with open(folder / "out.json", "w") as out, open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "exam_app",
                "demo",
                "--people",
                "300",
                "--port",
                str(port),
                "--json",
            ],
            env=environment,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", process, folder / "log")
        told = json.loads((folder / "out.json").read_text())
        yield Running(told["url"], {a["role"]: a for a in told["accounts"]}, environment)
    finally:
        end(process, GRACE_SECONDS + 10)


def _wait(url: str, process: Any, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a profile of its own; errors in its console fail the test."""
    contexts, faults = [], []

    def open_(size: dict[str, int] = PHONE, **more: Any) -> Page:
        context = browser.new_context(viewport=size, locale="zh-CN", accept_downloads=True, **more)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda m: (
                faults.append(m.text)
                if m.type == "error" and "Failed to load" not in m.text
                else None
            ),
        )
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


def assert_accessible(page: Page) -> None:
    """No violation of WCAG 2.1 A and AA on the page as it stands."""
    page.wait_for_load_state("networkidle")
    result = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert result.violations_count == 0, (page.url, result.generate_report())


def answer_quiz(page: Page) -> None:
    """Answers the quiz at the end of a unit rightly."""
    for item in page.locator("#quiz [name=item]").evaluate_all("nodes => nodes.map(n => n.value)"):
        for value in form_values(BANK[item]):
            page.locator(f'#quiz input[name="{item}"][value="{value}"]').check()


def sign_in(page: Page, url: str, phone: str, password: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("手机号").fill(phone)
    page.get_by_label("密码").fill(password)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda u: "/login" not in u)
