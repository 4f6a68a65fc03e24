"""Schemes that offices set for a year: a district's own, else the city's, else the shipped one."""

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
    """The scheme in force for a division in a year: its district's, else its city's; None: the shipped one."""
    codes = [ancestor(code, level) for level in LEVELS]  # type: ignore[arg-type]
    query = select(EvaluationScheme).where(
        EvaluationScheme.division_code.in_(codes), EvaluationScheme.year == year
    )
    by_division = {row.division_code: row for row in session.scalars(query)}
    return next((by_division[c] for c in codes if c in by_division), None)


def scheme_for(session: Session, code: str, year: int) -> Scheme:
    """The scheme in force for a division in a year."""
    row = stored_scheme(session, code, year)
    return checked_scheme(row.scheme) if row else load_scheme(SHIPPED)


def save_scheme(session: Session, code: str, year: int, *, scheme: Scheme, by: str) -> None:
    """Sets the scheme of a year, replacing an earlier one. Raises `Refused` once the evaluation of that year has
    started, which keeps the scheme it started with."""
    if level_of(code) not in LEVELS:
        raise Refused("评价方案由区（市）或市定")
    started = select(EvaluationRun.id).where(
        EvaluationRun.division_code == code, EvaluationRun.year == year
    )
    if session.scalar(started):
        raise Refused(f"{year} 年的评价已经开始，方案不能再改。要改明年的，请选明年")
    row = session.get(EvaluationScheme, (code, year))
    if row is None:
        row = EvaluationScheme(division_code=code, year=year)
        session.add(row)
    row.scheme, row.updated_by = scheme.model_dump(mode="json"), by
    session.flush()


def delete_scheme(session: Session, code: str, year: int) -> None:
    """Deletes an office's own scheme, so that the one above it is in force."""
    row = session.get(EvaluationScheme, (code, year))
    if row is None:
        raise Refused("没有自己定的方案，不用撤")
    session.delete(row)
    session.flush()
