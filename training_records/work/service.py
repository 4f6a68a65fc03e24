"""Operations on the daily work: caseload, visits and what is due, activities, tasks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from question_bank.clean import clean_code
from training_records.database import insert_missing, now
from training_records.divisions import ancestor
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Post
from training_records.ledger.service import in_post_on
from training_records.work.cadence import Cadence, name_of, owed, paid, period_of, strictest
from training_records.work.models import (
    FORMS,
    THEMES,
    Activity,
    CaseEntry,
    OfficeTask,
    TaskDone,
    Visit,
)

CODE = re.compile(r"[0-9]{2}-[0-9]{2}")
MAX_CASES, MAX_AT_ONCE, OLDEST = 300, 100, timedelta(days=62)
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


def villages_of(session: Session, person_id: int, today: date) -> list[str]:
    """Villages where a person is director on a day."""
    query = select(Post.division_code).where(
        Post.person_id == person_id, Post.role == "director", in_post_on(today)
    )
    return sorted(set(session.scalars(query)))


def caseload(session: Session, villages: Sequence[str], today: date) -> list[CaseEntry]:
    """The open entries of villages, by village and code."""
    query = select(CaseEntry).where(
        CaseEntry.division_code.in_(villages),
        CaseEntry.opened_on <= today,
        or_(CaseEntry.closed_on.is_(None), CaseEntry.closed_on > today),
    )
    return list(session.scalars(query.order_by(CaseEntry.division_code, CaseEntry.code)))


def open_case(
    session: Session,
    village: str,
    code: str,
    *,
    categories: Sequence[str],
    known: Mapping[str, Cadence],
    by: str,
    today: date,
    assigned_id: int | None = None,
) -> CaseEntry:
    """Adds a child to the caseload under a code. A code in use with other categories or another director continues with
    the new ones from today."""
    code = clean_code(code)
    if not CODE.fullmatch(code):
        raise Refused("代号写成“03-07”这样：户的序号-孩子的序号。不要写姓名")
    chosen = [c for c in known if c in categories]
    if not chosen or len(chosen) != len(set(categories)):
        raise Refused("请至少勾选一个类别")
    entries = caseload(session, [village], today)
    if len(entries) >= MAX_CASES:
        raise Refused(f"一个村最多记 {MAX_CASES} 个，请核对")
    for entry in entries:
        if entry.code == code:
            if list(entry.categories) == chosen and entry.assigned_id == assigned_id:
                raise Refused(f"代号 {code} 已经在名单里")
            close_case(session, entry, today)
    row = CaseEntry(
        division_code=village,
        code=code,
        categories=chosen,
        assigned_id=assigned_id,
        opened_on=today,
        created_by=by,
    )
    session.add(row)
    session.flush()
    return row


def close_case(session: Session, entry: CaseEntry, today: date) -> None:
    """Removes a child from the caseload as of today; its visits stay."""
    if entry.closed_on is not None:
        raise Refused("已经移出名单了")
    entry.closed_on = today
    session.flush()


def get_case(session: Session, case_id: int, villages: Collection[str]) -> CaseEntry:
    """An entry of one of the villages, or NotFound."""
    entry = session.get(CaseEntry, case_id)
    if entry is None or entry.division_code not in villages:
        raise NotFound("名单里没有这个代号")
    return entry


@dataclass(frozen=True)
class DueVisit:
    """A child of the caseload and its next visit. `state`: overdue (the previous period was missed), due (this period,
    not visited yet), done, kept (no number in the policy, contact within a month), contact (none within a month)."""

    entry: CaseEntry
    cadence: Cadence | None
    state: str
    until: date | None
    last: date | None


def due_list(
    session: Session, villages: Sequence[str], known: Mapping[str, Cadence], *, today: date
) -> list[DueVisit]:
    """Every open entry with its state, the most urgent first."""
    entries = caseload(session, villages, today)
    since = period_of(period_of(today, 3)[0] - timedelta(days=1), 3)[0]
    seen = visits_by_code(session, villages, since, until=today)
    order = {"overdue": 0, "due": 1, "contact": 2, "done": 3, "kept": 4}
    due_visits = [
        _due(e, known, seen.get((e.division_code, e.code), []), today=today) for e in entries
    ]
    return sorted(due_visits, key=lambda d: (order[d.state], d.until or date.max, d.entry.code))


def visits_by_code(
    session: Session, villages: Sequence[str], since: date, *, until: date
) -> dict[tuple[str, str], list[tuple[date, str]]]:
    """(village, code) to visits as (day, form), across changes of a code's categories."""
    query = (
        select(CaseEntry.division_code, CaseEntry.code, Visit.on, Visit.form)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(CaseEntry.division_code.in_(villages), Visit.on.between(since, until))
    )
    visits: dict[tuple[str, str], list[tuple[date, str]]] = {}
    for village, code, on, form in session.execute(query):
        visits.setdefault((village, code), []).append((on, form))
    return visits


