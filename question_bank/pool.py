"""A pool (题池): which questions of the bank a kind of practice draws from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from question_bank.question import Question

POOLS = Path(__file__).parent / "pools"


class Pool(BaseModel):
    """Reviewed questions by topic and type, without those kept back for exams."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    topics: frozenset[str]
    types: frozenset[str]
    exclude: frozenset[str] = frozenset()

    def of(self, questions: Iterable[Question]) -> list[Question]:
        """The questions that belong to the pool, in their order."""
        return [
            q
            for q in questions
            if q.status == "reviewed"
            and q.topic in self.topics
            and q.type in self.types
            and q.id not in self.exclude
        ]


def load_pool(name: str) -> Pool:
    """A pool that ships with the bank, by its name. FileNotFoundError when there is none."""
    return Pool.model_validate(yaml.safe_load((POOLS / f"{name}.yaml").read_text("utf-8")))
