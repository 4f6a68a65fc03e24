"""The evaluation scheme (评价方案): dimensions, indicators and their scoring, vetoes, grades; validated when read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from training_records.errors import Refused

SCHEMES = Path(__file__).parent / "schemes"
DIMENSIONS = {
    "visits": "日常走访",
    "training": "培训考试",
    "activities": "组织活动",
    "policy": "政策落实",
    "satisfaction": "服务对象满意度",
}
# Measures that are rates or scores, not counts, and so are not prorated.
_RATE = re.compile(r"_(rate|share|score|mean|index|passed)$")
MAX_BYTES = 200_000


def _exact(value: object) -> object:
    # YAML's 0.1 means the decimal as written, not the nearest binary number.
    return Decimal(str(value)) if isinstance(value, int | float) and value is not True else value


Number = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Indicator(_Part):
    """One measure and the points that it can earn.

    `proportional`: points × min(value ÷ target, 1); `steps`: the share of the highest bound that the value reaches,
    else 0; `threshold`: all points from the target on. `unit`: count or rate, where the measure's name does not imply
    it.
    """

    id: Name
    measure: Name
    points: Number = Field(gt=0)
    scoring: Literal["proportional", "steps", "threshold"]
    target: Number | None = Field(None, gt=0)
    steps: tuple[tuple[Number, Number], ...] = ()
    unit: Literal["count", "rate"] | None = None
    title: str = Field("", max_length=60)

    @property
    def is_count(self) -> bool:
        """Whether its targets are prorated by the months in post."""
        return self.unit == "count" if self.unit else not _RATE.search(self.measure)

    @model_validator(mode="after")
    def _whole(self) -> Indicator:
        if self.scoring == "steps":
            if not self.steps:
                raise ValueError("分段计分要写 steps")
            bounds = [b for b, _ in self.steps]
            shares = [s for _, s in self.steps]
            if sorted(set(bounds)) != bounds:
                raise ValueError("steps 的界限要从小到大，不能重复")
            if sorted(shares) != shares or shares[0] < 0 or shares[-1] > 1:
                raise ValueError("steps 的得分比例要在 0 到 1 之间，越高的界限得分不能越少")
        elif self.target is None:
            raise ValueError("要写目标值 target")
        elif self.steps:
            raise ValueError("只有分段计分才写 steps")
        return self


class Dimension(_Part):
    """One of the five dimensions of 青21#20 with its weight and indicators."""

    id: Literal["visits", "training", "activities", "policy", "satisfaction"]
    title: str = Field(min_length=1, max_length=30)
    weight: Number = Field(gt=0, le=100)
    indicators: tuple[Indicator, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Dimension:
        total = sum((i.points for i in self.indicators), Decimal(0))
        if total != self.weight:
            raise ValueError(f"各项指标的分值合计 {total:f}，要等于权重 {self.weight:f}")
        return self


class Veto(_Part):
    """A measure that replaces the grade when it is above a bound."""

    measure: Name
    above: Number
    grade: str


class Grade(_Part):
    """A grade and the lowest total that earns it."""

    name: str = Field(min_length=1, max_length=10)
    min: Number = Field(ge=0, le=100)


class Scheme(_Part):
    """A scheme. Weights add up to 100, and the points of a dimension to its weight."""

    id: str = Field(pattern="^[A-Za-z0-9._-]{1,40}$")
    title: str = Field("", max_length=60)
    dimensions: tuple[Dimension, ...] = Field(min_length=1, max_length=5)
    vetoes: tuple[Veto, ...] = ()
    grades: tuple[Grade, ...] = Field(min_length=1)
    proration: Literal["months_in_post", "none"] = "months_in_post"
    missing: Literal["exclude", "zero"] = "exclude"
    # Fewer months in post give a total but no grade.
    least_months: Number = Field(Decimal(0), ge=0, le=12)

    @model_validator(mode="after")
    def _consistent(self) -> Scheme:
        total = sum((d.weight for d in self.dimensions), Decimal(0))
        if total != 100:
            raise ValueError(f"各维度的权重合计 {total:f}，要等于 100")
        written: tuple[tuple[str, list[str]], ...] = (
            ("维度", [d.id for d in self.dimensions]),
            ("指标", [i.id for i in self.indicators]),
            ("等次", [g.name for g in self.grades]),
        )
        for what, names in written:
            duplicate = next((n for n in names if names.count(n) > 1), None)
            if duplicate:
                raise ValueError(f"{what}“{duplicate}”写了两次")
        bounds = [g.min for g in self.grades]
        if sorted(set(bounds), reverse=True) != bounds or bounds[-1] != 0:
            raise ValueError("等次要从高到低写，最后一档的 min 是 0")
        for veto in self.vetoes:
            if veto.grade not in [g.name for g in self.grades]:
                raise ValueError(f"一票否决的等次“{veto.grade}”不在 grades 里")
        return self

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """All indicators in their order."""
        return tuple(i for d in self.dimensions for i in d.indicators)

    @property
    def measures(self) -> tuple[str, ...]:
        """All measures that the scheme needs, each once."""
        names = [i.measure for i in self.indicators] + [v.measure for v in self.vetoes]
        return tuple(dict.fromkeys(names))

    def grade_of(self, total: Decimal) -> str:
        """Returns the grade of a total as displayed (rounded)."""
        return next(g.name for g in self.grades if total >= g.min)


def read_scheme(text: str, where: str = "评价方案") -> Scheme:
    """Parses a scheme from YAML. Raises `Refused` with what is wrong and where."""
    if len(text.encode()) > MAX_BYTES:
        raise Refused(f"{where}太大，最多 {MAX_BYTES // 1000} KB")
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"第 {mark.line + 1} 行" if mark else ""
        raise Refused(f"{where}{line}不是 YAML，请检查缩进、冒号和括号") from None
    except RecursionError:
        raise Refused(f"{where}嵌套太深") from None
    if not isinstance(parsed, dict):
        raise Refused(f"{where}要有 id、dimensions、grades 等项")
    return checked_scheme(parsed, where)


def checked_scheme(parts: Mapping[str, object], where: str = "评价方案") -> Scheme:
    """Validates a scheme from its parts. Raises `Refused` with what is wrong and where."""
    try:
        return Scheme.model_validate(parts)
    except ValidationError as error:
        fault = error.errors()[0]
        location = ".".join(str(part) for part in fault["loc"])
        raise Refused(f"{where} {location}：{_reason(fault)}".replace(" ：", "：")) from None


def _reason(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    words = {
        "missing": "没有写",
        "extra_forbidden": "没有这一项，请核对拼写",
        "greater_than": f"要大于 {context.get('gt')}",
        "greater_than_equal": f"不能小于 {context.get('ge')}",
        "less_than_equal": f"不能大于 {context.get('le')}",
        "decimal_parsing": "要填数字",
        "decimal_type": "要填数字",
        "finite_number": "要填数字",
        "string_type": "要填文字",
        "string_pattern_mismatch": "只能用小写字母、数字和下划线",
        "literal_error": f"只能是 {context.get('expected')}",
        "too_short": "至少要有一个",
        "too_long": "太多了",
        "string_too_short": "没有填",
        "string_too_long": "太长",
    }
    return words.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")


def load_scheme(name: str) -> Scheme:
    """Loads a scheme shipped with the system. Raises FileNotFoundError if there is none."""
    return read_scheme((SCHEMES / f"{name}.yaml").read_text("utf-8"), f"{name}.yaml ")
