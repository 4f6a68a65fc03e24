"""Spot checks: draw a sample, record findings, record corrections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from exam_app.spot.models import SpotCheck, SpotItem
from training_records.database import now
from training_records.divisions import (
    WIDTHS,
    get_within,
    latest_within,
    level_of,
    prefix_of,
    within,
)
from training_records.draws import shuffled
from training_records.errors import NotFound, Refused
from training_records.ledger.models import Post
from training_records.ledger.service import in_post_on

# Checklist of a person's archive.
QUESTIONS = {
    "posts": "任职经历和实际一致",
    "training": "每条培训都有依据（签到表、通知或证书）",
    "hours": "学时和签到一致",
    "exam": "考试成绩和证书对得上",
    "check": "入职查询在有效期内",
}
MAX_SAMPLE = 500


def sample(
    people: list[tuple[str, int]], size: int, seed: int, *, width: int
) -> list[tuple[str, int]]:
    """Draws a stratified sample of (division code, person id). Strata are the divisions given by the first `width`
    digits. Allocation is proportional, with at least one person per stratum if `size` allows. Reproducible by seed
    and person ids.

    After one place per stratum, the remaining places are allocated in proportion to the remaining people by largest
    remainders. Each stratum's people are taken in the order of `shuffled`.
    """
    groups: dict[str, list[tuple[str, int]]] = {}
    for code, person in sorted(people):
        groups.setdefault(code[:width], []).append((code, person))
    size = min(size, len(people))
    least = 1 if size >= len(groups) else 0
    remaining = size - least * len(groups)
    room = len(people) - least * len(groups)
    exact = {
        name: remaining * (len(members) - least) / max(room, 1) for name, members in groups.items()
    }
    shares = {name: least + int(value) for name, value in exact.items()}
    order = sorted(groups, key=lambda name: (-(exact[name] % 1), name))
    for name in order[: size - sum(shares.values())]:
        shares[name] += 1
    chosen: list[tuple[str, int]] = []
    for name, members in groups.items():
        drawn = set(shuffled((person for _, person in members), seed)[: shares[name]])
        chosen += [member for member in members if member[1] in drawn]
    return sorted(chosen)


def draw(
    session: Session, code: str, size: int, *, seed: int, due_on: date, today: date, by: str
) -> SpotCheck:
    """Draws a sample of the directors in post in a division."""
    if not 1 <= size <= MAX_SAMPLE:
        raise Refused(f"一次抽 1 到 {MAX_SAMPLE} 份")
    if due_on < today:
        raise Refused("整改期限不能早于今天")
    rows = session.execute(
        select(Post.division_code, Post.person_id)
        .where(
            within(Post.division_code, prefix_of(code)), in_post_on(today), Post.role == "director"
        )
        .order_by(Post.division_code)
    )
    people = {person: division for division, person in rows}
    if not people:
        raise Refused("这里没有在岗的儿童主任，不用抽查")
    widths = [w for w in WIDTHS.values() if w > WIDTHS[level_of(code)]]
    chosen = sample([(c, p) for p, c in people.items()], size, seed, width=min(widths, default=12))
    check = SpotCheck(division_code=code, seed=seed, drawn_on=today, due_on=due_on, created_by=by)
    check.items = [SpotItem(person_id=person, code=division) for division, person in chosen]
    session.add(check)
    session.flush()
    return check


def checks_in(session: Session, prefix: str, limit: int = 20) -> list[SpotCheck]:
    """Returns the latest spot checks in a division, newest first."""
    return latest_within(session, SpotCheck, prefix, limit=limit)


def get_check(session: Session, check_id: int, prefix: str) -> SpotCheck:
    """Returns a spot check in the scope. Raises `NotFound` otherwise."""
    return get_within(session, SpotCheck, check_id, prefix=prefix, what="这次抽查")


def look(
    session: Session,
    check: SpotCheck,
    person_id: int,
    *,
    answers: Mapping[str, bool],
    finding: str,
    by: str,
) -> SpotItem:
    """Records the findings on one archive. Any "no" needs a finding and makes it `wrong`, to be corrected."""
    item = _item(check, person_id)
    missing = [QUESTIONS[q] for q in QUESTIONS if q not in answers]
    if missing:
        raise Refused(f"还没有选：{'、'.join(missing)}")
    wrong = not all(answers.values())
    if wrong and not finding.strip():
        raise Refused("有不符合的，请写明问题")
    item.answers, item.finding = dict(answers), finding.strip()[:300] or None
    item.state, item.looked_by, item.looked_at = "wrong" if wrong else "fine", by, now()
    session.flush()
    return item


def look_again(
    session: Session, check: SpotCheck, person_id: int, *, words: str, by: str
) -> SpotItem:
    """Records how a `wrong` archive was corrected."""
    item = _item(check, person_id)
    if item.state != "wrong":
        raise Refused("这份没有要整改的问题")
    if not words.strip():
        raise Refused("请写明怎么整改的")
    item.state, item.again, item.again_at = "mended", words.strip()[:300], now()
    item.looked_by = by
    session.flush()
    return item


def _item(check: SpotCheck, person_id: int) -> SpotItem:
    item = next((i for i in check.items if i.person_id == person_id), None)
    if item is None:
        raise NotFound("这次没有抽到这个人")
    return item
