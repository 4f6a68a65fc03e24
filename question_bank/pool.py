"""Pools (题池): the questions of the bank that one kind of practice draws from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from question_bank.question import Question

POOLS = Path(__file__).parent / "pools"


class Pool(BaseModel):
    """Reviewed questions of certain topics and types, except those reserved for exams (`exclude`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    topics: frozenset[str]
    types: frozenset[str]
    exclude: frozenset[str] = frozenset()

    def of(self, questions: Iterable[Question]) -> list[Question]:
        """The questions that belong to the pool, in the given order."""
        return [
            q
            for q in questions
            if q.status == "reviewed"
            and q.topic in self.topics
            and q.type in self.types
            and q.id not in self.exclude
        ]


def load_pool(name: str) -> Pool:
    """Loads a pool that ships with the bank. Raises FileNotFoundError for an unknown name."""
    return Pool.model_validate(yaml.safe_load((POOLS / f"{name}.yaml").read_text("utf-8")))
