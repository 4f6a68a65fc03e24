"""What several of the browser tests do: open a page signed in, answer a question, change the server's records."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from question_bank import load_bank
from tests.system.browser.conftest import sign_in
from training_records.database import make_engine, make_session_factory


def database(academy):
    environment = academy.environment
    url = environment.get("ACADEMY_DATABASE_URL")
    return make_engine(url or f"sqlite:///{environment['ACADEMY_INSTANCE']}/academy.db")


def alter(academy, change):
    engine = database(academy)
    with make_session_factory(engine)() as session:
        change(session)
        session.commit()
    engine.dispose()


def enter(academy, open_page, role, **more):
    page, account = open_page(**more), academy.accounts[role]
    sign_in(page, academy.url, account["phone"], account["password"])
    return page


def questions_by_text() -> dict:
    """(text of the case, stem as shown) to question."""
    found = {}
    for item in load_bank():
        for part in item.questions if item.type == "case" else [item]:
            text = item.text if item.type == "case" else None
            found[text, part.stem.replace("**", "")] = part
    return found


QUESTIONS = questions_by_text()


def answer(page) -> None:
    """Answers the question on the screen rightly, as its type is answered."""
    text = page.locator("#case").inner_text() if page.locator("#case").is_visible() else None
    question = QUESTIONS[text, page.locator("#stem").inner_text()]
    box = page.locator("#options")
    if question.type == "fill":
        for number, blank in enumerate(question.key):
            box.locator("input").nth(number).fill(blank[0])
    elif question.type == "order":
        for label in question.key:
            box.locator(f'button[data-label="{label}"]').click()
    elif question.type == "match":
        for label, number in question.key.items():
            box.locator(f'button[data-label="{label}"]').click()
            box.locator(f'button[data-right="{number}"]').click()
    else:
        keys = question.key if question.type == "multiple" else [str(question.key)]
        for key in keys:
            value = key.lower() if question.type == "true_false" else key
            page.locator(".option").filter(has=page.locator(f'input[value="{value}"]')).click()


def count_of(page) -> int:
    """How many questions the exam on the screen has."""
    expect(page.locator("#place")).to_have_text(re.compile(r"第 1/\d+ 题"))
    return int(page.locator("#place").inner_text().split("/")[1].removesuffix(" 题"))
