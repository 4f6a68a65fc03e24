"""The verbs of the examinee: what there is to sit, start or resume, save, submit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from exam_app.exams.errors import BadAnswer, Closed, MissingAnswers, TooLate
from exam_app.exams.marking import answers_of, mark, slots_of
from exam_app.exams.models import Answer, Attempt, AttemptEvent, Exam, LateAnswer
from question_bank import Blueprint, InvalidResponse, round_points, valid_response
from question_bank.draw import form_place
from training_records.archive.service import NewEntry, append
from training_records.certificates.service import issue
from training_records.database import insert_into, now
from training_records.divisions import prefix_of
from training_records.errors import NotFound
from training_records.ledger.models import Person, Post

GRACE = timedelta(seconds=60)
MAX_SEQ = 2**53
MAX_ANSWERS = 200
ALLOWED = {
    ("not_started", "in_progress"),
    ("in_progress", "submitted"),
    ("in_progress", "overdue"),
    ("overdue", "submitted"),
    ("submitted", "marked"),
    ("marked", "released"),
}


@dataclass(frozen=True)
class NewAnswer:
    """One answer of a save: slot, response and the client's counter."""

    slot: str
    response: Any
    seq: int


def exams_for(session: Session, person_id: int) -> list[tuple[Exam, list[Attempt]]]:
    """The exams open to a person's posts, with their attempts so far."""
    posts = session.execute(
        select(Post.division_code, Post.role).where(Post.person_id == person_id)
    ).all()
    attempts = session.scalars(
        select(Attempt).where(Attempt.person_id == person_id).order_by(Attempt.number)
    ).all()
    mine: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        mine.setdefault(attempt.exam_id, []).append(attempt)
    found = []
    for exam in session.scalars(select(Exam).order_by(Exam.closes_at, Exam.id)):
        prefix, audience = prefix_of(exam.division_code), exam.blueprint.get("audience")
        if exam.id in mine or any(
            code.startswith(prefix) and audience in (None, role) for code, role in posts
        ):
            found.append((exam, mine.get(exam.id, [])))
    return found


def get_exam(session: Session, exam_id: int, person_id: int) -> tuple[Exam, list[Attempt]]:
    """An exam open to the person, or NotFound."""
    for exam, attempts in exams_for(session, person_id):
        if exam.id == exam_id:
            return exam, attempts
    raise NotFound("没有这场考试,或它不是给您所在地方的")


def start(session: Session, exam_id: int, person_id: int) -> Attempt:
    """The running attempt, or a new one. `Closed` outside the window or beyond the limit."""
    exam, attempts = get_exam(session, exam_id, person_id)
    at = now()
    for attempt in attempts:
        close_if_overdue(session, attempt)
        if attempt.state == "in_progress":
            return attempt
    if at < exam.opens_at:
        raise Closed("考试还没开始,请到时间再来")
    if at >= exam.closes_at:
        raise Closed("考试已经结束,不能再开始。请问区(市)民政部门有没有补考")
    used = [a for a in attempts if a.state != "voided"]
    if any(a.passed for a in used):
        raise Closed("您已经考试合格,不用再考")
    if len(used) >= exam.attempts_allowed:
        raise Closed(f"{exam.attempts_allowed} 次机会已经用完。请联系区(市)民政部门安排补考")
    number = len(attempts) + 1
    attempt = Attempt(
        exam_id=exam.id,
        form_id=exam.forms[form_place(person_id, number, len(exam.forms))].id,
        person_id=person_id,
        number=number,
        seed=secrets.randbelow(2**31) if exam.shuffled else None,
        state="not_started",
        started_at=at,
        deadline=min(at + timedelta(minutes=exam.minutes), exam.closes_at),
    )
    try:
        with session.begin_nested():
            session.add(attempt)
            session.flush()
    except IntegrityError:
        # The same start arrived twice at the same moment: both get the one attempt.
        return session.scalars(
            select(Attempt).where(
                Attempt.exam_id == exam.id,
                Attempt.person_id == person_id,
                Attempt.state == "in_progress",
            )
        ).one()
    move(session, attempt, "in_progress", f"person:{person_id}", at)
    return attempt


