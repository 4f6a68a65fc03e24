"""The blueprint (命题蓝图): how many items of which type, topic and level a form holds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from question_bank.scoring import Scheme

BLUEPRINTS = Path(__file__).parent / "blueprints"
Count = int | tuple[int, int]
# Counted attributes: field of the blueprint, attribute of a question, Chinese term.
ATTRIBUTES = (("types", "type", "题型"), ("topics", "topic", "主题"), ("levels", "level", "层次"))


def bounds(count: Count) -> tuple[int, int]:
    """An exact count or ``[min, max]`` as (min, max)."""
    return (count, count) if isinstance(count, int) else count


class Blueprint(BaseModel):
    """A test blueprint, with the fields of the file format; counts are exact or [min, max]."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    items: int = Field(ge=1, le=500)
    minutes: int = Field(ge=1, le=600)
    pass_percent: float = Field(ge=0, le=100)
    # The role that is examined; None: everybody in post.
    audience: Literal["director", "supervisor"] | None = None
    types: dict[str, Count] = {}
    topics: dict[str, Count] = {}
    levels: dict[str, Count] = {}
    facility: float | None = Field(default=None, ge=0, le=1)
    # Points of θ at which all forms must carry the same information (items with parameters).
    information: tuple[float, ...] = ()
    # Point of θ to the information that every form must carry there.
    target_information: dict[float, float] = {}
    max_overlap: float = Field(default=1.0, ge=0, le=1)
    enemies: tuple[tuple[str, ...], ...] = ()
    exclude: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    anchors: tuple[str, ...] = ()
    max_exposure: int | None = Field(default=None, ge=0)
    multiple_scoring: Scheme = "all_or_nothing"
    order_scoring: Scheme = "all_or_nothing"
    points: dict[str, float] = {}

    @model_validator(mode="after")
    def _counts(self) -> Blueprint:
        for name, _, _ in ATTRIBUTES:
            pairs = [bounds(c) for c in getattr(self, name).values()]
            if any(low < 0 or low > high for low, high in pairs):
                raise ValueError(f"{name} 里有下限大于上限或小于 0 的数")
            if sum(low for low, _ in pairs) > self.items:
                raise ValueError(f"{name} 的下限加起来超过了总题数 {self.items}")
        if any(wanted <= 0 for wanted in self.target_information.values()):
            raise ValueError("target_information 里的信息量要大于 0")
        if self.types and sum(high for _, high in map(bounds, self.types.values())) < self.items:
            raise ValueError(f"types 的上限加起来不到总题数 {self.items}")
        return self

    @property
    def theta(self) -> tuple[float, ...]:
        """All points of θ at which information is constrained."""
        return tuple(dict.fromkeys([*self.information, *self.target_information]))

    def scheme(self, question_type: str) -> Scheme:
        """Scoring scheme of a question type."""
        return self.order_scoring if question_type == "order" else self.multiple_scoring

    def points_for(self, question_type: str) -> float:
        """Points per item of a type (default 2, so that 50 items make 100)."""
        return self.points.get(question_type, 2.0)


def load_blueprint(source: Path | str) -> Blueprint:
    """Loads a blueprint from a file, or by the name of one that ships with the bank.

    Raises FileNotFoundError, or `pydantic.ValidationError` when the file is not a blueprint.
    """
    path = Path(source)
    if path.suffix != ".yaml":
        path = BLUEPRINTS / f"{source}.yaml"
    data: object = yaml.safe_load(path.read_text("utf-8"))
    return Blueprint.model_validate(data)
