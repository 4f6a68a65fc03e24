"""Operations on a run: calculate, review step by step, publish, answer appeals, lock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.service import NewEntry, append_many
from training_records.database import now
from training_records.divisions import level_of, within
from training_records.errors import NotFound, Refused
from training_records.evaluation.catalogue import with_parts
from training_records.evaluation.frames import freeze
from training_records.evaluation.measures import Frame, Subject
from training_records.evaluation.models import (
    STATES,
    EvaluationAppeal,
    EvaluationResult,
    EvaluationRun,
    EvaluationStep,
)
from training_records.evaluation.scheme import Scheme, checked_scheme
from training_records.evaluation.scoring import Result, evaluate
from training_records.ledger.models import Person

ORDER = list(STATES)
MIN_DAYS, MAX_DAYS = 5, 30


def start(
    session: Session,
    division_code: str,
    frame: Frame,
    *,
    scheme: Scheme,
    subjects: Mapping[int, Subject],
    by: str,
) -> EvaluationRun:
    """Starts a run with everybody's result and freezes the facts of its frame. Raises `Refused` if there is one
    already, or nobody to evaluate."""
    year = frame.year
    if level_of(division_code) != "district":
        raise Refused("工作评价由区（市）组织，请用区（市）的账号")
    if session.scalar(
        select(EvaluationRun.id).where(
            EvaluationRun.division_code == division_code, EvaluationRun.year == year
        )
    ):
        raise Refused(f"{year} 年的评价已经开始了")
    if not subjects:
        raise Refused(f"{year} 年没有在任的儿童主任，不用评价")
    run = EvaluationRun(
        division_code=division_code,
        year=year,
        as_of=frame.as_of,
        scheme=scheme.model_dump(mode="json"),
        facts=freeze(frame),
        created_by=by,
        reckoned_at=now(),
    )
    session.add(run)
    session.flush()
    _store(session, run, subjects)
    log(
        session, run, f"按方案“{scheme.title or scheme.id}”算出 {len(subjects)} 人，开始自评", by=by
    )
    return run


def scheme_of(run: EvaluationRun) -> Scheme:
    """The scheme under which a run was started."""
    return checked_scheme(run.scheme)


def serialise_measures(measures: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    """Serialises measures exactly, so that they round-trip."""
    return {name: None if v is None else f"{v.normalize():f}" for name, v in measures.items()}


def measures_of(row: EvaluationResult) -> dict[str, Decimal | None]:
    """The measures of a result."""
    return {name: None if v is None else Decimal(v) for name, v in row.measures.items()}


def explain(run: EvaluationRun, row: EvaluationResult) -> Result:
    """Returns a result with its calculation in words, from the stored measures."""
    return evaluate(scheme_of(run), measures_of(row), row.months)


def _store(session: Session, run: EvaluationRun, subjects: Mapping[int, Subject]) -> list[int]:
    """Writes results. Returns the ids of the people whose result changed."""
    scheme = scheme_of(run)
    query = select(EvaluationResult).where(EvaluationResult.run_id == run.id)
    rows = {row.person_id: row for row in session.scalars(query)}
    changed = []
    for person, subject in subjects.items():
        measures = {name: subject.measures.get(name) for name in with_parts(scheme.measures)}
        result = evaluate(scheme, measures, subject.months)
        row = rows.pop(person, None)
        if row is None:
            row = EvaluationResult(run_id=run.id, person_id=person)
            session.add(row)
            changed.append(person)
        elif (row.total, row.grade, row.measures) != (
            result.total,
            result.grade,
            serialise_measures(measures),
        ):
            changed.append(person)
        row.code, row.months, row.measures = (
            subject.code,
            subject.months,
            serialise_measures(measures),
        )
        row.total, row.grade, row.vetoed = result.total, result.grade, result.vetoed
    for person, row in rows.items():
        changed.append(person)
        session.delete(row)
    session.flush()
    return changed


def recalculate(
    session: Session, run: EvaluationRun, subjects: Mapping[int, Subject], *, by: str
) -> int:
    """Recalculates from the records as they are now, after a correction. Returns how many results changed. The same
    records give the same figures to the cent."""
    _refuse_final(run)
    before = {
        row.person_id: row.total
        for row in session.scalars(
            select(EvaluationResult).where(EvaluationResult.run_id == run.id)
        )
    }
    changed = _store(session, run, subjects)
    run.reckoned_at = now()
    for person in changed[:500]:
        row = session.get(EvaluationResult, (run.id, person))
        text = f"重新计算：{before.get(person)} 分 → {row.total if row else '不在评价范围'}"
        log(session, run, text, by=by, person_id=person)
    if not changed:
        log(session, run, "重新计算，没有变化", by=by)
    return len(changed)


def log(
    session: Session, run: EvaluationRun, text: str, *, by: str, person_id: int | None = None
) -> None:
    """Adds a line to the run's history."""
    session.add(EvaluationStep(run_id=run.id, person_id=person_id, text=text[:300], created_by=by))
    session.flush()


