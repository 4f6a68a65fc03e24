"""Builders of test data: each call makes one valid thing, named values override."""

from __future__ import annotations

import io
import itertools
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.background import KINDS
from exam_app.exams import invigilation, service
from exam_app.exams.administration import create_exam
from exam_app.exams.models import Attempt, Exam
from exam_app.exams.saving import NewAnswer, Saver
from exam_app.exams.slots import Slot, slots, slots_of
from exam_app.identity.hashing import hash_password
from exam_app.identity.models import Account
from exam_app.jobs import service as jobs
from exam_app.web.services import services_of
from exam_app.work.options import visit_options
from question_bank import load_bank, load_blueprint
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import NewEntry, append
from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.database import now
from training_records.divisions import Division
from training_records.evaluation.models import EvaluationResult, EvaluationRun
from training_records.evaluation.scheme import load_scheme
from training_records.ledger.models import Person, Post
from training_records.work.models import (
    CaseEntry,
    Visit,
)

CITY, DISTRICT, OTHER_DISTRICT = "370200000000", "370283000000", "370281000000"
TOWN, OTHER_TOWN = "370283001000", "370281001000"
VILLAGE, VILLAGE_2, OTHER_VILLAGE = "370283001001", "370283001002", "370281001001"
ZONE = ZoneInfo("Asia/Shanghai")
SKIP = object()
BANK = load_bank()
PASSWORD = "correct-horse-7"
HEAD = ["姓名", "手机号", "区（市）", "镇（街）", "村/社区名称", "任职开始日期"]
CHECKS = list(visit_options(date(2026, 9, 15)).checks)
SCHEME = load_scheme("2026").model_dump(mode="json")
DAY = date(2026, 10, 20)
# Which state of an attempt may follow which, written down by hand.
CHANGES_OF_STATE = {
    ("not_started", "in_progress"),
    ("in_progress", "submitted"),
    ("in_progress", "overdue"),
    ("in_progress", "voided"),
    ("overdue", "submitted"),
    ("overdue", "abandoned"),
    ("overdue", "voided"),
    ("submitted", "marked"),
    ("submitted", "voided"),
    ("marked", "released"),
    ("marked", "voided"),
    ("released", "voided"),
    ("abandoned", "in_progress"),
    ("abandoned", "voided"),
}
DIVISIONS = [
    (CITY, "青岛市", "city", None),
    (DISTRICT, "平度市", "district", CITY),
    (OTHER_DISTRICT, "胶州市", "district", CITY),
    (TOWN, "云桥镇", "town", DISTRICT),
    (OTHER_TOWN, "松湾镇", "town", OTHER_DISTRICT),
    (VILLAGE, "前河村", "village", TOWN),
    (VILLAGE_2, "后沟村", "village", TOWN),
    (OTHER_VILLAGE, "前河村", "village", OTHER_TOWN),
]


def today() -> date:
    """The day it is for the application, whatever the machine's time zone."""
    return now().astimezone(ZONE).date()


