"""Figures of a division's daily work in a period, by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from training_records.divisions import within
from training_records.work.models import Activity, CaseEntry, Visit, VisitForm


@dataclass(frozen=True)
class WorkFigures:
    """Children in caseloads on the last day, visits by form, visits with a reportable finding and those reported,
    activities by theme, and their participants."""

    children: int
    visits: Mapping[VisitForm, int]
    alarms: int
    reported: int
    activities: Mapping[str, int]
    came: int


def work_figures(session: Session, prefix: str, since: date, *, until: date) -> WorkFigures:
    """Computes the figures of a division."""
    in_division = within(CaseEntry.division_code, prefix)
    children = select(func.count()).where(
        in_division,
        CaseEntry.opened_on <= until,
        CaseEntry.closed_on.is_(None) | (CaseEntry.closed_on > until),
    )
    made = (
        select(Visit.form, func.count(), func.count(Visit.reported_at))
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(in_division, Visit.on.between(since, until))
    )
    # By form, so that a report reads the same on every engine.
    forms = made.group_by(Visit.form).order_by(Visit.form)
    visits = {form: n for form, n, _ in session.execute(forms)}
    alarms, reported = 0, 0
    for _, n, reported_count in session.execute(made.where(Visit.alarm).group_by(Visit.form)):
        alarms, reported = alarms + n, reported + reported_count
    held = (
        select(
            Activity.theme,
            func.count(),
            func.sum(func.coalesce(Activity.children, 0) + func.coalesce(Activity.adults, 0)),
        )
        .where(
            within(Activity.division_code, prefix),
            Activity.held,
            Activity.on.between(since, until),
        )
        .group_by(Activity.theme)
    )
    rows = session.execute(held).all()
    return WorkFigures(
        session.scalar(children) or 0,
        visits,
        alarms,
        reported,
        {theme: n for theme, n, _ in rows},
        int(sum(people or 0 for _, _, people in rows)),
    )