def steps_of(
    session: Session, run: EvaluationRun, person_id: int | None = None
) -> list[EvaluationStep]:
    """The history of a run, or of one person in it, latest first."""
    query = select(EvaluationStep).where(EvaluationStep.run_id == run.id)
    if person_id is not None:
        query = query.where(EvaluationStep.person_id == person_id)
    return list(session.scalars(query.order_by(EvaluationStep.id.desc()).limit(200)))


def _refuse_final(run: EvaluationRun) -> None:
    if run.state == "final":
        raise Refused("评价已经定稿锁定，不能再改")


def get_run(session: Session, run_id: int, prefix: str) -> EvaluationRun:
    """A run that an office may see: its own, one below, or (towns) of the district above; else NotFound."""
    run = session.get(EvaluationRun, run_id)
    if run is None or not (
        run.division_code.startswith(prefix) or prefix.startswith(run.division_code[:6])
    ):
        raise NotFound("没有这次评价，或不在您的管理范围内")
    return run


def runs_in(session: Session, prefix: str) -> list[EvaluationRun]:
    """The runs that an office may see, latest first."""
    query = select(EvaluationRun).order_by(EvaluationRun.year.desc(), EvaluationRun.division_code)
    if len(prefix) > 6:
        query = query.where(EvaluationRun.division_code == prefix[:6].ljust(12, "0"))
    else:
        query = query.where(within(EvaluationRun.division_code, prefix))
    return list(session.scalars(query.limit(100)))


def get_result(session: Session, run: EvaluationRun, person_id: int) -> EvaluationResult:
    """A person's result, or NotFound."""
    row = session.get(EvaluationResult, (run.id, person_id))
    if row is None:
        raise NotFound("这次评价里没有这个人")
    return row


def run_of_person(session: Session, run_id: int, person_id: int) -> EvaluationRun:
    """A run in which a person was evaluated, or NotFound."""
    run = session.get(EvaluationRun, run_id)
    if run is None:
        raise NotFound("没有这次评价")
    get_result(session, run, person_id)
    return run


def results_of(
    session: Session, run: EvaluationRun, prefix: str
) -> list[tuple[EvaluationResult, Person]]:
    """Results with names, by division: never ranked by the number of cases."""
    query = (
        select(EvaluationResult, Person)
        .join(Person, Person.id == EvaluationResult.person_id)
        .where(EvaluationResult.run_id == run.id, within(EvaluationResult.code, prefix))
        .order_by(EvaluationResult.code, Person.id)
    )
    return [(r, p) for r, p in session.execute(query)]


def results_of_person(
    session: Session, person_id: int
) -> list[tuple[EvaluationRun, EvaluationResult]]:
    """A person's results, latest first."""
    query = (
        select(EvaluationRun, EvaluationResult)
        .join(EvaluationResult, EvaluationResult.run_id == EvaluationRun.id)
        .where(EvaluationResult.person_id == person_id)
        .order_by(EvaluationRun.year.desc())
    )
    return [(run, row) for run, row in session.execute(query)]


def comment(
    session: Session, run: EvaluationRun, row: EvaluationResult, *, step: str, text: str, by: str
) -> None:
    """Records the comment of the person, the town or the district, in its turn (`step`: self, town, district)."""
    _refuse_final(run)
    turn = {"self": "self_review", "town": "town", "district": "district"}[step]
    allowed = run.state == turn or (step == "self" and row.returned)
    if not allowed:
        raise Refused(f"现在是“{STATES[run.state]}”，不能填这一步的意见")
    if not text.strip():
        raise Refused("请写上意见")
    setattr(row, f"{step}_comment", text.strip()[:500])
    if step == "self":
        row.returned = False
    words = {"self": "自评", "town": "镇（街）意见", "district": "区（市）意见"}
    log(session, run, f"{words[step]}已填", by=by, person_id=row.person_id)


def send_back(
    session: Session, run: EvaluationRun, row: EvaluationResult, *, reason: str, by: str
) -> None:
    """Sends a result back to the person for another comment, with the reason."""
    if run.state not in ("town", "district"):
        raise Refused("只有复核时能退回本人")
    if not reason.strip():
        raise Refused("请写为什么退回")
    row.returned = True
    log(session, run, f"退回本人：{reason.strip()}", by=by, person_id=row.person_id)