class World:
    """A city of two districts, and builders for people, posts, accounts, entries and exams."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.numbers = itertools.count(1)
        session.add_all([Division(code=c, name=n, level=lv, parent=p) for c, n, lv, p in DIVISIONS])
        session.commit()

    def person(
        self,
        division: str = VILLAGE,
        role: str = "director",
        start: date | None = None,
        **more: Any,
    ) -> Person:
        number = next(self.numbers)
        values = {"name": f"人{number}", "phone": f"138{number:08d}", **more}
        person = Person(**values)
        self.session.add(person)
        self.session.flush()
        self.post(person, division, role, start or date(2024, 1, 1))
        return person

    def post(
        self,
        person: Person,
        division: str = VILLAGE,
        role: str = "director",
        start: date = date(2024, 1, 1),
        end: date | None = None,
    ) -> Post:
        post = Post(person_id=person.id, role=role, division_code=division, start=start, end=end)
        self.session.add(post)
        self.session.commit()
        return post

    def account(
        self,
        role: str = "director",
        division: str = VILLAGE,
        person: Person | None = None,
        **more: Any,
    ) -> Account:
        if role in ("director", "supervisor") and person is None:
            person = self.person(division, role)
        number = next(self.numbers)
        values = {
            "phone": person.phone if person else f"139{number:08d}",
            "name": person.name if person else role,
            "role": role,
            "division_code": division,
            "person_id": person.id if person else None,
            "password_hash": hash_password(PASSWORD),
            "must_change_password": False,
            **more,
        }
        account = Account(**values)
        self.session.add(account)
        self.session.commit()
        return account

    def entry(
        self, person: Person, kind: str = "training", day: date = date(2026, 3, 1), **more: Any
    ) -> ArchiveEntry:
        defaults: dict[str, Any] = {"level": "区(市)"}  # as stored
        if kind in ("training", "course"):
            defaults["hours"] = Decimal(8)
        if kind == "exam":
            defaults.update(passed=True, score=Decimal(80))
        entry = append(
            self.session, NewEntry(person.id, kind, day, "培训", **{**defaults, **more}), "test"
        )
        self.session.commit()
        return entry

    def exam(self, division: str = CITY, blueprint: str = "induction", **more: Any) -> Exam:
        values: dict[str, Any] = {
            "title": "初任儿童主任考核",
            "kind": "induction",
            "organiser": "青岛市民政局",
            "level": "市",
            "opens_at": now() - timedelta(days=1),
            "closes_at": now() + timedelta(days=1),
            "attempts_allowed": 3,
            "created_by": "test",
            "seed": 1,
            **more,
        }
        exam = create_exam(
            self.session,
            BANK.reviewed(),
            load_blueprint(blueprint),
            division_code=division,
            **values,
        )
        self.session.commit()
        return exam


def begin(session: Session, exam: Exam, person: Person) -> Attempt:
    """A started attempt, committed."""
    attempt = service.start(session, exam.id, person.id)
    session.commit()
    return attempt


def answer(session: Session, saver: Saver, attempt: Attempt, choose: Callable[[Slot], Any]) -> None:
    """Saves what `choose` says for each slot; `SKIP` leaves one unanswered."""
    told = [(place.id, choose(place)) for place in slots_of(attempt)]
    ticket = service.ticket_of(attempt)
    # A saver writes by itself: SQLite has one writer.
    session.commit()
    new = [NewAnswer(slot, response, 1) for slot, response in told if response is not SKIP]
    service.save_answers(saver, ticket, new)


def hand_in(
    session: Session, saver: Saver, attempt: Attempt, choose: Callable[[Slot], Any]
) -> Attempt:
    """Answers as `choose` says and hands in."""
    answer(session, saver, attempt, choose)
    service.submit(session, attempt.id, attempt.person_id, expected={}, zone=ZONE)
    session.commit()
    return attempt


def rightly(place: Slot) -> Any:
    """The right answer to a slot."""
    return right_answer(place.question)


def keys(exam: Exam) -> dict[str, Any]:
    """Slot to right answer."""
    return {place.id: right_answer(place.question) for place in slots(exam.forms[0])}


def form_values(question: Any) -> list[str]:
    """What a browser sends when the question is answered rightly."""
    answer = right_answer(question)
    if question.type == "order":
        return [str(question.key.index(label) + 1) for label in question.options]
    if question.type == "match":
        return [str(answer[label]) for label in question.left]
    if question.type == "true_false":
        return [str(answer).lower()]
    return answer if isinstance(answer, list) else [answer]


def right_form(page: str) -> dict[str, list[str]]:
    """The fields of the quiz on a page, answered rightly."""
    asked = re.findall(r'name="item" value="([^"]+)"', page)
    return {"item": asked, **{name: form_values(BANK[name]) for name in asked}}


def study(api: Any, course: Any) -> None:
    """Finishes a course unit by unit, as a browser would without minimum times."""
    for unit in course.units:
        path = f"/learn/{course.id}/{unit.id}"
        form = right_form(api.get(path).text)
        if unit.reflection:
            form["reflection"] = ["先问清楚再说，不知道的找镇里的督导员问。"]
        assert api.form(path, **form).status_code == 302


def right_answer(question: Any) -> Any:
    """The response that a question's key stands for, as the API takes it."""
    if question.type == "fill":
        return [blank[0] for blank in question.key]
    if isinstance(question.key, tuple):
        return list(question.key)
    return question.key


def workbook(rows, head=HEAD, before=()):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([*before, head, *rows]):
            for column, value in enumerate(row):
                if value is not None:
                    sheet.write(at, column, value)
    return out.getvalue()


