"""Simulation of a year of practice: what is remembered on exam day after five questions a day by FSRS, and after
the same minutes of massed re-reading.

Source of the model: FSRS-6 (default parameters and formulas of the `fsrs` package), vectorised over people. It is a
model, not a trial: nobody was tested. Both conditions use the same questions for the same time, with the same
probabilities of a right response; only the days differ. The weaker effect of reading compared with retrieval is
ignored, which favours re-reading.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fsrs.scheduler import DEFAULT_PARAMETERS

from exam_app.practice.memory import LONGEST, RETENTION
from exam_app.practice.service import DAILY, FRESH

W = np.array(DEFAULT_PARAMETERS)
DECAY = -W[20]
FACTOR = 0.9 ** (1 / DECAY) - 1
MIN_STABILITY = 0.001
AGAIN, GOOD = 1, 3
SECONDS_EACH, CHUNK = 36, 500
Array = np.ndarray


def recalled(stability: Array, days: Array) -> Array:
    """Probability of recall after whole days."""
    return np.asarray((1 + FACTOR * days / stability) ** DECAY)


def interval(stability: Array, retention: float = RETENTION) -> Array:
    """Whole days until the probability of recall falls to `retention`."""
    wanted = stability / FACTOR * (retention ** (1 / DECAY) - 1)
    days: Array = np.clip(np.rint(wanted), 1, LONGEST)
    return days


class Memory:
    """Stability and difficulty of items (columns) for people (rows); NaN before the first review. `scale`: factor on
    the initial stability per person."""

    def __init__(self, people: int, items: int, scale: Array | None = None) -> None:
        self.stability = np.full((people, items), np.nan)
        self.difficulty = np.full((people, items), np.nan)
        self.last = np.full((people, items), -1)
        self.scale = np.ones(people) if scale is None else scale

    def review(self, rows: Array, columns: Array, rating: Array, *, day: int) -> None:
        """Applies ratings (Again or Good) of a day, one per (row, column)."""
        old, hard = self.stability[rows, columns], self.difficulty[rows, columns]
        passed = day - self.last[rows, columns]
        new = np.isnan(old)
        first = np.maximum(W[rating - 1] * self.scale[rows], MIN_STABILITY)
        start = np.clip(W[4] - np.exp(W[5] * (rating - 1)) + 1, 1, 10)
        known = np.where(new, 1.0, old)
        difficulty = np.where(new, 5.0, hard)
        again = rating == AGAIN
        chance = recalled(known, np.maximum(passed, 0))
        gain = (
            np.exp(W[8]) * (11 - difficulty) * known ** -W[9] * (np.exp((1 - chance) * W[10]) - 1)
        )
        lapsed = np.minimum(
            W[11]
            * difficulty ** -W[12]
            * ((known + 1) ** W[13] - 1)
            * np.exp((1 - chance) * W[14]),
            known / np.exp(W[17] * W[18]),
        )
        later = np.where(again, lapsed, known * (1 + gain))
        soon = np.exp(W[17] * (rating - 3 + W[18])) * known ** -W[19]
        same_day = known * np.where(again, soon, np.maximum(soon, 1.0))
        stability = np.where(passed < 1, same_day, later)
        self.stability[rows, columns] = np.maximum(np.where(new, first, stability), MIN_STABILITY)
        toward = W[4] - np.exp(W[5] * 3) + 1
        moved = difficulty + (10 - difficulty) * (-W[6] * (rating - 3)) / 9
        changed = np.clip(W[7] * toward + (1 - W[7]) * moved, 1, 10)
        self.difficulty[rows, columns] = np.where(new, start, changed)
        self.last[rows, columns] = day

    def recall(self, day: int) -> Array:
        """Probability of recall of every item on a day; 0 for items never reviewed."""
        days = np.maximum(day - self.last, 0)
        chance = recalled(np.where(np.isnan(self.stability), 1.0, self.stability), days)
        return np.where(self.last < 0, 0.0, chance)


@dataclass(frozen=True)
class Setting:
    """Parameters of the simulation.

    `people`, `items` of the pool, day of the `exam`, `diligence`: share of days with practice, `known_before`:
    probability of knowing a question before its first review, `spread`: log-normal standard deviation of memory
    between people, `fresh`: daily positions reserved for new questions.
    """

    people: int = 7000
    items: int = 420
    exam: int = 300
    diligence: float = 0.75
    known_before: float = 0.5
    spread: float = 0.4
    fresh: int = FRESH
    retention: float = RETENTION
    seed: int = 2026


def practised(
    setting: Setting, rng: np.random.Generator, scale: Array, *, fluent: Array
) -> tuple[Memory, Array]:
    """A year of daily practice: (true memory, number of questions answered per person)."""
    people, items = len(scale), setting.items
    truth, belief = Memory(people, items, scale), Memory(people, items)
    due = np.full((people, items), np.inf)
    order = rng.permuted(np.tile(np.arange(items), (people, 1)), axis=1)
    given = np.zeros(people, dtype=int)
    for day in range(setting.exam):
        present = np.flatnonzero(rng.random(people) < setting.diligence)
        reviewed = belief.last[present] >= 0
        rank = np.where(due[present] <= day, belief.recall(day)[present], np.inf)
        # `fresh` positions are reserved for new items; due items get the others.
        reviews = np.sort(rank, axis=1)[:, DAILY - setting.fresh - 1 : DAILY - setting.fresh]
        rank = np.where(rank > reviews, rank + 5000, rank)
        rank = np.where(reviewed, rank, 2 + order[present])
        chosen = np.argpartition(rank, DAILY, axis=1)[:, :DAILY]
        rows, columns = np.repeat(present, DAILY), chosen.ravel()
        available = np.isfinite(np.take_along_axis(rank, chosen, axis=1).ravel())
        rows, columns = rows[available], columns[available]
        rating = answered(truth, rng, rows, columns=columns, day=day, fluent=fluent)
        truth.review(rows, columns, rating, day=day)
        belief.review(rows, columns, rating, day=day)
        due[rows, columns] = day + interval(belief.stability[rows, columns], setting.retention)
        given += np.bincount(rows, minlength=people)
    return truth, given


def answered(
    memory: Memory,
    rng: np.random.Generator,
    rows: Array,
    *,
    columns: Array,
    day: int,
    fluent: Array,
) -> Array:
    """Again or Good, by the probability of recall, or by prior knowledge at the first review."""
    chance = np.where(
        memory.last[rows, columns] < 0,
        fluent[rows, columns],
        recalled(
            np.where(np.isnan(memory.stability[rows, columns]), 1, memory.stability[rows, columns]),
            np.maximum(day - memory.last[rows, columns], 0),
        ),
    )
    return np.where(rng.random(len(rows)) < chance, GOOD, AGAIN)


def re_read(
    setting: Setting,
    rng: np.random.Generator,
    scale: Array,
    *,
    fluent: Array,
    given: Array,
    before: int,
) -> Memory:
    """The same minutes of re-reading on two consecutive days, the second `before` days before the exam."""
    memory = Memory(len(scale), setting.items, scale)
    for number, day in enumerate((setting.exam - before - 1, setting.exam - before)):
        count = np.where(number == 0, (given + 1) // 2, given // 2)
        start = np.where(number == 0, 0, (given + 1) // 2)
        for turn in range(int(count.max())):
            rows = np.flatnonzero(turn < count)
            columns = (start[rows] + turn) % setting.items
            rating = answered(memory, rng, rows, columns=columns, day=day, fluent=fluent)
            memory.review(rows, columns, rating, day=day)
    return memory


def mean_of(shares: Array) -> tuple[float, float]:
    """Mean over people and the half width of its 95 % interval."""
    return float(shares.mean()), float(1.96 * shares.std(ddof=1) / len(shares) ** 0.5)


def simulate(setting: Setting) -> dict[str, Array]:
    """Share of the pool that each person remembers, by condition and day.

    Conditions: practice, re-reading two months before the exam, re-reading just before it. Days: the exam, and three
    months later. `questions`: number answered per person.
    """
    rng = np.random.default_rng(setting.seed)
    shares: dict[str, list[Array]] = {}
    for start in range(0, setting.people, CHUNK):
        number = min(CHUNK, setting.people - start)
        scale = rng.lognormal(0, setting.spread, number)
        # Prior knowledge of each question: a probability of 0 or 1.
        fluent = (rng.random((number, setting.items)) < setting.known_before).astype(float)
        truth, given = practised(setting, rng, scale, fluent=fluent)
        ways = {
            "daily": truth,
            "early": re_read(setting, rng, scale, fluent=fluent, given=given, before=60),
            "eve": re_read(setting, rng, scale, fluent=fluent, given=given, before=1),
        }
        for way, memory in ways.items():
            for name, day in (("exam", setting.exam), ("later", setting.exam + 90)):
                shares.setdefault(f"{way}_{name}", []).append(memory.recall(day).mean(axis=1))
        shares.setdefault("questions", []).append(given)
    return {name: np.concatenate(parts) for name, parts in shares.items()}
