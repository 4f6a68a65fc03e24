"""Operations on good-practice cases: submit, revise, decide, list. Text that could identify a child is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.choices import choice
from training_records.database import now
from training_records.divisions import get_within, level_of, within
from training_records.errors import NotFound, Refused
from training_records.inspection.models import CASE_STATES, CaseState, GoodCase
from training_records.ledger.models import Person

PARTS = {
    "title": ("题目", 40),
    "situation": ("情况", 600),
    "done": ("怎么做的", 1200),
    "result": ("结果", 600),
}
MAX_A_YEAR = 10
# Patterns that identify a child or its address.
_NAMING = (
    (re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"), "身份证号"),
    (re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), "手机号"),
    (re.compile(r"\d+\s*(号楼|单元|室|门牌)"), "住址"),
    (re.compile(r"(真名|本名|全名|姓名|大名)(叫|是|为|:|:)"), "姓名"),
    (re.compile(r"(?<!\d)\d{2}-\d{2}(?!\d)"), "走访代号"),
)


def check_parts(parts: Mapping[str, str]) -> dict[str, str]:
    """Returns the parts of a case, trimmed. Raises `Refused` if one is missing, too long, or could identify a child."""
    trimmed = {}
    for name, (word, limit) in PARTS.items():
        text = parts.get(name, "").strip()
        if not text:
            raise Refused(f"“{word}”还没有写")
        if len(text) > limit:
            raise Refused(f"“{word}”最多 {limit} 字，现在有 {len(text)} 字，请压缩")
        check_nameless(word, text)
        trimmed[name] = text
    return trimmed


def check_nameless(word: str, text: str) -> None:
    """Raises `Refused` if a text could identify the child it is about. `word`: the field's label."""
    for pattern, what in _NAMING:
        if hit := pattern.search(text):
            raise Refused(f"“{word}”里的“{hit[0]}”像是{what}，请删掉。不能让人认出是哪个孩子")


def submit(
    session: Session,
    code: str,
    year: int,
    *,
    item: int,
    parts: Mapping[str, str],
    nameless: bool,
    by: str,
    person_id: int | None = None,
) -> GoodCase:
    """Submits a case. `nameless`: the author confirms that no child can be recognised in it; `item`: the task of the
    policy that it belongs to."""
    _require_confirmation(nameless)
    if not 1 <= item <= 23:
        raise Refused("请选案例属于哪一项任务")
    submitted = select(GoodCase.id).where(GoodCase.created_by == by, GoodCase.year == year)
    if len(session.scalars(submitted).all()) >= MAX_A_YEAR:
        raise Refused(f"一年最多交 {MAX_A_YEAR} 个案例，请挑最好的")
    row = GoodCase(
        division_code=code,
        year=year,
        item=item,
        person_id=person_id,
        created_by=by,
        # A case of the district's own, or the city's, skips the selection by the district.
        state="accepted" if level_of(code) in ("district", "city") else "submitted",
        **check_parts(parts),
    )
    session.add(row)
    session.flush()
    return row


def _require_confirmation(nameless: bool) -> None:
    if not nameless:
        raise Refused("请看一遍，确认没有孩子和家人的姓名、学校、住址，再勾上“看过了”")


def mend(session: Session, row: GoodCase, parts: Mapping[str, str], *, nameless: bool) -> None:
    """Revises a returned case, which is then reviewed again."""
    if row.state != "returned":
        raise Refused("只有退回来的案例能改")
    _require_confirmation(nameless)
    for name, text in check_parts(parts).items():
        setattr(row, name, text)
    row.state = "submitted"
    session.flush()


# Level of the office: state to the states it may set.
MOVES: dict[str, dict[CaseState, tuple[CaseState, ...]]] = {
    "district": {
        "submitted": ("accepted", "returned", "declined"),
        "accepted": ("returned", "declined"),
        "declined": ("accepted",),
    },
    "city": {"accepted": ("chosen",), "chosen": ("accepted",)},
}


def moves(row: GoodCase, level: str) -> tuple[CaseState, ...]:
    """The states that an office of a level may set now."""
    return MOVES.get(level, {}).get(row.state, ())


def decide(
    session: Session,
    row: GoodCase,
    level: str,
    *,
    state: str,
    comment: str,
    nameless: bool,
    by: str,
) -> None:
    """Accepts, returns, declines or chooses a case. Accepting or choosing requires the confirmation that no child can
    be recognised in it; returning or declining requires a comment."""
    refusal = f"这个案例现在是“{CASE_STATES[row.state]}”，不能这样办。请刷新页面再看"
    decided = choice(moves(row, level), state, refusal)
    if decided in ("accepted", "chosen"):
        _require_confirmation(nameless)
    elif not comment.strip():
        raise Refused("请写为什么，本人会看到")
    row.state, row.comment = decided, comment.strip()[:200] or None
    row.decided_by, row.decided_at = by, now()
    session.flush()


def get_case(session: Session, number: int, prefix: str) -> GoodCase:
    """A case in the scope of an office, or NotFound."""
    return get_within(session, GoodCase, number, prefix=prefix, what="这个案例")


def own_case(session: Session, number: int, person_id: int) -> GoodCase:
    """A director's own case, or NotFound."""
    row = session.get(GoodCase, number)
    if row is None or row.person_id != person_id:
        raise NotFound("没有这个案例")
    return row


def cases_in(
    session: Session, prefix: str, year: int, *, states: Sequence[CaseState] = tuple(CASE_STATES)
) -> list[tuple[GoodCase, Person | None]]:
    """Cases of a division and year with the directors they are about, in the order of `CASE_STATES`: undecided ones
    first."""
    query = (
        select(GoodCase, Person)
        .outerjoin(Person, Person.id == GoodCase.person_id)
        .where(
            within(GoodCase.division_code, prefix),
            GoodCase.year == year,
            GoodCase.state.in_(states),
        )
        .order_by(GoodCase.id)
    )
    order = list(CASE_STATES)
    pairs = [(case, person) for case, person in session.execute(query)]
    return sorted(pairs, key=lambda pair: order.index(pair[0].state))


def cases_of(session: Session, person_id: int) -> list[GoodCase]:
    """A director's own cases, latest first."""
    query = select(GoodCase).where(GoodCase.person_id == person_id)
    return list(session.scalars(query.order_by(GoodCase.id.desc())))