def move(
    session: Session,
    attempt: Attempt,
    after: str,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """The one place where an attempt changes its state."""
    before = attempt.state
    if after != "voided" and (before, after) not in ALLOWED:
        raise Closed(f"这次作答现在的状态不能这样改({before} → {after})")
    attempt.state = after
    session.add(
        AttemptEvent(
            attempt_id=attempt.id, at=at, actor=actor, before=before, after=after, reason=reason
        )
    )
    session.flush()


def get_attempt(session: Session, attempt_id: int, person_id: int, lock: bool = False) -> Attempt:
    """The person's own attempt; NotFound for anyone else's."""
    query = select(Attempt).where(Attempt.id == attempt_id, Attempt.person_id == person_id)
    if lock:
        query = query.with_for_update()
    attempt = session.scalar(query)
    if attempt is None:
        raise NotFound("没有这次作答")
    return attempt


def paper(attempt: Attempt) -> list[dict[str, Any]]:
    """The items as the examinee sees them: no key, no explanation."""
    blueprint = Blueprint.model_validate(attempt.exam.blueprint)
    shown = []
    for place in slots_of(attempt):
        question = place.question
        item: dict[str, Any] = {"slot": place.slot, "type": question.type, "stem": question.stem}
        if place.text:
            item["text"] = place.text
        if hasattr(question, "options"):
            texts = {str(k): v for k, v in question.options.items()}
            item["options"] = {label: texts[label] for label in place.order}
            item["order"] = list(place.order)
        if question.type == "match":
            item["left"] = question.left
        if question.type == "fill":
            item["blanks"] = len(question.key)
        item["points"] = round_points(place.worth(blueprint))
        shown.append(item)
    return shown


def save_answers(
    session: Session, attempt_id: int, person_id: int, answers: Sequence[NewAnswer]
) -> tuple[dict[str, int], Attempt]:
    """Saves answers; the higher `seq` wins per slot. Returns the stored seq per slot.

    `BadAnswer` changes nothing; `TooLate` keeps the answers apart (the caller commits then too).
    """
    if len(answers) > MAX_ANSWERS:
        raise BadAnswer(f"一次最多存 {MAX_ANSWERS} 题,这次有 {len(answers)} 题")
    # A shared lock: saves don't wait for each other, a submit waits for them and they for it.
    attempt = session.scalar(
        select(Attempt)
        .where(Attempt.id == attempt_id, Attempt.person_id == person_id)
        .with_for_update(read=True, of=Attempt)
        .options(joinedload(Attempt.form), joinedload(Attempt.exam))
    )
    if attempt is None:
        raise NotFound("没有这次作答")
    questions = {place.slot: place.question for place in slots_of(attempt)}
    at = now()
    rows = [
        {
            "attempt_id": attempt_id,
            "slot": a.slot,
            "seq": a.seq,
            "response": _checked(questions, a),
            "saved_at": at,
        }
        for a in answers
    ]
    if attempt.state != "in_progress" or at > attempt.deadline + GRACE:
        if at > attempt.deadline + GRACE:
            for row in rows:
                late = {k: v for k, v in row.items() if k != "saved_at"}
                session.add(LateAnswer(**late, received_at=at))
            raise TooLate("时间已到,这些答案已另外留存,注明是迟到的,不计入成绩")
        raise Closed("已经交卷,不能再改答案")
    if rows:
        _upsert(session, rows)
    stored = session.execute(
        select(Answer.slot, Answer.seq).where(
            Answer.attempt_id == attempt_id, Answer.slot.in_([r["slot"] for r in rows])
        )
    )
    return {slot: seq for slot, seq in stored}, attempt


def _checked(questions: Mapping[str, Any], answer: NewAnswer) -> Any:
    question = questions.get(answer.slot)
    if question is None:
        raise BadAnswer(f"这张卷子没有第 {answer.slot[:8]} 题")
    if not 1 <= answer.seq <= MAX_SEQ:
        raise BadAnswer(f"第 {answer.slot} 题的序号 seq 要在 1 到 2^53 之间")
    try:
        return valid_response(question, answer.response)
    except InvalidResponse as error:
        raise BadAnswer(f"第 {answer.slot} 题:{error}") from None


def _upsert(session: Session, rows: list[dict[str, Any]]) -> None:
    # Within one save the last of several answers to a slot with the highest seq counts.
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["slot"] not in best or row["seq"] >= best[row["slot"]]["seq"]:
            best[row["slot"]] = row
    statement = insert_into(session, Answer).values(list(best.values()))
    excluded = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Answer.attempt_id, Answer.slot],
            set_={
                "seq": excluded.seq,
                "response": excluded.response,
                "saved_at": excluded.saved_at,
            },
            where=excluded.seq > Answer.seq,
        )
    )