def _due(
    entry: CaseEntry,
    known: Mapping[str, Cadence],
    visits: Sequence[tuple[date, str]],
    *,
    today: date,
) -> DueVisit:
    cadence = strictest(entry.categories, known)
    last = max((on for on, _ in visits), default=None)
    if cadence is None or cadence.months is None:
        recent = last is not None and last > today - timedelta(days=31)
        return DueVisit(entry, cadence, "kept" if recent else "contact", None, last)
    current = period_of(today, cadence.months)
    if paid(cadence, current, visits):
        return DueVisit(entry, cadence, "done", current[1], last)
    previous = period_of(current[0] - timedelta(days=1), cadence.months)
    previous_owed = owed(cadence, entry.opened_on, None, since=previous[0], until=previous[1])
    missed = bool(previous_owed) and not paid(cadence, previous, visits)
    return DueVisit(entry, cadence, "overdue" if missed else "due", current[1], last)


@dataclass(frozen=True)
class NewVisit:
    """A visit sent by a phone. `key`: the phone's own number for it; `findings`: check to chosen answer."""

    key: str
    case_id: int
    on: date
    form: str
    findings: Mapping[str, str]
    needs: Sequence[str]
    measures: Sequence[str]
    next_on: date | None
    reported: bool


@dataclass(frozen=True)
class Options:
    """The options that may be ticked, by key: check to its answers; answers that have to be reported at once; needs and
    measures to their labels. `labels`: of every check (check,) and answer (check, answer), including retired ones."""

    checks: Mapping[str, Sequence[str]]
    alarms: Collection[tuple[str, str]]
    needs: Mapping[str, str]
    measures: Mapping[str, str]
    labels: Mapping[tuple[str, ...], str]

    def keyed(self, visit: NewVisit) -> NewVisit:
        """Replaces labels by keys, for phones with an older page; what is neither stays as it is."""
        checks = {label: path[0] for path, label in self.labels.items() if len(path) == 1}
        answers = {(p[0], label): p[1] for p, label in self.labels.items() if len(p) == 2}
        findings = {}
        for check, answer in visit.findings.items():
            key = checks.get(check, check)
            findings[key] = answers.get((key, answer), answer)
        needs, measures = (
            [{label: key for key, label in known.items()}.get(x, x) for x in given]
            for known, given in ((self.needs, visit.needs), (self.measures, visit.measures))
        )
        return replace(visit, findings=findings, needs=needs, measures=measures)

    def words(self, findings: Mapping[str, str]) -> list[tuple[str, str]]:
        """Findings by label, in the form's order: PostgreSQL does not keep that of a JSON object. Rows of earlier
        versions already hold labels."""
        labelled = [
            (self.labels.get((check,), check), self.labels.get((check, answer), answer))
            for check, answer in findings.items()
        ]
        order = [label for key, label in self.labels.items() if len(key) == 1]
        return sorted(labelled, key=lambda pair: order.index(pair[0]) if pair[0] in order else -1)


