"""The rule of a year for covering a director: stored as data, with the plan's default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.coverage.models import YearRule
from training_records.errors import Refused
from training_records.facts.levels import COUNTED_LEVELS, LEVELS, level_key


@dataclass(frozen=True)
class Rule:
    """A year's rule: credit hours (45 minutes) of training at the counted levels, whether a passed exam is required,
    and for how many days after taking office a person counts as pending."""

    hours: Decimal = Decimal(8)
    exam: bool = True
    pending_days: int = 30
    levels: tuple[str, ...] = COUNTED_LEVELS


def rule_of(session: Session, year: int) -> Rule:
    """The rule of a year: its own, else that of the latest year before it, else the default."""
    row = session.scalar(
        select(YearRule).where(YearRule.year <= year).order_by(YearRule.year.desc()).limit(1)
    )
    if row is None:
        return Rule()
    return Rule(row.hours, row.exam, row.pending_days, tuple(map(level_key, row.levels)))


def set_rule(
    session: Session,
    year: int,
    by: str,
    *,
    hours: Decimal,
    exam: bool,
    pending_days: int,
    levels: Sequence[str],
) -> YearRule:
    """Sets the rule of a year. Raises `Refused` for invalid values."""
    if not 2000 <= year <= 2100:
        raise Refused("年份要在 2000 到 2100 之间")
    if not 0 <= hours <= 200:
        raise Refused("学时要在 0 到 200 之间")
    if not 0 <= pending_days <= 366:
        raise Refused("待训天数要在 0 到 366 之间")
    requested = {level_key(level) for level in levels}
    chosen = [level for level in LEVELS if level in requested]
    if not chosen:
        raise Refused("至少选一个层级的培训计入学时")
    row = session.get(YearRule, year) or YearRule(year=year)
    row.hours, row.exam, row.pending_days, row.levels = hours, exam, pending_days, chosen
    row.updated_by = by
    session.add(row)
    session.flush()
    return row