def row(name="王秀兰", phone="13800000001", village="前河村", **more):
    return [name, phone, "平度市", "云桥镇", village, more.get("start", "2023.5")]


PARTS = {
    "title": "雨夜里的一次转移",
    "situation": "一名 9 岁男孩和奶奶住在低洼的老屋，连着下了两天雨。",
    "done": "按防汛卡先打电话，再和村干部一起把祖孙接到村委会，当晚报给镇里。",
    "result": "三天后房子修好，祖孙回家，之后每周电话联系一次。",
}


def add_case(
    session, code="01-01", village=VILLAGE, categories=("orphan",), opened=date(2025, 1, 1), **more
):
    row = CaseEntry(
        division_code=village,
        code=code,
        categories=list(categories),
        opened_on=opened,
        created_by="t",
        **more,
    )
    session.add(row)
    session.commit()
    return row


def add_visit(session, person, entry, on, form="home", **more):
    at = datetime(on.year, on.month, on.day, 18, tzinfo=ZONE)
    values = {
        "findings": dict.fromkeys(CHECKS, "好"),
        "needs": [],
        "measures": [],
        "created_at": at,
        **more,
    }
    number = random.getrandbits(64)
    row = Visit(
        person_id=person.id, case_id=entry.id, key=f"{number:016x}", on=on, form=form, **values
    )
    session.add(row)
    session.commit()
    return row


def evaluated(session, year, grades, state="final", **more):
    """A run of a year with people's grades."""
    run = EvaluationRun(
        division_code=DISTRICT,
        year=year,
        as_of=date(year, 12, 31),
        scheme=SCHEME,
        state=state,
        created_by="t",
        reckoned_at=now(),
    )
    session.add(run)
    session.flush()
    for person, grade in grades.items():
        session.add(
            EvaluationResult(
                run_id=run.id,
                person_id=person.id,
                code=VILLAGE,
                months=Decimal(12),
                measures={},
                total=Decimal("91.5"),
                grade=grade,
                **more,
            )
        )
    session.commit()
    return run


def mp3(seconds):
    """Silence: frames of 128 kbit/s at 44.1 kHz."""
    return (b"\xff\xfb\x90\x64" + bytes(413)) * round(seconds * 44100 / 1152)


def texts(document):
    rows = [c.text for t in document.tables for r in t.rows for c in r.cells]
    return "\n".join([p.text for p in document.paragraphs] + rows)


def token(page):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]


def log_in(client, phone, password):
    page = client.get("/login")
    return client.post(
        "/login", data={"csrf_token": token(page), "phone": phone, "password": password}
    )


def work_off(app, kinds=None):
    background = jobs.Background(services_of(app).session_factory, app.config["ACADEMY"])
    return jobs.run_pending(background, kinds or KINDS)


def issued(world, session, office, count=3):
    for _ in range(count):
        world.entry(world.person(), day=DAY)
    values = {"name": "结业证书", "heading": "培训", "prefix": "PD", "valid_months": "36"}
    office.form("/certificates/templates", body="{holder}参加“{title}”，准予结业。", **values)
    template = session.scalars(select(CertificateTemplate)).one().id
    session.commit()
    office.form("/certificates/issue", title="培训", on=DAY.isoformat(), template=template)
    return session.scalars(select(Certificate.no).order_by(Certificate.person_id)).all()


def blank(place):
    """Every slot saved, none answered."""
    return None


def sitting(session, exam, **more):
    values = {
        "title": "上午场",
        "place": None,
        "opens_at": now() - timedelta(hours=1),
        "closes_at": now() + timedelta(hours=1),
        "capacity": None,
        "division_code": CITY,
        "make_up": False,
        **more,
    }
    made = invigilation.add_sitting(session, exam, **values)
    session.commit()
    return made


def path_of(rule, values):
    """A URL of a rule: its arguments from `values`, else 1."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values.get(found[1], 1)), rule.rule)


def repeated_ids(answer: Any) -> list[str]:
    """Ids that a page gives twice: a label would name the wrong thing."""
    if answer.mimetype != "text/html":
        return []
    found = Counter(re.findall(r'\sid="([^"]*)"', answer.text))
    return sorted(name for name, times in found.items() if times > 1)