def log_visit(
    session: Session,
    person_id: int,
    visit: NewVisit,
    *,
    villages: Collection[str],
    options: Options,
    today: date,
) -> bool:
    """Records a visit, once per key. Returns whether it was new. Raises `Refused` if a value is invalid."""
    visit = options.keyed(visit)
    entry = get_case(session, visit.case_id, villages)
    if visit.form not in FORMS:
        raise Refused("请选怎么走访的")
    if not today - OLDEST <= visit.on <= today:
        raise Refused("走访日期只能是最近两个月里的，不能晚于今天")
    if visit.next_on is not None and visit.next_on < visit.on:
        raise Refused("下次日期要在走访日期以后")
    for check, answer in visit.findings.items():
        if answer not in options.checks.get(check, ()):
            raise Refused(f"“{check}”没有“{answer}”这一项")
    if not set(visit.needs) <= set(options.needs) or not set(visit.measures) <= set(
        options.measures
    ):
        raise Refused("需要和措施只能从表里勾选")
    alarm = any((c, a) in options.alarms for c, a in visit.findings.items())
    at = now()
    return insert_missing(
        session,
        Visit,
        person_id=person_id,
        case_id=entry.id,
        key=visit.key,
        on=visit.on,
        form=visit.form,
        findings=dict(visit.findings),
        needs=list(visit.needs),
        measures=list(visit.measures),
        next_on=visit.next_on,
        alarm=alarm,
        reported_at=at if alarm and visit.reported else None,
        created_at=at,
        district=ancestor(entry.division_code, "district"),
        # The year of the visit, so that a repeated request after New Year is still recognised.
        year=visit.on.year,
    )


def visits_of(session: Session, person_id: int, limit: int = 50) -> list[tuple[Visit, CaseEntry]]:
    """A person's visits with their case entries, latest first."""
    query = (
        select(Visit, CaseEntry)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(Visit.person_id == person_id)
        .order_by(Visit.on.desc(), Visit.id.desc())
    )
    return [(v, c) for v, c in session.execute(query.limit(limit))]


def unreported(session: Session, person_id: int) -> list[tuple[Visit, CaseEntry]]:
    """Visits with a reportable finding for which no report was noted."""
    query = (
        select(Visit, CaseEntry)
        .join(CaseEntry, CaseEntry.id == Visit.case_id)
        .where(Visit.person_id == person_id, Visit.alarm, Visit.reported_at.is_(None))
    )
    return [(v, c) for v, c in session.execute(query.order_by(Visit.on))]


def note_report(session: Session, person_id: int, visit_id: int, *, at: datetime) -> None:
    """Records that a finding was reported to the police."""
    visit = get_visit(session, visit_id, person_id)
    if not visit.alarm:
        raise NotFound("没有这条走访记录")
    if visit.reported_at is None:
        visit.reported_at = at
    session.flush()


def get_visit(session: Session, visit_id: int, person_id: int) -> Visit:
    """A person's own visit, or NotFound."""
    visit = session.get(Visit, visit_id)
    if visit is None or visit.person_id != person_id:
        raise NotFound("没有这条走访记录")
    return visit


def plan_activity(
    session: Session, person_id: int, village: str, *, today: date, **values: object
) -> Activity:
    """Creates an activity, planned or already held."""
    row = Activity(person_id=person_id, division_code=village, **values)
    _check_activity(row, today)
    session.add(row)
    session.flush()
    return row


def hold_activity(
    session: Session, row: Activity, today: date, *, values: Mapping[str, object]
) -> None:
    """Records that an activity was held: participants, partners and a summary."""
    for name in ("on", "children", "adults", "partners", "summary"):
        if name in values:
            setattr(row, name, values[name])
    row.held = True
    _check_activity(row, today)
    session.flush()


