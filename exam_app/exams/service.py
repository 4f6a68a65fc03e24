"""The verbs of the examinee: list exams, start or resume, save, submit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from exam_app.exams.errors import BadAnswer, Closed, MissingAnswers, SignedOut, TakenOver, TooLate
from exam_app.exams.marking import MarkedSlot, answers_of
from exam_app.exams.models import Accommodation, Attempt, Exam
from exam_app.exams.results import finish
from exam_app.exams.saving import GRACE, NewAnswer, Saved, Saver, SubmittedAnswer
from exam_app.exams.schemas import ItemOut
from exam_app.exams.slots import rules_of, shapes_of, shown, slots_of
from exam_app.exams.states import move
from exam_app.exams.ticket import Ticket
from exam_app.exams.windows import open_window, refuse_used_up
from question_bank import InvalidResponse
from question_bank.draw import form_place
from training_records.database import now
from training_records.divisions import ancestor, prefix_of
from training_records.errors import NotFound
from training_records.ledger.models import Post

MAX_SEQ = 2**53
MAX_ANSWERS = 200
# Hot path: build the statement once, bind parameters per call.
_POSTS = (
    select(Post.division_code, Post.role)
    .where(Post.person_id == bindparam("person"))
    .order_by(Post.start, Post.id)
)
_ATTEMPTS = (
    select(Attempt)
    .where(Attempt.exam_id == bindparam("exam"), Attempt.person_id == bindparam("person"))
    .order_by(Attempt.number)
)
_OWN_ATTEMPT = (
    select(Attempt)
    .where(Attempt.id == bindparam("attempt"), Attempt.person_id == bindparam("person"))
    .options(joinedload(Attempt.exam, innerjoin=True), joinedload(Attempt.form, innerjoin=True))
)
_OWN_ATTEMPT_LOCKED = _OWN_ATTEMPT.with_for_update(of=Attempt)


def exams_for(session: Session, person_id: int) -> list[tuple[Exam, list[Attempt]]]:
    """The exams open to a person's posts, and those they have attempts in, with the attempts."""
    posts = _posts(session, person_id)
    attempts = session.scalars(
        select(Attempt).where(Attempt.person_id == person_id).order_by(Attempt.number)
    ).all()
    attempts_of: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        attempts_of.setdefault(attempt.exam_id, []).append(attempt)
    return [
        (exam, attempts_of.get(exam.id, []))
        for exam in session.scalars(select(Exam).order_by(Exam.closes_at, Exam.id))
        if exam.id in attempts_of or _is_open_to(exam, posts)
    ]


def get_exam(session: Session, exam_id: int, person_id: int) -> tuple[Exam, list[Attempt]]:
    """An exam open to the person or attempted by them, with their attempts; NotFound otherwise."""
    return _open_exam(session, exam_id, person_id, posts=_posts(session, person_id))


def _open_exam(
    session: Session, exam_id: int, person_id: int, *, posts: Sequence[Row[str, str]]
) -> tuple[Exam, list[Attempt]]:
    exam = session.get(Exam, exam_id)
    attempts = list(session.scalars(_ATTEMPTS, {"exam": exam_id, "person": person_id}))
    if exam is None or not (attempts or _is_open_to(exam, posts)):
        raise NotFound("没有这场考试，或它不是给您所在地方的")
    return exam, attempts


def _posts(session: Session, person_id: int) -> Sequence[Row[str, str]]:
    """(division code, role) of all posts of a person, the latest last."""
    return session.execute(_POSTS, {"person": person_id}).all()


def _is_open_to(exam: Exam, posts: Sequence[Row[str, str]]) -> bool:
    prefix, audience = prefix_of(exam.division_code), exam.blueprint.get("audience")
    return any(code.startswith(prefix) and audience in (None, role) for code, role in posts)


