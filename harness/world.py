"""Set-up of system tests and benchmarks: databases, people, an exam, and signed-in clients."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from exam_app.bank.service import current_bank
from exam_app.exams.administration import create_exam
from exam_app.exams.models import Answer, Attempt, Exam
from exam_app.identity.hashing import hash_password
from exam_app.identity.models import Account
from exam_app.migrations.running import upgrade
from harness.postgres import find_binaries, server
from harness.server import Running
from question_bank import load_blueprint
from training_records.archive.models import ArchiveEntry
from training_records.certificates.models import Certificate
from training_records.database import make_engine, make_session_factory, now
from training_records.divisions import Division
from training_records.ledger.models import Person, Post

PASSWORD = "lighthouse-2026"  # noqa: S105 (invented people)


VILLAGE = "370283001001"


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """Yields the URLs of a new SQLite file and, where installed, of a durable PostgreSQL."""
    urls = {"SQLite": f"sqlite:///{folder / 'bench.db'}"}
    binaries = find_binaries()
    if binaries is None:
        yield urls
        return
    with server(binaries, durable=True) as url:
        yield {**urls, "PostgreSQL": another_database(f"{url}/postgres")}


def another_database(url: str) -> str:
    """Creates an empty database on the same server; returns its URL."""
    name, engine = f"bench_{secrets.token_hex(4)}", make_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{url.rpartition('/')[0]}/{name}"


def prepare(url: str, people: int) -> int:
    """Creates the tables, `people` examinees with accounts, and an exam for them; returns its id."""
    engine = make_engine(url)
    upgrade(engine)
    with make_session_factory(engine)() as session:
        session.execute(text("CREATE TABLE bare (id INTEGER PRIMARY KEY, seq BIGINT)"))
        _people(session, people)
        exam = _exam(session)
        session.commit()
        number = exam.id
    engine.dispose()
    return number


def _people(session: Session, people: int) -> None:
    session.add_all(
        [
            Division(code="370200000000", name="青岛市", level="city", parent=None),
            Division(code="370283000000", name="平度市", level="district", parent="370200000000"),
            Division(code="370283001000", name="云桥镇", level="town", parent="370283000000"),
            Division(code=VILLAGE, name="前河村", level="village", parent="370283001000"),
        ]
    )
    session.flush()
    hashed = hash_password(PASSWORD)
    numbers = range(1, people + 1)
    session.add_all([Person(id=n, name=f"人{n}", phone=phone_of(n)) for n in numbers])
    session.flush()
    day = now().date()
    session.add_all(
        [Post(person_id=n, role="director", division_code=VILLAGE, start=day) for n in numbers]
    )
    session.add_all(
        [
            Account(
                phone=phone_of(n),
                name=f"人{n}",
                role="director",
                division_code=VILLAGE,
                person_id=n,
                password_hash=hashed,
                must_change_password=False,
            )
            for n in numbers
        ]
    )
    session.flush()


def phone_of(number: int) -> str:
    """Phone number of an examinee."""
    return f"138{number:08d}"


def _exam(session: Session) -> Exam:
    return create_exam(
        session,
        current_bank().reviewed(),
        load_blueprint("annual"),
        title="年度考核",
        kind="annual",
        division_code="370200000000",
        organiser="青岛市民政局",
        level="city",
        opens_at=now() - timedelta(days=1),
        closes_at=now() + timedelta(days=1),
        attempts_allowed=3,
        forms=2,
        shuffled=True,
        created_by="bench",
        seed=1,
    )


class Phone:
    """HTTP client of one examinee; signs in on creation."""

    def __init__(self, url: str, number: int) -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self.token, self.attempt = "", 0
        reply = self.call(
            "POST", "/api/v1/login", {"phone": phone_of(number), "password": PASSWORD}
        )
        self.token = reply["csrf_token"]

    def call(self, method: str, path: str, body: object) -> Any:
        """Sends a request and returns the JSON of the response; cookies are stored."""
        request = urllib.request.Request(  # noqa: S310 (loopback)
            self.url + path, json.dumps(body).encode(), self.headers, method=method
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310  # nosec B310
            for cookie in response.headers.get_all("Set-Cookie", []):
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return json.load(response)

    def start(self, exam: int) -> None:
        """Starts the exam and sets `attempt` to the id of the attempt."""
        self.attempt = int(self.call("POST", f"/api/v1/exams/{exam}/attempts", {})["attempt_id"])

    @property
    def headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "Content-Type": "application/json",
            "Cookie": cookie,
            "X-CSRF-Token": self.token,
        }


def at_work(served: Running, exam: int, people: int) -> list[dict[str, Any]]:
    """Signs in the first `people` examinees and starts the exam; returns path and headers of their saves."""
    calls = []
    for number in range(1, people + 1):
        phone = Phone(served.url, number)
        phone.start(exam)
        path = f"/api/v1/attempts/{phone.attempt}/answers"
        calls.append({"path": path, "headers": phone.headers})
    return calls


def lost(url: str, acknowledged: dict[str, dict[str, int]]) -> int:
    """Number of acknowledged answers that are missing from the database or stored with an older seq.

    `acknowledged`: attempt to slot to seq.
    """
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        rows = session.execute(select(Answer.attempt_id, Answer.slot, Answer.seq))
        stored = {(str(attempt), slot): seq for attempt, slot, seq in rows}
    engine.dispose()
    return sum(
        stored.get((attempt, slot), 0) < seq
        for attempt, slots in acknowledged.items()
        for slot, seq in slots.items()
    )


def compare(url: str, acknowledged: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Compares acknowledged answers with the database, and counts duplicated effects (``twice``)."""
    engine = make_engine(url)
    with make_session_factory(engine)() as session:
        states = Counter(
            dict(session.execute(select(Attempt.state, func.count()).group_by(Attempt.state)).all())
        )
        people = session.scalar(select(func.count(Attempt.person_id.distinct()))) or 0
        attempts = sum(states.values())
        results = session.scalar(select(func.count()).where(ArchiveEntry.kind == "exam")) or 0
        certificates = session.scalar(select(func.count()).select_from(Certificate)) or 0
        passed = session.scalar(select(func.count()).where(Attempt.passed.is_(True))) or 0
    engine.dispose()
    return {
        "acknowledged": sum(len(saved) for saved in acknowledged.values()),
        "lost": lost(url, acknowledged),
        "released": states["released"],
        "twice": (attempts - people)
        + abs(results - states["released"])
        + abs(certificates - passed),
    }
