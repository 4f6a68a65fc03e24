"""Operations on model workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.archive.service import NewEntry, append, entries_of, void
from training_records.database import now
from training_records.divisions import get_within, level_of, within
from training_records.errors import NotFound, Refused
from training_records.evaluation.models import EvaluationResult, EvaluationRun
from training_records.evaluation.runs import scheme_of
from training_records.exemplars.models import STATES, Exemplar, ExemplarObjection, ExemplarState
from training_records.inspection.cases import check_nameless
from training_records.ledger.models import Person
from training_records.ledger.service import current_post

# Years of results to consider.
YEARS = 3
MIN_DAYS, MAX_DAYS = 5, 30
MAX_MATERIAL, MAX_WORDS = 1500, 300


@dataclass(frozen=True)
class Candidate:
    """A director whose latest result has the best grade. `results`: (year, total, grade) of locked runs, latest first;
    `best`: how many of them have the best grade."""

    person: Person
    code: str
    results: tuple[tuple[int, Decimal | None, str | None], ...]
    best: int


def candidates(session: Session, prefix: str, year: int) -> list[Candidate]:
    """Directors whose result of the year is locked and has the scheme's best grade, and who had no veto in the last
    `YEARS` years. Those with more years of the best grade come first, then by village."""
    query = (
        select(EvaluationRun, EvaluationResult, Person)
        .join(EvaluationResult, EvaluationResult.run_id == EvaluationRun.id)
        .join(Person, Person.id == EvaluationResult.person_id)
        .where(
            within(EvaluationRun.division_code, prefix),
            EvaluationRun.state == "final",
            EvaluationRun.year.between(year - YEARS + 1, year),
        )
        .order_by(EvaluationRun.year.desc())
    )
    best_of: dict[int, str] = {}
    by_person: dict[int, list[tuple[EvaluationRun, EvaluationResult]]] = defaultdict(list)
    people: dict[int, Person] = {}
    for run, row, person in session.execute(query):
        if run.id not in best_of:
            best_of[run.id] = scheme_of(run).grades[0].name
        by_person[person.id].append((run, row))
        people[person.id] = person
    qualified = []
    for number, results_of_person in by_person.items():
        run, latest = results_of_person[0]
        if (
            run.year != year
            or latest.grade != best_of[run.id]
            or any(r.vetoed for _, r in results_of_person)
        ):
            continue
        results = tuple((r.year, row.total, row.grade) for r, row in results_of_person)
        best = sum(row.grade == best_of[r.id] for r, row in results_of_person)
        qualified.append(Candidate(people[number], latest.code, results, best))
    return sorted(qualified, key=lambda c: (-c.best, c.code, c.person.id))


def nominate(
    session: Session,
    person: Person,
    division_code: str,
    *,
    year: int,
    material: str,
    words: str,
    today: date,
    by: str,
) -> Exemplar:
    """Nominates a director; nothing is published before they agree."""
    if level_of(division_code) != "district":
        raise Refused("典型由区（市）推荐")
    post = current_post(session, person.id, today)
    if post is None or post.role != "director":
        raise Refused(f"{person.name}现在不是儿童主任，不能推荐")
    nomination = session.scalar(
        select(Exemplar).where(Exemplar.person_id == person.id, Exemplar.year == year)
    )
    if nomination is not None and nomination.state not in ("declined", "withdrawn"):
        raise Refused(f"{person.name} {year} 年已经推荐过了")
    _check(material, words)
    if nomination is None:
        nomination = Exemplar(person_id=person.id, year=year)
        session.add(nomination)
    nomination.division_code, nomination.village_code = division_code, post.division_code
    nomination.material, nomination.words = material.strip(), words.strip()
    nomination.state, nomination.agreed_at, nomination.reason = "nominated", None, None
    nomination.nominated_by = by
    session.flush()
    return nomination


def _check(material: str, words: str) -> None:
    for text, what, limit in (
        (material, "推荐材料", MAX_MATERIAL),
        (words, "公布的话", MAX_WORDS),
    ):
        if not text.strip():
            raise Refused(f"请写{what}")
        if len(text.strip()) > limit:
            raise Refused(f"{what}最多 {limit} 字，现在有 {len(text.strip())} 字")
        check_nameless(what, text)


def _move(row: Exemplar, allowed: Sequence[ExemplarState], state: ExemplarState) -> None:
    if row.state not in allowed:
        raise Refused(f"现在是“{STATES[row.state]}”，不能这样办。请刷新页面再看")
    row.state = state


def agree(session: Session, row: Exemplar, person_id: int) -> None:
    """Records the person's agreement to the nomination and to the text to be published."""
    _require_own(row, person_id)
    _move(row, ("nominated",), "agreed")
    row.agreed_at = now()
    session.flush()


def withdraw(session: Session, row: Exemplar, person_id: int, *, by: str) -> bool:
    """Withdraws the person's agreement, at any time and without a reason. Returns whether they had been chosen, so that
    published text must be removed."""
    _require_own(row, person_id)
    was_chosen = row.state == "chosen"
    _move(row, ("nominated", "agreed", "publicity", "chosen"), "withdrawn")
    if was_chosen:
        for entry in entries_of(session, row.person_id):
            if entry.source_key == _key(row):
                void(session, entry.id, "本人撤回同意", by=by)
    row.agreed_at = None
    session.flush()
    return was_chosen


