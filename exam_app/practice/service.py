"""The verbs of the daily practice: what to ask, take answers, what was wrong, how much is known."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exam_app.practice.memory import Mastery, mastery, recall, review
from exam_app.practice.models import PracticeAnswer, PracticeCard
from question_bank import InvalidResponse, Question, score, valid_response
from question_bank.question import Multiple, Single, TrueFalse
from training_records.database import insert_missing, now
from training_records.errors import Refused

DAILY, PACK, AT_ONCE = 5, 15, 100
FRESH = 2
# Marked by the phone without a network: what needs no folding of texts.
TYPES = ("single", "multiple", "true_false")
OnPhone = Single | Multiple | TrueFalse
OLDEST = timedelta(days=14)


@dataclass(frozen=True)
class PhoneAnswer:
    """An answer from a phone. `key`: the phone's own number for it; `ago`: seconds since it was given."""

    key: str
    item_id: str
    response: object
    unsure: bool
    ago: float
    daily: bool = True


def cards_of(session: Session, person_id: int) -> dict[str, PracticeCard]:
    """A person's cards by question."""
    query = select(PracticeCard).where(PracticeCard.person_id == person_id)
    return {c.item_id: c for c in session.scalars(query)}


def draw(
    cards: Mapping[str, PracticeCard],
    questions: Sequence[Question],
    reserved: Collection[str],
    at: datetime,
    rng: random.Random,
    n: int,
) -> list[OnPhone]:
    """The next questions: what is due, least remembered first, and new ones of the topics least known; no topic
    twice in a row where others are left.

    Two in five are new while there are any: with few questions a day and a large bank, reviews alone would leave
    most of it unseen (`academy bench practice`).
    """
    free = {q.id: q for q in questions if q.id not in reserved and isinstance(q, OnPhone)}
    due = sorted(
        (c for c in cards.values() if c.item_id in free and c.due <= at),
        key=lambda c: recall(c, at),
    )
    fresh = _new(cards, [q for q in free.values() if q.id not in cards], at, rng)
    kept = min(len(fresh), max(n * FRESH // DAILY, n - len(due)))
    old = [free[c.item_id] for c in due[: n - kept]]
    return _mixed(_woven(old, fresh[:kept]))


def _new(
    cards: Mapping[str, PracticeCard], fresh: list[OnPhone], at: datetime, rng: random.Random
) -> list[OnPhone]:
    """Questions not met before, one of each topic in turn, beginning with the least known."""
    by_topic: dict[str, list[OnPhone]] = defaultdict(list)
    rng.shuffle(fresh)
    for question in fresh:
        by_topic[question.topic].append(question)
    own: dict[str, list[PracticeCard]] = defaultdict(list)
    for card in cards.values():
        own[card.topic].append(card)
    order = sorted(by_topic, key=lambda t: (mastery(t, own[t], at).share, rng.random()))
    longest = max(map(len, by_topic.values()), default=0)
    return [by_topic[t][k] for k in range(longest) for t in order if k < len(by_topic[t])]


def _woven(old: list[OnPhone], fresh: list[OnPhone]) -> list[OnPhone]:
    """Both in their order, the new ones spread evenly among the others."""
    places = [(k + 0.5) / len(old) for k in range(len(old))]
    new = [(k + 0.75) / len(fresh) for k in range(len(fresh))]
    pairs = [*zip(places, old, strict=True), *zip(new, fresh, strict=True)]
    return [question for _, question in sorted(pairs, key=lambda pair: pair[0])]


def _mixed(questions: list[OnPhone]) -> list[OnPhone]:
    left = list(questions)
    mixed: list[OnPhone] = []
    while left:
        last = mixed[-1].topic if mixed else None
        at = next((k for k, q in enumerate(left) if q.topic != last), 0)
        mixed.append(left.pop(at))
    return mixed


def take(
    session: Session,
    person_id: int,
    answers: Sequence[PhoneAnswer],
    questions: Mapping[str, Question],
    reserved: Collection[str],
) -> dict[str, bool]:
    """Takes answers, each once by its key: key to whether it was right. Left out is what can't be marked: a
    question that is unknown, in an exam that is open or to come, or not answered as its type is."""
    if len(answers) > AT_ONCE:
        raise Refused(f"一次最多同步 {AT_ONCE} 题")
    at = now()
    cards = cards_of(session, person_id)
    keys = [a.key for a in answers]
    query = select(PracticeAnswer.key, PracticeAnswer.right).where(
        PracticeAnswer.person_id == person_id, PracticeAnswer.key.in_(keys)
    )
    marked = dict(session.execute(query).all())
    for answer in sorted(answers, key=lambda a: -a.ago):
        question = questions.get(answer.item_id)
        if answer.key in marked or question is None or question.id in reserved:
            continue
        try:
            response = valid_response(question, answer.response)
        except InvalidResponse:
            continue
        given = at - min(max(timedelta(seconds=answer.ago), timedelta(0)), OLDEST)
        right = score(question, response) == 1.0
        marked[answer.key] = right
        _note(session, cards, person_id, question, answer, right, given)
    session.flush()
    return marked


def note_form(
    session: Session, person_id: int, key: str, marked: Sequence[tuple[Question, bool]]
) -> None:
    """Notes questions marked on a page: (question, right) each, once by the page's own key."""
    cards = cards_of(session, person_id)
    for number, (question, right) in enumerate(marked):
        answer = PhoneAnswer(f"{key[:32]}-{number}", question.id, None, False, 0, daily=False)
        _note(session, cards, person_id, question, answer, right, now())
    session.flush()


def _note(
    session: Session,
    cards: dict[str, PracticeCard],
    person_id: int,
    question: Question,
    answer: PhoneAnswer,
    right: bool,
    at: datetime,
) -> None:
    if not insert_missing(
        session,
        PracticeAnswer,
        person_id=person_id,
        key=answer.key,
        item_id=question.id,
        version=question.version,
        response=answer.response,
        right=right,
        unsure=answer.unsure,
        daily=answer.daily,
        answered_at=at,
    ):
        return
    card = cards.get(question.id)
    if card is None:
        card = PracticeCard(
            person_id=person_id,
            item_id=question.id,
            topic=question.topic,
            state=1,
            step=0,
            due=at,
            answers=0,
            right=right,
        )
        session.add(card)
        cards[question.id] = card
    if card.last_review is not None and at < card.last_review:
        # An answer that comes late must not turn the memory back.
        at = card.last_review
    review(card, right, answer.unsure, at)


def done_on(session: Session, person_id: int, day: date, zone: ZoneInfo) -> int:
    """How many questions of the daily practice were answered on a day."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (
        session.scalar(
            select(func.count()).where(
                PracticeAnswer.person_id == person_id,
                PracticeAnswer.daily,
                PracticeAnswer.answered_at >= start,
                PracticeAnswer.answered_at < start + timedelta(days=1),
            )
        )
        or 0
    )


def streak(session: Session, person_id: int, today: date, zone: ZoneInfo) -> int:
    """Days in a row with practice, up to today or yesterday."""
    since = datetime(today.year, today.month, today.day, tzinfo=zone) - timedelta(days=120)
    query = select(PracticeAnswer.answered_at).where(
        PracticeAnswer.person_id == person_id,
        PracticeAnswer.daily,
        PracticeAnswer.answered_at >= since,
    )
    days = {at.astimezone(zone).date() for at in session.scalars(query)}
    day = today if today in days else today - timedelta(days=1)
    count = 0
    while day in days:
        count, day = count + 1, day - timedelta(days=1)
    return count


def wrong_book(
    cards: Mapping[str, PracticeCard], questions: Mapping[str, Question], reserved: Collection[str]
) -> list[Question]:
    """Questions whose last answer was wrong, the latest first."""
    wrong = [c for c in cards.values() if not c.right and c.item_id in questions]
    wrong.sort(key=lambda c: c.last_review or c.due, reverse=True)
    return [questions[c.item_id] for c in wrong if c.item_id not in reserved]


def mastery_by_topic(
    cards: Mapping[str, PracticeCard], topics: Sequence[str], at: datetime
) -> list[Mastery]:
    """How much of each topic is known, least first."""
    own: dict[str, list[PracticeCard]] = defaultdict(list)
    for card in cards.values():
        own[card.topic].append(card)
    return sorted((mastery(t, own[t], at) for t in topics), key=lambda m: m.share)
