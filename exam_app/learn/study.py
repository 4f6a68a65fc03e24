"""Honest study time: counted on the server, by its clock, while a person has the page before them.

The page says every 20 seconds that it is seen. What lies between two such beats counts, unless the page was
hidden, a beat was left out, another window was opened since, a word that was asked for has not been tapped, or
the day's most is reached. A beat can therefore never add more than the time that really went by.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from exam_app.core.rows import rows_changed
from exam_app.learn.models import StudyWindow, UnitProgress
from training_records.database import insert_missing, now
from training_records.errors import NotFound
from training_records.facts.courses import Unit

BEAT, GAP = 20, timedelta(seconds=50)
# Somebody is asked to tap a word after so many counted minutes, at random.
ASK = (6.0, 11.0)
ANSWER_WITHIN = timedelta(seconds=90)
WORDS = ("走访", "建档", "报告", "监护", "救助", "倾听", "安全", "隐私", "活动", "陪伴")
MAX_A_DAY = timedelta(hours=6)
# Reading counts once half of the planned minutes were studied; a recording once nine tenths were played, at
# most at one and a half times its speed.
MIN_SHARE, MIN_WATCHED, FASTEST = 0.5, 0.9, 1.5
_RANDOM = random.SystemRandom()


@dataclass(frozen=True)
class Beat:
    """The answer to a beat. `state`: counting, paused, elsewhere (another window is the newest), asked (tap
    `word`, among `words`), full (the day's most is reached); `seconds` counted in the unit so far."""

    state: str
    seconds: int
    word: str | None = None
    words: tuple[str, ...] = ()


def open_window(
    session: Session, person_id: int, course_id: str, unit_id: str
) -> tuple[UnitProgress, StudyWindow]:
    """A new window, which is the one that counts from now on."""
    at = now()
    identity = {"person_id": person_id, "course_id": course_id, "unit_id": unit_id}
    insert_missing(session, UnitProgress, **identity, opened_at=at)
    window = StudyWindow(**identity, opened_at=at, last_at=at, next_ask=_next_ask(0))
    session.add(window)
    session.flush()
    return session.get_one(UnitProgress, identity), window


def progress_of(
    session: Session, person_id: int, course_id: str, unit_id: str
) -> UnitProgress | None:
    """How far a person is in a unit; None before they opened it."""
    return session.get(UnitProgress, (person_id, course_id, unit_id))


def progress_in(session: Session, window: StudyWindow) -> UnitProgress:
    """How far the person of a window is in its unit."""
    return session.get_one(UnitProgress, (window.person_id, window.course_id, window.unit_id))


def own_window(session: Session, window_id: int, person_id: int) -> StudyWindow:
    """A person's window; NotFound for one of somebody else."""
    window = session.get(StudyWindow, window_id)
    if window is None or window.person_id != person_id:
        raise NotFound("没有这个学习窗口。请从“学习”重新打开这个单元")
    return window


def _next_ask(counted: int) -> int:
    return counted + int(_RANDOM.uniform(*ASK) * 60_000)


def beat(
    session: Session,
    person_id: int,
    window_id: int,
    *,
    seen: bool,
    word: str | None,
    at: float | None,
    unit: Unit,
    zone: ZoneInfo,
) -> Beat:
    """Counts what went by since the last beat. `at`: place in the recording in seconds, while it plays.

    NotFound for a window of somebody else.
    """
    window = own_window(session, window_id, person_id)
    progress = progress_in(session, window)
    newest = session.scalar(
        select(func.max(StudyWindow.id)).where(StudyWindow.person_id == person_id)
    )
    if newest != window.id:
        return Beat("elsewhere", progress.ms // 1000)
    moment = now()
    passed = moment - window.last_at
    asked, late = window.asked, False
    if asked:
        if word != asked:
            refused = window.refused + (word is not None)
            _move(session, window, moment, refused=refused)
            return _said(window, progress, seen, asked)
        late = moment - (window.asked_at or moment) > ANSWER_WITHIN
        passed = moment - (window.asked_at or moment)
    room = MAX_A_DAY - _counted_on(session, person_id, moment, zone)
    counts = not window.paused and not late and timedelta(0) < passed
    counts = counts and passed <= (ANSWER_WITHIN if asked else GAP)
    ms = int(min(passed, max(room, timedelta(0))).total_seconds() * 1000) if counts else 0
    next_ask, ask = window.next_ask, None
    if asked:
        next_ask = _next_ask(window.ms + ms)
    elif seen and window.ms + ms >= next_ask:
        ask = _RANDOM.choice(WORDS)
    if not _move(
        session,
        window,
        moment,
        ms=window.ms + ms,
        paused=not seen,
        asked=ask,
        asked_at=moment if ask else None,
        next_ask=next_ask,
    ):
        # Another beat of the same window came in between and has counted.
        return Beat("counting" if seen else "paused", progress.ms // 1000)
    session.execute(
        update(UnitProgress)
        .where(
            UnitProgress.person_id == person_id,
            UnitProgress.course_id == window.course_id,
            UnitProgress.unit_id == window.unit_id,
        )
        .values(ms=UnitProgress.ms + ms)
    )
    session.refresh(progress)
    if unit.media and at is not None and ms:
        _play(progress, at, ms / 1000, unit.media.seconds)
    if room <= timedelta(0):
        return Beat("full", progress.ms // 1000)
    return _said(window, progress, seen, ask)


def _said(window: StudyWindow, progress: UnitProgress, seen: bool, ask: str | None) -> Beat:
    seconds = progress.ms // 1000
    if ask:
        others = [w for w in WORDS if w != ask]
        words = [ask, *_RANDOM.sample(others, 2)]
        _RANDOM.shuffle(words)
        return Beat("asked", seconds, ask, tuple(words))
    return Beat("counting" if seen else "paused", seconds)


def _move(session: Session, window: StudyWindow, moment: datetime, **values: object) -> bool:
    """Writes a window unless another beat did since it was read."""
    done = rows_changed(
        session,
        update(StudyWindow)
        .where(StudyWindow.id == window.id, StudyWindow.last_at == window.last_at)
        .values(last_at=moment, **values)
        .execution_options(synchronize_session=False),
    )
    return done == 1


def _counted_on(session: Session, person_id: int, moment: datetime, zone: ZoneInfo) -> timedelta:
    day = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    total = session.scalar(
        select(func.sum(StudyWindow.ms)).where(
            StudyWindow.person_id == person_id, StudyWindow.last_at >= day
        )
    )
    return timedelta(milliseconds=total or 0)


def _play(progress: UnitProgress, at: float, passed: float, length: int) -> None:
    """Notes the stretch from the last place to `at` as played, if it can have been in the time that passed."""
    at = min(max(at, 0.0), float(length))
    start, progress.position = float(progress.position), int(at)
    if start < at and at - start <= passed * FASTEST + 2:
        progress.watched = joined([*(progress.watched or []), [start, at]])


def joined(stretches: Sequence[Sequence[float]]) -> list[list[float]]:
    """Stretches [from, to] in order, those that touch made one."""
    found: list[list[float]] = []
    for start, end in sorted((s[0], s[1]) for s in stretches):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def needed(unit: Unit, pace: float) -> int:
    """Seconds of study that a unit needs; `pace` 0 switches the minimum off."""
    return int(unit.minutes * 60 * MIN_SHARE * pace)


def left(progress: UnitProgress, unit: Unit, pace: float) -> int:
    """Seconds of study that are missing."""
    return max(needed(unit, pace) - progress.ms // 1000, 0)


def unplayed(progress: UnitProgress, unit: Unit, pace: float) -> int:
    """Seconds of the recording that are missing until enough was played."""
    if unit.media is None or pace == 0:
        return 0
    played = sum(end - start for start, end in progress.watched or [])
    return max(int(unit.media.seconds * MIN_WATCHED - played + 0.5), 0)


def log_of(session: Session, person_id: int, limit: int = 200) -> list[StudyWindow]:
    """A person's windows, newest first."""
    query = select(StudyWindow).where(StudyWindow.person_id == person_id)
    return list(session.scalars(query.order_by(StudyWindow.id.desc()).limit(limit)))