def start(session: Session, exam_id: int, person_id: int, *, holder: str | None = None) -> Attempt:
    """Returns the attempt in progress, or a new one. `Closed` outside the window or beyond the limit.

    `holder`: the hash of the session token. The device that started or resumed last holds the
    attempt; saves from others are refused.
    """
    posts, at = _posts(session, person_id), now()
    exam, attempts = _open_exam(session, exam_id, person_id, posts=posts)
    for attempt in attempts:
        close_if_overdue(session, attempt)
        if attempt.state == "in_progress":
            attempt.holder = holder
            return attempt
    refuse_used_up(exam, attempts)
    window = open_window(session, exam, attempts, person_id=person_id, at=at)
    granted = session.get(Accommodation, (exam.id, person_id))
    minutes = exam.minutes + (granted.extra_minutes if granted else 0)
    number = len(attempts) + 1
    attempt = Attempt(
        exam=exam,
        form=exam.forms[form_place(person_id, number, len(exam.forms))],
        person_id=person_id,
        number=number,
        seed=secrets.randbelow(2**31) if exam.shuffled else None,
        holder=holder,
        sitting_id=window.sitting_id,
        state="not_started",
        started_at=at,
        district=ancestor(posts[-1].division_code, "district") if posts else "",
        year=at.year,
        deadline=min(at + timedelta(minutes=minutes), window.closes_at),
    )
    try:
        with session.begin_nested():
            session.add(attempt)
            move(session, attempt, "in_progress", actor=f"person:{person_id}", at=at)
    except IntegrityError:
        # Two concurrent starts: both return the one attempt.
        running = session.scalars(
            select(Attempt).where(
                Attempt.exam_id == exam.id,
                Attempt.person_id == person_id,
                Attempt.state == "in_progress",
            )
        ).one()
        running.holder = holder
        return running
    attempt.fresh = True
    return attempt


def get_attempt(
    session: Session, attempt_id: int, person_id: int, *, lock: bool = False
) -> Attempt:
    """The person's own attempt; NotFound for anyone else's."""
    query = _OWN_ATTEMPT_LOCKED if lock else _OWN_ATTEMPT
    attempt = session.scalar(query, {"attempt": attempt_id, "person": person_id})
    if attempt is None:
        raise NotFound("没有这次作答")
    return attempt


def paper(attempt: Attempt) -> list[ItemOut]:
    """The items as shown to the examinee: no key, no explanation."""
    return shown(slots_of(attempt), rules_of(attempt.exam))


def ticket_for(
    session: Session, attempt_id: int, person_id: int, *, holder: str | None = None
) -> Ticket:
    """The ticket of a person's own attempt; NotFound for anyone else's."""
    return ticket_of(get_attempt(session, attempt_id, person_id), holder)


def ticket_of(attempt: Attempt, holder: str | None = None, csrf: str | None = None) -> Ticket:
    """The ticket of an attempt; `csrf`: digest of the CSRF token that was just checked."""
    return Ticket(attempt.id, attempt.person_id, holder, shapes_of(attempt), csrf)


def save_answers(
    saver: Saver, ticket: Ticket, answers: Sequence[SubmittedAnswer], *, left: int = 0
) -> tuple[dict[str, int], datetime]:
    """Saves answers; the higher `seq` wins per slot. Returns the stored seq per slot, and the deadline.

    Raises `BadAnswer` when nothing was changed, `TooLate` when the answers were stored as late, and
    `TakenOver`, `SignedOut`, `Closed` or NotFound when nothing was saved.
    """
    return outcome(saver.save(ticket, checked_answers(ticket, answers), now(), left=left))


def checked_answers(ticket: Ticket, answers: Sequence[SubmittedAnswer]) -> list[NewAnswer]:
    """The answers in canonical form. `BadAnswer` when one doesn't fit the paper."""
    if len(answers) > MAX_ANSWERS:
        raise BadAnswer(f"一次最多存 {MAX_ANSWERS} 题，这次有 {len(answers)} 题")
    return [_checked(ticket, answer) for answer in answers]


