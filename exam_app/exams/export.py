"""The response matrix of an exam, in the format that the statistics read (RESPONSES.csv)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.exams.marking import corrected
from exam_app.exams.models import Answer, Attempt, Exam
from exam_app.exams.slots import Slot, items_of, lay_out, rules_of
from exam_app.exams.states import MARKED
from question_bank import Answerable, Blueprint, Response, score
from question_bank.responses import NOT_ADMINISTERED, OMITTED
from training_records.divisions import ancestor, division_names
from training_records.errors import NotFound, Refused
from training_records.ledger.models import ROLES, Person, Post
from training_records.ledger.service import ids_in, in_post_on

GroupBy = Literal["district", "village", "age", "role"]
CHUNK = 500
UNKNOWN = "不详"


@dataclass(frozen=True)
class Column:
    """One column: an item, or one sub-question of a case (``id.n``), with its current key."""

    id: str
    question: Answerable
    worth: float


def export(
    session: Session, exam_id: int, folder: Path, *, by: GroupBy | None = None, prefix: str = ""
) -> int:
    """Writes responses.csv, key.csv, scores.csv, times.csv and, with `by`, groups.csv; returns the number of
    people.

    times.csv holds the seconds an answer took, where known. `prefix`: only people with a post in
    it. A row is a person's first marked attempt; people are identified by their id in the ledger,
    never by name. An item of another form is ``NA``. A fill response with full points is written as
    the key's first spelling. `Refused` when nobody has been marked yet.
    """
    exam = session.get(Exam, exam_id)
    if exam is None:
        raise NotFound(f"没有编号为 {exam_id} 的考试")
    attempts = _first_marked(session, exam_id, prefix)
    if not attempts:
        raise Refused(f"“{exam.title}”还没有人交卷，没有可导出的作答")
    blueprint = rules_of(exam)
    forms = {form.id: items_of(form) for form in exam.forms}
    columns: dict[str, Column] = {}
    for items in forms.values():
        for slot in lay_out(items):
            name = name_of(slot)
            question = corrected(slot, exam.corrections)
            columns.setdefault(name, Column(name, question, slot.worth(blueprint)))
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / "responses.csv").open("w", encoding="utf-8", newline="") as responses_file,
        (folder / "scores.csv").open("w", encoding="utf-8", newline="") as scores_file,
        (folder / "times.csv").open("w", encoding="utf-8", newline="") as times_file,
    ):
        responses, scores, times = (
            csv.writer(responses_file),
            csv.writer(scores_file),
            csv.writer(times_file),
        )
        for writer in (responses, scores, times):
            writer.writerow(["person", *columns])
        for attempt, answers in _with_answers(session, attempts):
            attempt_slots = lay_out(forms[attempt.form_id], attempt.seed, blueprint.sets)
            cells = {}
            for slot in attempt_slots:
                response, seconds = answers.get(slot.id, (None, None))
                time_cell = OMITTED if seconds is None else str(seconds)
                cells[name_of(slot)] = (
                    *_cells(columns[name_of(slot)], response, blueprint),
                    time_cell,
                )
            absent = (NOT_ADMINISTERED,) * 3
            row = [cells.get(name, absent) for name in columns]
            for writer, part in zip(
                (responses, scores, times), zip(*row, strict=True), strict=True
            ):
                writer.writerow([attempt.person_id, *part])
    _write_key(folder / "key.csv", columns.values())
    if by is not None:
        _write_groups(
            session, folder / "groups.csv", [a.person_id for a in attempts], exam=exam, by=by
        )
    return len(attempts)


def name_of(slot: Slot) -> str:
    """The column name of a slot."""
    if slot.item.type != "case":
        return slot.item.id
    return f"{slot.item.id}.{slot.part + 1}"


def _first_marked(session: Session, exam_id: int, prefix: str) -> list[Attempt]:
    first: dict[int, Attempt] = {}
    query = select(Attempt).where(Attempt.exam_id == exam_id, Attempt.state.in_(MARKED))
    if prefix:
        query = query.where(Attempt.person_id.in_(ids_in(prefix)))
    for attempt in session.scalars(query.order_by(Attempt.person_id, Attempt.number)):
        first.setdefault(attempt.person_id, attempt)
    return list(first.values())


def _with_answers(
    session: Session, attempts: Sequence[Attempt]
) -> Iterator[tuple[Attempt, dict[str, tuple[Response, int | None]]]]:
    for start in range(0, len(attempts), CHUNK):
        chunk = attempts[start : start + CHUNK]
        answers: dict[int, dict[str, tuple[Response, int | None]]] = {a.id: {} for a in chunk}
        query = select(Answer.attempt_id, Answer.slot, Answer.response, Answer.seconds)
        query = query.where(Answer.attempt_id.in_(answers))
        for attempt_id, slot, response, seconds in session.execute(query):
            answers[attempt_id][slot] = response, seconds
        for attempt in chunk:
            yield attempt, answers[attempt.id]


def _cells(column: Column, response: Response, blueprint: Blueprint) -> tuple[str, str]:
    """(response as short text, points) for one column; both empty when not answered."""
    if response is None:
        return OMITTED, OMITTED
    question = column.question
    if question.type == "short_answer":
        return str(response), NOT_ADMINISTERED
    share = score(question, response, blueprint.scheme(question.type))
    if question.type == "fill" and share == 1:
        return key_text(question), f"{column.worth:.10g}"
    return text_of(question, response), f"{share * column.worth:.10g}"


def key_text(question: Answerable) -> str:
    """The key in the format of `text_of`."""
    if question.type == "fill":
        return text_of(question, [blank[0] for blank in question.key])
    key = question.key
    return text_of(question, list(key) if isinstance(key, tuple) else key)


def text_of(question: Answerable, response: Response) -> str:
    """A response as one cell: ``AC`` for several options, ``T`` and ``F``, ``a2 b1`` for pairs.

    Blanks are separated by ``|``.
    """
    if isinstance(response, bool):
        return "T" if response else "F"
    if isinstance(response, dict):
        return " ".join(f"{left}{right}" for left, right in sorted(response.items()))
    if isinstance(response, list) and question.type == "fill":
        return "|".join(text.strip() for text in response)
    return "".join(response or "")


def _write_key(path: Path, columns: Iterable[Column]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "key", "points"])
        for column in columns:
            key = key_text(column.question) or "—"
            writer.writerow([column.id, key, f"{column.worth:.10g}"])


def _write_groups(
    session: Session, path: Path, people: Sequence[int], *, exam: Exam, by: GroupBy
) -> None:
    groups = groups_of(session, people, exam.opens_at.date(), by=by)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person", "group"])
        writer.writerows([person, groups[person]] for person in people)


def groups_of(session: Session, people: Sequence[int], on: date, *, by: GroupBy) -> dict[int, str]:
    """Person to district, village (its code), age group or role on a day."""
    groups = dict.fromkeys(people, UNKNOWN)
    if by == "age":
        for chunk in _chunks(people):
            born = select(Person.id, Person.birth_date).where(Person.id.in_(chunk))
            for person, birth in session.execute(born):
                if birth is not None:
                    groups[person] = age_group(birth, on)
        return groups
    names = division_names(session) if by == "district" else {}
    for chunk in _chunks(people):
        posts = (
            select(Post.person_id, Post.division_code, Post.role)
            .where(Post.person_id.in_(chunk), in_post_on(on))
            .order_by(Post.start.desc(), Post.id)
        )
        for person, code, role in session.execute(posts):
            district = ancestor(code, "district")
            division = code if by == "village" else names.get(district, district)
            groups[person] = ROLES[role] if by == "role" else division
    return groups


def age_group(birth: date, on: date) -> str:
    """Age group in completed years: under 40, decades up to 59, 60 and over."""
    age = on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    if age < 40:
        return "40岁以下"
    return "60岁以上" if age >= 60 else f"{age // 10 * 10}–{age // 10 * 10 + 9}岁"


def _chunks(people: Sequence[int]) -> Iterator[Sequence[int]]:
    return (people[n : n + CHUNK] for n in range(0, len(people), CHUNK))
