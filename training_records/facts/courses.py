"""What a course is: units with what there is to read, hear and do, and when each counts."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from training_records.facts.levels import level_key

MINUTES_PER_HOUR = 45
# What a course is for, in the order in which they are taken.
PATHS = {
    "induction": "初任必修",
    "annual": "年度轮训",
    "supervisor": "儿童督导员",
    "improvement": "能力提升",
    "social_work": "社会工作者考试",
}
Kind = Literal["induction", "annual", "supervisor", "improvement", "social_work"]
Sha = Field(pattern="^[0-9a-f]{64}$")
Id = Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Media(_Part):
    """A recording: a kept file by its hash, its length in seconds, picture before it starts, subtitles."""

    kind: Literal["video", "audio"]
    file: str = Sha
    seconds: int = Field(ge=1, le=4 * 3600)
    poster: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    subtitles: str | None = Field(None, pattern="^[0-9a-f]{64}$")


class File(_Part):
    """A file to look at or to keep, by its hash."""

    file: str = Sha
    title: str = Field(min_length=1, max_length=60)


class Quiz(_Part):
    """Questions between units: how many are asked and how many have to be right, of the pages of the unit or of
    a topic."""

    items: int = Field(3, ge=1, le=10)
    need: int = Field(2, ge=1, le=10)
    topic: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> Quiz:
        if self.need > self.items:
            raise ValueError("要答对的题数不能多过题数")
        return self


def _level(value: object) -> object:
    """Courses that offices wrote earlier hold the label."""
    return level_key(value) if isinstance(value, str) else value


class Unit(_Part):
    """A unit: planned minutes; pages of the knowledge base, text in Markdown, recording, slides (PDF), a form to
    keep; a quiz and a reflection that belong to finishing it."""

    id: str = Id
    title: str = Field(min_length=1, max_length=40)
    minutes: int = Field(ge=1, le=240)
    pages: tuple[str, ...] = ()
    text: str = Field("", max_length=40_000)
    media: Media | None = None
    slides: File | None = None
    download: File | None = None
    quiz: Quiz | None = None
    reflection: str = Field("", max_length=200)


class Course(_Part):
    """A course of units; finishing all of them earns its credit hours.

    `prefix`: codes of the divisions whose people it is for; `requires`: courses to finish first; `valid_months`:
    how long it stays finished (None: for good; annual courses: the calendar year).
    """

    id: str = Id
    title: str = Field(min_length=1, max_length=60)
    kind: Kind
    level: Annotated[Literal["city", "district", "town"], BeforeValidator(_level)]
    form: str = "线上自学"
    exam: str | None = None
    roles: tuple[Literal["director", "supervisor"], ...] = ("director", "supervisor")
    prefix: str = Field("", pattern="^[0-9]{0,12}$")
    requires: tuple[str, ...] = ()
    valid_months: int | None = Field(None, ge=1, le=120)
    version: int = 1
    units: tuple[Unit, ...] = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _distinct(self) -> Course:
        twice = [u for u, n in Counter(u.id for u in self.units).items() if n > 1]
        if twice:
            raise ValueError(f"有两个单元的编号都是 {twice[0]}")
        if self.id in self.requires:
            raise ValueError("一门课不能以自己为先修课")
        return self

    @property
    def minutes(self) -> int:
        return sum(u.minutes for u in self.units)

    @property
    def hours(self) -> Decimal:
        return credit_hours(self.minutes)

    def still_counts(self, done: date, today: date) -> bool:
        """Whether what was finished on a day is still finished today."""
        if self.kind == "annual":
            return done.year == today.year
        if self.valid_months is None:
            return True
        months = (today.year - done.year) * 12 + today.month - done.month
        return (months, today.day) < (self.valid_months, done.day)


def credit_hours(minutes: int) -> Decimal:
    """Credit hours of 45 minutes, to 2 decimals."""
    return (Decimal(minutes) / MINUTES_PER_HOUR).quantize(Decimal("0.01"))
