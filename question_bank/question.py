"""Question types, as stored in the files of ``items/``."""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from question_bank.response import Shape

BLANK = "____"
_REFERS = re.compile(r"以上(都|全|皆|均|各)|(选项|答案)\s*[A-Z]|[A-Z]\s*[、和与或及]\s*[A-Z]")
Level = Literal["remember", "understand", "apply"]
Status = Literal["draft", "reviewed", "retired"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class _Common(_Model):
    """Fields common to questions and the sub-questions of a case."""

    stem: str = Field(min_length=1)
    explanation: str = ""
    # Feedback on one option, by its label (or ``true`` and ``false``).
    feedback: dict[str, str] = {}

    @cached_property
    def refers(self) -> bool:
        """Whether the texts refer to options by letter or position, so that options can't be reordered."""
        options = getattr(self, "options", {}).values()
        texts = (*options, self.stem, self.explanation, *self.feedback.values())
        return any(_REFERS.search(text) for text in texts)

    @cached_property
    def shape(self) -> Shape:
        """Shape of a response."""
        kind: str = self.type  # type: ignore[attr-defined]
        return Shape(
            kind,
            tuple(str(label) for label in getattr(self, "options", {})),
            tuple(getattr(self, "left", {})),
            len(self.key) if kind == "fill" else 0,  # type: ignore[attr-defined]
        )


class _Options(_Common):
    options: dict[str, str]

    @field_validator("options", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # YAML reads `A: 30` as a number; an option is always text.
        if isinstance(value, dict):
            return {str(k): v if isinstance(v, str) else str(v) for k, v in value.items()}
        return value

    @model_validator(mode="after")
    def _labels(self) -> _Options:
        labels = list(self.options)
        if len(labels) < 2:
            raise ValueError("至少要有两个选项")
        if labels != [chr(ord("A") + i) for i in range(len(labels))]:
            raise ValueError("选项要从 A 起依次编号")
        texts = [text.strip() for text in self.options.values()]
        if not all(texts):
            raise ValueError("有空选项")
        if len(set(texts)) < len(texts):
            raise ValueError("有两个相同的选项")
        return self


class _Weighted(_Options):
    """``weights``: share of the points that a chosen option adds (−1 to 1); empty: scored by the key."""

    weights: dict[str, float] = {}

    @model_validator(mode="after")
    def _weights(self) -> _Weighted:
        if self.weights and set(self.weights) != set(self.options):
            raise ValueError("每个选项都要有权重")
        if any(not -1 <= w <= 1 for w in self.weights.values()):
            raise ValueError("权重要在 -1 到 1 之间")
        return self


class _Single(_Weighted):
    type: Literal["single"]
    key: str

    @model_validator(mode="after")
    def _key(self) -> _Single:
        if self.key not in self.options:
            raise ValueError(f"答案 {self.key} 不在选项里")
        if self.weights and self.weights[self.key] != 1:
            raise ValueError("答案的权重要是 1")
        return self


class _Multiple(_Weighted):
    type: Literal["multiple"]
    key: tuple[str, ...]

    @model_validator(mode="after")
    def _key(self) -> _Multiple:
        if len(set(self.key)) < len(self.key) or not set(self.key) <= set(self.options):
            raise ValueError("答案里有重复的或不在选项里的编号")
        if len(self.key) < 2:
            raise ValueError("多选题至少要有两个正确选项")
        if len(self.key) == len(self.options):
            raise ValueError("多选题至少要有一个错误选项")
        return self


class _TrueFalse(_Common):
    type: Literal["true_false"]
    key: bool


class _Fill(_Common):
    """``key``: accepted spellings per blank. ``ranges``: per blank, an interval (lowest, highest)
    of numbers also accepted, or None. ``credit``: per blank, spellings with partial credit (spelling
    to share of the blank)."""

    type: Literal["fill"]
    key: tuple[tuple[str, ...], ...] = Field(min_length=1)
    ranges: tuple[tuple[float, float] | None, ...] = ()
    credit: tuple[dict[str, float], ...] = ()

    @model_validator(mode="after")
    def _key(self) -> _Fill:
        if not all(blank and all(s.strip() for s in blank) for blank in self.key):
            raise ValueError("每个空都要有至少一个答案")
        if any(extra and len(extra) != len(self.key) for extra in (self.ranges, self.credit)):
            raise ValueError("每个空都要有自己的范围和部分得分")
        if BLANK in self.stem and self.stem.count(BLANK) != len(self.key):
            raise ValueError(f"题干有 {self.stem.count(BLANK)} 个空，答案有 {len(self.key)} 个")
        return self


class _Order(_Options):
    """``key``: all labels in the correct order."""

    type: Literal["order"]
    key: tuple[str, ...]

    @model_validator(mode="after")
    def _key(self) -> _Order:
        if sorted(self.key) != sorted(self.options):
            raise ValueError("答案要把每个选项各排一次")
        return self


class _Match(_Common):
    """``left``: label to text; ``options``: number to text; ``key``: label to number."""

    type: Literal["match"]
    left: dict[str, str]
    options: dict[int, str]
    key: dict[str, int]

    @model_validator(mode="after")
    def _key(self) -> _Match:
        if set(self.key) != set(self.left) or not set(self.key.values()) <= set(self.options):
            raise ValueError("每个左项都要配一个存在的右项")
        return self


class _ShortAnswer(_Common):
    """Marked manually; ``key`` is the model answer, ``rubric`` the marking points."""

    type: Literal["short_answer"]
    key: str
    rubric: tuple[str, ...] = ()


class _Meta(_Model):
    id: str = Field(pattern=r"^[a-z][a-z0-9_]*-\d{4}$")
    source: str = ""
    kb: str = ""
    topic: str = ""
    level: Level | None = None
    facility: float | None = Field(default=None, ge=0, le=1)
    status: Status = "draft"
    version: int = Field(default=1, ge=1)
    # Duty steps and service-list lines covered besides its clause (``duty-1.2``, ``orphan.1``).
    covers: tuple[str, ...] = ()
    # The day it was last checked against its clause.
    checked: date | None = None
    # Imported questions: name and category in the source, whether the texts are HTML, and their
    # pictures (file name to base64).
    title: str = ""
    category: str = ""
    html: bool = False
    files: dict[str, str] = {}

    @model_validator(mode="after")
    def _reviewed_is_complete(self) -> _Meta:
        if self.status == "reviewed":
            empty = [f for f in ("source", "kb", "topic", "level") if not getattr(self, f)]
            if empty:
                raise ValueError(f"已审定的题还缺：{'、'.join(empty)}")
        return self


class SubSingle(_Single): ...


class SubMultiple(_Multiple): ...


class SubTrueFalse(_TrueFalse): ...


class SubFill(_Fill): ...


class SubOrder(_Order): ...


class SubMatch(_Match): ...


class SubShortAnswer(_ShortAnswer): ...


SubQuestion = Annotated[
    SubSingle | SubMultiple | SubTrueFalse | SubFill | SubOrder | SubMatch | SubShortAnswer,
    Field(discriminator="type"),
]


class Single(_Meta, _Single): ...


class Multiple(_Meta, _Multiple): ...


class TrueFalse(_Meta, _TrueFalse): ...


class Fill(_Meta, _Fill): ...


class Order(_Meta, _Order): ...


class Match(_Meta, _Match): ...


class ShortAnswer(_Meta, _ShortAnswer): ...


class Case(_Meta):
    """A shared text with two or more sub-questions, each answered and scored on its own."""

    type: Literal["case"]
    text: str = Field(min_length=10)
    questions: tuple[SubQuestion, ...] = Field(min_length=2)
    explanation: str = ""

    @property
    def stem(self) -> str:
        return self.text


Question = Annotated[
    Single | Multiple | TrueFalse | Fill | Order | Match | ShortAnswer | Case,
    Field(discriminator="type"),
]

# Types that take a response. A case doesn't; its sub-questions do.
Answerable = (
    Single
    | Multiple
    | TrueFalse
    | Fill
    | Order
    | Match
    | ShortAnswer
    | SubSingle
    | SubMultiple
    | SubTrueFalse
    | SubFill
    | SubOrder
    | SubMatch
    | SubShortAnswer
)

_ADAPTER: TypeAdapter[Question] = TypeAdapter(Question)


def parts_of(question: Question) -> tuple[Answerable, ...]:
    """The parts that take a response: the sub-questions of a case, else the question itself."""
    return question.questions if question.type == "case" else (question,)


def options_of(question: Question | Answerable) -> dict[str, str]:
    """Label to text of the options, as written; empty where the type has none."""
    if question.type in ("single", "multiple", "order", "match"):
        return {str(label): text for label, text in question.options.items()}
    return {}


def parse_question(data: object) -> Question:
    """Parses a plain mapping (one list element of a question file).

    Raises `pydantic.ValidationError` when the mapping is not a question.
    """
    return _ADAPTER.validate_python(data)


def dump_question(question: Question) -> dict[str, Any]:
    """The inverse of `parse_question`: plain values, ready for YAML or JSON."""
    return question.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