def advance(
    session: Session, run: EvaluationRun, today: date, *, by: str, days: int = MIN_DAYS
) -> None:
    """Moves a run to the next step; `days`: length of the publication period, which only `lock` ends."""
    _refuse_final(run)
    if run.state == "publicity":
        raise Refused("公示以后是定稿，请点“定稿”")
    waiting = session.scalar(
        select(EvaluationResult.person_id)
        .where(EvaluationResult.run_id == run.id, EvaluationResult.returned)
        .limit(1)
    )
    if waiting:
        raise Refused("还有退回本人没有答复的，等他们答复再往下走")
    run.state = ORDER[ORDER.index(run.state) + 1]
    if run.state == "publicity":
        if not MIN_DAYS <= days <= MAX_DAYS:
            raise Refused(f"公示 {MIN_DAYS} 到 {MAX_DAYS} 天")
        run.publicity_until = today + timedelta(days=days)
    log(session, run, f"进入{STATES[run.state]}", by=by)


def appeal(
    session: Session, run: EvaluationRun, row: EvaluationResult, *, text: str, today: date, by: str
) -> EvaluationAppeal:
    """Files an appeal during the publication period; one open appeal at a time."""
    if run.state != "publicity" or (run.publicity_until and today > run.publicity_until):
        raise Refused("只有公示期间能提异议")
    if not text.strip():
        raise Refused("请写哪里不对、为什么")
    if any(a.accepted is None for a in appeals_of(session, run, row.person_id)):
        raise Refused("您已经提过一个异议，等答复以后还可以再提")
    filed = EvaluationAppeal(run_id=run.id, person_id=row.person_id, text=text.strip()[:500])
    session.add(filed)
    log(session, run, "提出异议", by=by, person_id=row.person_id)
    return filed


def appeals_of(
    session: Session, run: EvaluationRun, person_id: int | None = None
) -> list[EvaluationAppeal]:
    """The appeals in a run, or those of one person."""
    query = select(EvaluationAppeal).where(EvaluationAppeal.run_id == run.id)
    if person_id is not None:
        query = query.where(EvaluationAppeal.person_id == person_id)
    return list(session.scalars(query.order_by(EvaluationAppeal.id)))


def answer(
    session: Session,
    run: EvaluationRun,
    made: EvaluationAppeal,
    *,
    accepted: bool,
    text: str,
    by: str,
) -> None:
    """Answers an appeal. Figures change only by correcting records and recalculating."""
    _refuse_final(run)
    if made.run_id != run.id:
        raise NotFound("没有这个异议")
    if made.accepted is not None:
        raise Refused("这个异议已经答复过了")
    if not text.strip():
        raise Refused("请写答复的理由")
    made.accepted, made.answer = accepted, text.strip()[:500]
    made.decided_by, made.decided_at = by, now()
    log(session, run, f"异议{'成立' if accepted else '不成立'}", by=by, person_id=made.person_id)


def fingerprint(session: Session, run: EvaluationRun) -> str:
    """Returns a hash of the scheme and of everybody's measures, months, total, grade and veto."""
    query = select(EvaluationResult).where(EvaluationResult.run_id == run.id)
    rows = sorted(session.scalars(query), key=lambda r: r.person_id)
    content = {
        "scheme": run.scheme,
        "year": run.year,
        "division": run.division_code,
        "results": [
            [
                r.person_id,
                r.code,
                f"{r.months:.1f}",
                dict(sorted(r.measures.items())),
                None if r.total is None else f"{r.total:.2f}",
                r.grade,
                bool(r.vetoed),
            ]
            for r in rows
        ],
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def lock(session: Session, run: EvaluationRun, today: date, *, by: str) -> int:
    """Locks a run: nothing changes any more, and every result with a grade is filed in the person's archive. Returns
    how many."""
    _refuse_final(run)
    if run.state != "publicity":
        raise Refused("公示以后才能定稿")
    if run.publicity_until and today <= run.publicity_until:
        raise Refused(f"公示到 {run.publicity_until}，公示完才能定稿")
    if any(a.accepted is None for a in appeals_of(session, run)):
        raise Refused("还有异议没有答复")
    query = select(EvaluationResult).where(EvaluationResult.run_id == run.id)
    entries = [
        NewEntry(
            row.person_id,
            "evaluation",
            today,
            f"{run.year}年工作评价：{row.grade}",
            level="district",
            score=row.total,
            evidence={"run": run.id},
            source_key=f"evaluation:{run.id}:{row.person_id}",
        )
        for row in session.scalars(query)
        if row.grade is not None
    ]
    append_many(session, entries, by)
    run.state, run.locked_at = "final", now()
    run.locked_hash = fingerprint(session, run)
    log(session, run, f"定稿，{len(entries)} 人的结果记进档案", by=by)
    return len(entries)


def is_untouched(session: Session, run: EvaluationRun) -> bool:
    """Whether a locked run is unchanged since it was locked."""
    return run.locked_hash == fingerprint(session, run)