def accommodation_of(session: Session, exam_id: int, person_id: int) -> Accommodation | None:
    """What a person was granted for an exam, if anything."""
    return session.get(Accommodation, (exam_id, person_id))


def outcome(result: Saved) -> tuple[dict[str, int], datetime]:
    """Returns the stored seq per slot and the deadline of a save, or raises why nothing was saved."""
    if result.verdict == "saved" and result.deadline is not None:
        return result.stored, result.deadline
    raise {
        "late": TooLate("时间已到，这些答案已另外留存，注明是迟到的，不计入成绩"),
        "closed": Closed("已经交卷，不能再改答案"),
        "taken_over": TakenOver("这场考试已经在另一部手机上接着考，这里不再保存"),
        "signed_out": SignedOut("登录已经结束，请重新登录后接着考"),
    }.get(result.verdict, NotFound("没有这次作答"))


def _checked(ticket: Ticket, answer: SubmittedAnswer) -> NewAnswer:
    shape = ticket.shape(answer.slot)
    if shape is None:
        raise BadAnswer(f"这张卷子没有第 {answer.slot[:8]} 题")
    if not 1 <= answer.seq <= MAX_SEQ:
        raise BadAnswer(f"第 {answer.slot} 题的序号 seq 要在 1 到 2^53 之间")
    try:
        response = shape.check(answer.response)
        return NewAnswer(answer.slot, response, answer.seq, answer.seconds)
    except InvalidResponse as error:
        raise BadAnswer(f"第 {answer.slot} 题：{error}") from None


def submit(
    session: Session,
    attempt_id: int,
    person_id: int,
    *,
    expected: Mapping[str, int],
    zone: ZoneInfo,
) -> tuple[Attempt, list[MarkedSlot] | None]:
    """Submits and marks an attempt; idempotent. Returns it, and its slots if it was marked by this call.

    `MissingAnswers` when the server has less than `expected`.
    """
    attempt = get_attempt(session, attempt_id, person_id, lock=True)
    if attempt.state == "voided":
        raise Closed("这次作答已经作废")
    if attempt.state != "in_progress":
        return attempt, None
    saved = answers_of(session, attempt_id)
    missing = [slot for slot, seq in expected.items() if slot not in saved or saved[slot].seq < seq]
    at = now()
    # After the grace period nothing more can arrive; the stored answers count.
    if missing and at <= attempt.deadline + GRACE:
        raise MissingAnswers(sorted(missing, key=lambda s: (len(s), s)))
    # Hot path: without autoflush the attempt's row is written once, not at every read in between.
    with session.no_autoflush:
        if at > attempt.deadline + GRACE:
            move(session, attempt, "overdue", actor="system", at=at)
        move(session, attempt, "submitted", actor=f"person:{person_id}", at=at)
        attempt.submitted_at = at
        rows = finish(session, attempt, at, zone=zone, saved=saved)
    return attempt, rows


def close_if_overdue(session: Session, attempt: Attempt, zone: ZoneInfo | None = None) -> bool:
    """Closes an attempt past deadline and grace period; returns whether this call closed it.

    It is submitted with the stored answers, or abandoned when there are none.
    """
    at = now()
    if attempt.state != "in_progress" or at <= attempt.deadline + GRACE:
        return False
    attempt = session.scalars(
        select(Attempt)
        .where(Attempt.id == attempt.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if attempt.state != "in_progress" or at <= attempt.deadline + GRACE:
        return False
    move(session, attempt, "overdue", actor="system", at=at)
    saved = answers_of(session, attempt.id)
    if not any(a.response is not None for a in saved.values()):
        move(session, attempt, "abandoned", actor="system", at=at, reason="到时间一题也没有答")
        return True
    move(session, attempt, "submitted", actor="system", at=at, reason="到时间自动交卷")
    attempt.submitted_at = attempt.deadline
    finish(session, attempt, at, zone=zone or ZoneInfo("Asia/Shanghai"), saved=saved)
    return True