def submit(
    session: Session, attempt_id: int, person_id: int, expected: Mapping[str, int], zone: ZoneInfo
) -> Attempt:
    """Closes and marks; idempotent. `MissingAnswers` when the server has less than `expected`."""
    attempt = get_attempt(session, attempt_id, person_id, lock=True)
    if attempt.state != "in_progress":
        if attempt.state == "voided":
            raise Closed("这次作答已经作废")
        return attempt
    saved = answers_of(session, attempt_id)
    missing = [slot for slot, seq in expected.items() if slot not in saved or saved[slot].seq < seq]
    at = now()
    # After the grace nothing more can arrive: what is there is what counts.
    if missing and at <= attempt.deadline + GRACE:
        raise MissingAnswers(sorted(missing, key=lambda s: (len(s), s)))
    if at > attempt.deadline + GRACE:
        move(session, attempt, "overdue", "system", at)
    move(session, attempt, "submitted", f"person:{person_id}", at)
    _finish(session, attempt, at, zone)
    return attempt


def close_if_overdue(session: Session, attempt: Attempt, zone: ZoneInfo | None = None) -> None:
    """Closes an attempt whose deadline and grace are over, with the answers that are there."""
    at = now()
    if attempt.state != "in_progress" or at <= attempt.deadline + GRACE:
        return
    attempt = session.scalars(
        select(Attempt)
        .where(Attempt.id == attempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if attempt.state != "in_progress":
        return
    move(session, attempt, "overdue", "system", at)
    move(session, attempt, "submitted", "system", at, "到时间自动交卷")
    _finish(session, attempt, attempt.deadline, zone or ZoneInfo("Asia/Shanghai"))


def close_overdue(session: Session) -> int:
    """Closes all overdue attempts; the number closed."""
    due = session.scalars(
        select(Attempt).where(Attempt.state == "in_progress", Attempt.deadline < now() - GRACE)
    ).all()
    for attempt in due:
        close_if_overdue(session, attempt)
    return len(due)


def _finish(session: Session, attempt: Attempt, at: datetime, zone: ZoneInfo) -> None:
    """Marks, files the result in the archive, issues the certificate and releases the result."""
    exam = attempt.exam
    attempt.submitted_at = at
    points, maximum = mark(session, attempt)
    attempt.score = Decimal(str(round_points(points)))
    attempt.max_score = Decimal(str(round_points(maximum)))
    attempt.passed = points * 100 >= float(exam.pass_percent) * maximum - 1e-9
    move(session, attempt, "marked", "system", at)
    person = session.get_one(Person, attempt.person_id)
    # The day in the offices' time zone: an exam at one in the morning is not yesterday's.
    day: date = at.astimezone(zone).date()
    percent = Decimal(str(round_points(100 * points / maximum)))
    entry = append(
        session,
        NewEntry(
            person.id,
            "exam",
            day,
            exam.title,
            level=exam.level,
            form="线上考试",
            organiser=exam.organiser,
            score=percent,
            passed=attempt.passed,
            induction=exam.kind == "induction",
            evidence={"exam": exam.id, "attempt": attempt.id},
            source_key=f"attempt:{attempt.id}",
        ),
        "system",
    )
    if attempt.passed:
        certificate = issue(session, person, entry, exam.title, exam.organiser, "system")
        attempt.certificate_no = certificate.no
    move(session, attempt, "released", "system", at)
