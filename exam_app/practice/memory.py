"""Spaced repetition with FSRS: due date and recall probability of an item.

Source of the model: the FSRS algorithm as implemented by the `fsrs` package (open-spaced-repetition), with its
default parameters. Learning steps of minutes are disabled, because practice happens once a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from fsrs import Card, Rating, Scheduler, State

from exam_app.practice.models import PracticeCard

RETENTION, LONGEST = 0.9, 180


@lru_cache
def scheduler() -> Scheduler:
    """Returns the scheduler: target retention 0.9, intervals of at most 180 days, no fuzzing."""
    return Scheduler(
        desired_retention=RETENTION,
        learning_steps=(),
        relearning_steps=(),
        maximum_interval=LONGEST,
        enable_fuzzing=False,
    )


def card_of(row: PracticeCard) -> Card:
    """Converts a row to the library's card."""
    return Card(
        card_id=1,
        state=State(row.state),
        step=row.step,
        stability=row.stability,
        difficulty=row.difficulty,
        due=row.due,
        last_review=row.last_review,
    )


def review(row: PracticeCard, right: bool, unsure: bool, *, at: datetime) -> None:
    """Updates a card with an answer: wrong = Again, right but unsure = Hard, right = Good."""
    rating = Rating.Again if not right else Rating.Hard if unsure else Rating.Good
    card, _ = scheduler().review_card(card_of(row), rating, at)
    row.state, row.step = int(card.state), card.step
    row.stability, row.difficulty = card.stability, card.difficulty
    row.due, row.last_review = card.due, card.last_review
    row.answers += 1
    row.right = right


def recall(row: PracticeCard, at: datetime) -> float:
    """Returns the probability of recall at a moment, 0–1."""
    return float(scheduler().get_card_retrievability(card_of(row), at))


@dataclass(frozen=True)
class Mastery:
    """Mastery of a topic: items met, items whose last answer was right, estimated share with a 90 % interval."""

    topic: str
    met: int
    right: int
    share: float
    low: float
    high: float


def mastery(topic: str, cards: Sequence[PracticeCard], at: datetime) -> Mastery:
    """Estimates the mastery of a topic with a Beta(1, 1) prior.

    An item last answered right counts with its recall probability, one answered wrong as 0. With n items met and r the
    sum of those values, the posterior is Beta(1 + r, 1 + n − r). `share` is its mean, `low` and `high` bound its
    central 90 %.
    """
    met = len(cards)
    recalled = sum(recall(c, at) for c in cards if c.right)
    # Loaded where it is needed: it takes much memory.
    from scipy.special import betaincinv

    low, high = betaincinv(1 + recalled, 1 + met - recalled, [0.05, 0.95])
    return Mastery(
        topic,
        met,
        sum(c.right for c in cards),
        (1 + recalled) / (2 + met),
        float(low),
        float(high),
    )