def _require_own(row: Exemplar, person_id: int) -> None:
    if row.person_id != person_id:
        raise NotFound("没有这次推荐")


def publish(session: Session, row: Exemplar, days: int, *, today: date, by: str) -> None:
    """Publishes an agreed nomination for `days` days."""
    if not MIN_DAYS <= days <= MAX_DAYS:
        raise Refused(f"公示 {MIN_DAYS} 到 {MAX_DAYS} 天")
    _move(row, ("agreed",), "publicity")
    row.publicity_until, row.decided_by = today + timedelta(days=days), by
    session.flush()


def object_to(session: Session, row: Exemplar, text: str, *, today: date, by: str) -> None:
    """Records an objection to a nomination during its publication period."""
    if row.state != "publicity" or (row.publicity_until and today > row.publicity_until):
        raise Refused("只有公示期间能提意见")
    if not text.strip():
        raise Refused("请写意见")
    check_nameless("意见", text)
    if any(o.created_by == by and o.answer is None for o in objections_to(session, row)):
        raise Refused("您已经提过意见，等答复以后还可以再提")
    session.add(ExemplarObjection(exemplar_id=row.id, text=text.strip()[:300], created_by=by))
    session.flush()


def objections_to(session: Session, row: Exemplar) -> list[ExemplarObjection]:
    """The objections to a nomination, oldest first."""
    query = select(ExemplarObjection).where(ExemplarObjection.exemplar_id == row.id)
    return list(session.scalars(query.order_by(ExemplarObjection.id)))


def answer(session: Session, row: Exemplar, number: int, *, text: str, by: str) -> None:
    """Answers an objection."""
    objection = next((o for o in objections_to(session, row) if o.id == number), None)
    if objection is None:
        raise NotFound("没有这条意见")
    if not text.strip():
        raise Refused("请写答复")
    objection.answer, objection.answered_by, objection.answered_at = text.strip()[:300], by, now()
    session.flush()


def choose(session: Session, row: Exemplar, today: date, *, by: str) -> None:
    """Chooses a director after the publication period, and files it in their archive as an award."""
    if row.state == "publicity":
        if row.publicity_until and today <= row.publicity_until:
            raise Refused(f"公示到 {row.publicity_until}，公示完才能选定")
        if any(o.answer is None for o in objections_to(session, row)):
            raise Refused("还有意见没有答复")
    _move(row, ("publicity",), "chosen")
    row.decided_by, row.decided_at = by, now()
    title = f"{row.year}年儿童主任典型"
    append(
        session,
        NewEntry(
            row.person_id,
            "award",
            today,
            title,
            level="city",
            evidence={"exemplar": row.id},
            source_key=_key(row),
        ),
        by,
    )
    session.flush()


def _key(row: Exemplar) -> str:
    """Source key of the award that goes with this agreement: agreeing again after a withdrawal files another one."""
    return f"exemplar:{row.id}:{row.agreed_at:%Y%m%d%H%M%S}"


def decline(session: Session, row: Exemplar, reason: str, *, by: str) -> None:
    """Declines a nomination, with the reason."""
    if not reason.strip():
        raise Refused("请写为什么，本人会看到")
    _move(row, ("nominated", "agreed", "publicity"), "declined")
    row.reason, row.decided_by, row.decided_at = reason.strip()[:200], by, now()
    session.flush()


def get_exemplar(session: Session, number: int, prefix: str) -> Exemplar:
    """A nomination in the scope of an office, or NotFound."""
    return get_within(session, Exemplar, number, prefix=prefix, what="这次推荐")


def own_exemplar(session: Session, number: int, person_id: int) -> Exemplar:
    """A nomination of this person, or NotFound."""
    row = session.get(Exemplar, number)
    if row is None:
        raise NotFound("没有这次推荐")
    _require_own(row, person_id)
    return row


def exemplar_of_district(session: Session, number: int, district: str) -> Exemplar:
    """A nomination in a district (six digits), for everyone who serves there; NotFound otherwise."""
    row = session.get(Exemplar, number)
    if row is None or not row.division_code.startswith(district):
        raise NotFound("没有这次推荐")
    return row


def exemplars_in(
    session: Session,
    prefix: str,
    year: int | None = None,
    *,
    states: Sequence[ExemplarState] = tuple(STATES),
) -> list[tuple[Exemplar, Person]]:
    """Nominations of a division with the nominated people, latest year first."""
    query = (
        select(Exemplar, Person)
        .join(Person, Person.id == Exemplar.person_id)
        .where(within(Exemplar.division_code, prefix), Exemplar.state.in_(states))
        .order_by(Exemplar.year.desc(), Exemplar.village_code, Exemplar.id)
    )
    if year is not None:
        query = query.where(Exemplar.year == year)
    return [(row, person) for row, person in session.execute(query)]


def exemplars_of(session: Session, person_id: int) -> list[Exemplar]:
    """A person's own nominations, latest first."""
    query = select(Exemplar).where(Exemplar.person_id == person_id)
    return list(session.scalars(query.order_by(Exemplar.year.desc())))
