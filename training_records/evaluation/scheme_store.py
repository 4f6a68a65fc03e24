"""Schemes that offices lay down for a year: a district's own, else the city's, else the one that ships with the system."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.divisions import ancestor, level_of
from training_records.errors import Refused
from training_records.evaluation.models import EvaluationRun, EvaluationScheme
from training_records.evaluation.scheme import Scheme, checked_scheme, load_scheme

SHIPPED = "2026"
LEVELS = ("district", "city")


def stored_scheme(session: Session, code: str, year: int) -> EvaluationScheme | None:
    """The scheme that holds for a division in a year: its district's, else its city's; None: the one that ships."""
    codes = [ancestor(code, level) for level in LEVELS]  # type: ignore[arg-type]
    query = select(EvaluationScheme).where(
        EvaluationScheme.division_code.in_(codes), EvaluationScheme.year == year
    )
    found = {row.division_code: row for row in session.scalars(query)}
    return next((found[c] for c in codes if c in found), None)


def scheme_for(session: Session, code: str, year: int) -> Scheme:
    """The scheme that holds for a division in a year."""
    row = stored_scheme(session, code, year)
    return checked_scheme(row.scheme) if row else load_scheme(SHIPPED)


def save_scheme(session: Session, code: str, year: int, scheme: Scheme, by: str) -> None:
    """Lays a scheme down for a year, in place of what was laid down before. `Refused` once the evaluation of that year
    has begun: it goes on under the scheme that it began with."""
    if level_of(code) not in LEVELS:
        raise Refused("评价方案由区(市)或市定")
    own = select(EvaluationRun.id).where(
        EvaluationRun.division_code == code, EvaluationRun.year == year
    )
    if session.scalar(own):
        raise Refused(f"{year} 年的评价已经开始,方案不能再改。要改明年的,请选明年")
    row = session.get(EvaluationScheme, (code, year))
    if row is None:
        row = EvaluationScheme(division_code=code, year=year)
        session.add(row)
    row.scheme, row.updated_by = scheme.model_dump(mode="json"), by
    session.flush()


def delete_scheme(session: Session, code: str, year: int) -> None:
    """Takes an office's own scheme away, so that the one above it holds."""
    row = session.get(EvaluationScheme, (code, year))
    if row is None:
        raise Refused("没有自己定的方案,不用撤")
    session.delete(row)
    session.flush()
