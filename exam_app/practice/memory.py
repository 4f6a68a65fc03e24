"""Spaced repetition with FSRS: when a question is to be asked again, and how well it is remembered by now.

Source of the model: the FSRS algorithm as implemented by the `fsrs` package (open-spaced-repetition), with its
default parameters. Steps of minutes are left out: practice comes once a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from fsrs import Card, Rating, Scheduler, State
from scipy.stats import beta

from exam_app.practice.models import PracticeCard

RETENTION, LONGEST = 0.9, 180


@lru_cache
def scheduler() -> Scheduler:
    """The scheduler: nine tenths remembered, at most half a year between two questions."""
    return Scheduler(
        desired_retention=RETENTION,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=LONGEST,
        enable_fuzzing=False,
    )


def card_of(row: PracticeCard) -> Card:
    """The library's card of a row."""
    return Card(
        card_id=1,
        state=State(row.state),
        step=row.step,
        stability=row.stability,
        difficulty=row.difficulty,
        due=row.due,
        last_review=row.last_review,
    )


def review(row: PracticeCard, right: bool, unsure: bool, at: datetime) -> None:
    """Notes an answer: wrong = Again, right but unsure = Hard, right = Good."""
    rating = Rating.Again if not right else Rating.Hard if unsure else Rating.Good
    card, _ = scheduler().review_card(card_of(row), rating, at)
    row.state, row.step = int(card.state), card.step
    row.stability, row.difficulty = card.stability, card.difficulty
    row.due, row.last_review = card.due, card.last_review
    row.answers += 1
    row.right = right


def recall(row: PracticeCard, at: datetime) -> float:
    """The chance that the question would be answered rightly now, 0–1."""
    return float(scheduler().get_card_retrievability(card_of(row), at))


@dataclass(frozen=True)
class Mastery:
    """A topic: questions met, of them last answered rightly, share as of now with a 90 % interval."""

    topic: str
    met: int
    right: int
    share: float
    low: float
    high: float


def mastery(topic: str, cards: Sequence[PracticeCard], at: datetime) -> Mastery:
    """How much of a topic is known: Beta(1, 1) before the first answer; a question last answered rightly counts as
    right by the chance that it is still remembered, one answered wrongly as wrong.

    The interval is that of the posterior Beta(1 + r, 1 + n − r), n questions met, r the sum of those chances.
    """
    met = len(cards)
    known = sum(recall(c, at) for c in cards if c.right)
    low, high = beta.interval(0.9, 1 + known, 1 + met - known)
    return Mastery(
        topic,
        met,
        sum(c.right for c in cards),
        (1 + known) / (2 + met),
        float(low),
        float(high),
    )
