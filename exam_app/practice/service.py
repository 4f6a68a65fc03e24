"""Daily practice: drawing items, recording answers, review list, mastery."""

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
# Item types that the client can mark offline: they need no text normalisation.
TYPES = ("single", "multiple", "true_false")
OnPhone = Single | Multiple | TrueFalse
OLDEST = timedelta(days=14)


@dataclass(frozen=True)
class PhoneAnswer:
    """An answer from a client. `key`: its idempotency key; `ago`: seconds since it was given."""

    key: str
    item_id: str
    response: object
    unsure: bool
    ago: float
    daily: bool = True


def cards_of(session: Session, person_id: int) -> dict[str, PracticeCard]:
    """Returns a person's cards by item id."""
    query = select(PracticeCard).where(PracticeCard.person_id == person_id)
    return {c.item_id: c for c in session.scalars(query)}


def draw(
    cards: Mapping[str, PracticeCard],
    questions: Sequence[Question],
    reserved: Collection[str],
    *,
    at: datetime,
    rng: random.Random,
    n: int,
) -> list[OnPhone]:
    """Draws the next items: due ones by rising recall probability, and new ones from the topics with least mastery.
    Avoids the same topic twice in a row.

    Two in five are new while any exist: with few items a day and a large bank, reviews alone would leave most of it
    unseen (`academy bench practice`).
    """
    free = {q.id: q for q in questions if q.id not in reserved and isinstance(q, OnPhone)}
    due = sorted(
        (c for c in cards.values() if c.item_id in free and c.due <= at),
        key=lambda c: recall(c, at),
    )
    fresh = _new(cards, [q for q in free.values() if q.id not in cards], at, rng=rng)
    new_count = min(len(fresh), max(n * FRESH // DAILY, n - len(due)))
    reviews = [free[c.item_id] for c in due[: n - new_count]]
    return _alternating_topics(_interleaved(reviews, fresh[:new_count]))


def _new(
    cards: Mapping[str, PracticeCard], fresh: list[OnPhone], at: datetime, *, rng: random.Random
) -> list[OnPhone]:
    """Returns new items, one of each topic in turn, beginning with the topic of least mastery."""
    by_topic: dict[str, list[OnPhone]] = defaultdict(list)
    rng.shuffle(fresh)
    for question in fresh:
        by_topic[question.topic].append(question)
    cards_by_topic: dict[str, list[PracticeCard]] = defaultdict(list)
    for card in cards.values():
        cards_by_topic[card.topic].append(card)
    order = sorted(by_topic, key=lambda t: (mastery(t, cards_by_topic[t], at).share, rng.random()))
    longest = max(map(len, by_topic.values()), default=0)
    return [by_topic[t][k] for k in range(longest) for t in order if k < len(by_topic[t])]


def _interleaved(old: list[OnPhone], fresh: list[OnPhone]) -> list[OnPhone]:
    """Merges both lists in their order, spreading the new items evenly."""
    old_positions = [(k + 0.5) / len(old) for k in range(len(old))]
    new_positions = [(k + 0.75) / len(fresh) for k in range(len(fresh))]
    pairs = [*zip(old_positions, old, strict=True), *zip(new_positions, fresh, strict=True)]
    return [question for _, question in sorted(pairs, key=lambda pair: pair[0])]


def _alternating_topics(questions: list[OnPhone]) -> list[OnPhone]:
    remaining = list(questions)
    mixed: list[OnPhone] = []
    while remaining:
        last = mixed[-1].topic if mixed else None
        index = next((k for k, q in enumerate(remaining) if q.topic != last), 0)
        mixed.append(remaining.pop(index))
    return mixed


def take(
    session: Session,
    person_id: int,
    answers: Sequence[PhoneAnswer],
    *,
    questions: Mapping[str, Question],
    reserved: Collection[str],
) -> dict[str, bool]:
    """Records answers, idempotent by key. Returns key → whether the answer was right. Skips what can't be marked:
    unknown items, `reserved` items (of open and coming exams), and responses invalid for the item type."""
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
        answered_at = at - min(max(timedelta(seconds=answer.ago), timedelta(0)), OLDEST)
        right = score(question, response) == 1.0
        marked[answer.key] = right
        _note(
            session, cards, person_id, question=question, answer=answer, right=right, at=answered_at
        )
    session.flush()
    return marked


def note_form(
    session: Session, person_id: int, key: str, *, marked: Sequence[tuple[Question, bool]]
) -> None:
    """Records the (item, right) pairs of a practice form, idempotent by the form's key."""
    cards = cards_of(session, person_id)
    for number, (question, right) in enumerate(marked):
        answer = PhoneAnswer(f"{key[:32]}-{number}", question.id, None, False, 0, daily=False)
        _note(session, cards, person_id, question=question, answer=answer, right=right, at=now())
    session.flush()


def _note(
    session: Session,
    cards: dict[str, PracticeCard],
    person_id: int,
    *,
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
        # An answer synced late must not move the last review back.
        at = card.last_review
    review(card, right, answer.unsure, at=at)


def done_on(session: Session, person_id: int, day: date, *, zone: ZoneInfo) -> int:
    """Returns the number of daily-practice answers given on a day."""
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


def streak(session: Session, person_id: int, today: date, *, zone: ZoneInfo) -> int:
    """Returns the number of consecutive days with practice up to today or yesterday, at most 121."""
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
    """Returns the items whose last answer was wrong, latest first."""
    wrong = [c for c in cards.values() if not c.right and c.item_id in questions]
    wrong.sort(key=lambda c: c.last_review or c.due, reverse=True)
    return [questions[c.item_id] for c in wrong if c.item_id not in reserved]


def mastery_by_topic(
    cards: Mapping[str, PracticeCard], topics: Sequence[str], at: datetime
) -> list[Mastery]:
    """Returns the mastery of each topic, lowest first."""
    cards_by_topic: dict[str, list[PracticeCard]] = defaultdict(list)
    for card in cards.values():
        cards_by_topic[card.topic].append(card)
    return sorted((mastery(t, cards_by_topic[t], at) for t in topics), key=lambda m: m.share)