def _check_activity(row: Activity, today: date) -> None:
    if row.theme not in THEMES:
        raise Refused("请选活动主题")
    if not row.title.strip():
        raise Refused("请填活动名称")
    if row.held:
        if row.on > today:
            raise Refused("还没到日子，先记成计划")
        if row.children is None or row.adults is None or row.children + row.adults == 0:
            raise Refused("请填来了多少孩子、多少大人")
        if not (0 <= row.children <= 5000 and 0 <= row.adults <= 5000):
            raise Refused("人数填 0 到 5000")


def get_activity(session: Session, activity_id: int, person_id: int) -> Activity:
    """A person's own activity, or NotFound."""
    row = session.get(Activity, activity_id)
    if row is None or row.person_id != person_id:
        raise NotFound("没有这个活动")
    return row


def activities_of(session: Session, person_id: int, year: int) -> list[Activity]:
    """A person's activities of a year, latest first."""
    query = select(Activity).where(
        Activity.person_id == person_id,
        Activity.on.between(date(year, 1, 1), date(year, 12, 31)),
    )
    return list(session.scalars(query.order_by(Activity.on.desc(), Activity.id.desc())))


@dataclass(frozen=True)
class DutyTask:
    """A task of a period: title, deadline, and when it was done. `own`: assigned by an office."""

    task: str
    period: str
    title: str
    due_on: date
    done_on: date | None
    own: bool = False

    def state(self, today: date) -> str:
        """done, late (done after the deadline), overdue or open."""
        if self.done_on is not None:
            return "done" if self.done_on <= self.due_on else "late"
        return "overdue" if today > self.due_on else "open"


def tasks_of(
    session: Session,
    person_id: int,
    villages: Sequence[str],
    *,
    steps: Iterable[Mapping[str, str]],
    today: date,
) -> list[DutyTask]:
    """Tasks of the current periods: duty steps by their rhythm, and tasks that offices assigned for this year."""
    wanted: list[tuple[str, str, str, date, bool]] = []
    for step in steps:
        months = MONTHS.get(step["rhythm"])
        if months is not None:
            first, last = period_of(today, months)
            wanted.append((step["id"], name_of(first, months), step["what"], last, False))
    for row in office_tasks(session, villages, today.year):
        wanted.append((f"office-{row.id}", "once", row.title, row.due_on, True))
    query = select(TaskDone).where(TaskDone.person_id == person_id)
    done = {(d.task, d.period): d.done_on for d in session.scalars(query)}
    tasks = [
        DutyTask(task, period, title, due, done.get((task, period)), from_office)
        for task, period, title, due, from_office in wanted
    ]
    return sorted(tasks, key=lambda t: (t.done_on is not None, t.due_on, t.task))


def office_tasks(session: Session, villages: Sequence[str], year: int) -> list[OfficeTask]:
    """Tasks that the towns, districts and city of villages assigned for a year."""
    above = {ancestor(v, level) for v in villages for level in ("town", "district", "city")}
    query = select(OfficeTask).where(
        OfficeTask.division_code.in_(above),
        OfficeTask.withdrawn.is_(False),
        OfficeTask.due_on.between(date(year, 1, 1), date(year, 12, 31)),
    )
    return list(session.scalars(query.order_by(OfficeTask.due_on, OfficeTask.id)))


def do_task(
    session: Session, person_id: int, task: DutyTask, *, today: date, evidence: str | None = None
) -> None:
    """Marks a task as done today. Repeating it changes nothing but adds the evidence."""
    row = session.get(TaskDone, (person_id, task.task, task.period))
    if row is None:
        row = TaskDone(person_id=person_id, task=task.task, period=task.period, done_on=today)
        session.add(row)
    row.evidence = evidence or row.evidence
    session.flush()


def undo_task(session: Session, person_id: int, task: DutyTask, *, today: date) -> None:
    """Reverts a completion marked today."""
    row = session.get(TaskDone, (person_id, task.task, task.period))
    if row is None or row.done_on != today:
        raise Refused("只能撤回今天勾的")
    session.delete(row)
    session.flush()
