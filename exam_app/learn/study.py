"""Time on task, measured by the server's clock while the unit's page is visible.

The page sends a heartbeat every 20 seconds. The time between two beats counts, unless the page was hidden, a beat is
missing, a newer window exists, a presence check is unanswered, or the daily maximum is reached. A beat therefore never
adds more than the elapsed time.
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
# Counted minutes between presence checks (tap the given word), drawn uniformly from this range.
ASK = (6.0, 11.0)
ANSWER_WITHIN = timedelta(seconds=90)
WORDS = ("走访", "建档", "报告", "监护", "救助", "倾听", "安全", "隐私", "活动", "陪伴")
MAX_A_DAY = timedelta(hours=6)
# Minimum share of the planned minutes, minimum share of a recording played, fastest playback speed that counts.
MIN_SHARE, MIN_WATCHED, FASTEST = 0.5, 0.9, 1.5
_RANDOM = random.SystemRandom()


@dataclass(frozen=True)
class Beat:
    """Response to a heartbeat. `state`: counting, paused, elsewhere (a newer window exists), asked (presence check: tap
    `word` among `words`), full (daily maximum reached). `seconds`: counted in the unit so far."""

    state: str
    seconds: int
    word: str | None = None
    words: tuple[str, ...] = ()


def open_window(
    session: Session, person_id: int, course_id: str, *, unit_id: str
) -> tuple[UnitProgress, StudyWindow]:
    """Opens a window, which replaces the person's earlier ones as the one that counts."""
    moment = now()
    identity = {"person_id": person_id, "course_id": course_id, "unit_id": unit_id}
    insert_missing(session, UnitProgress, **identity, opened_at=moment)
    window = StudyWindow(**identity, opened_at=moment, last_at=moment, next_ask=_next_ask(0))
    session.add(window)
    session.flush()
    return session.get_one(UnitProgress, identity), window


def progress_of(
    session: Session, person_id: int, course_id: str, *, unit_id: str
) -> UnitProgress | None:
    """Returns a person's progress in a unit; None before they opened it."""
    return session.get(UnitProgress, (person_id, course_id, unit_id))


def progress_in(session: Session, window: StudyWindow) -> UnitProgress:
    """Returns the progress that belongs to a window."""
    return session.get_one(UnitProgress, (window.person_id, window.course_id, window.unit_id))


def own_window(session: Session, window_id: int, person_id: int) -> StudyWindow:
    """Returns a person's own window. Raises `NotFound` for anybody else's."""
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
    """Counts the time since the last beat. `seen`: the page is visible; `word`: the answer to a presence check; `at`:
    the playback position in seconds while the recording plays.

    Raises `NotFound` for anybody else's window.
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
    prompt, late = window.asked, False
    if prompt:
        if word != prompt:
            refused = window.refused + (word is not None)
            _update_window(session, window, moment, refused=refused)
            return _reply(window, progress, seen, ask=prompt)
        late = moment - (window.asked_at or moment) > ANSWER_WITHIN
        passed = moment - (window.asked_at or moment)
    room = MAX_A_DAY - _counted_on(session, person_id, moment, zone=zone)
    counts = not window.paused and not late and timedelta(0) < passed
    counts = counts and passed <= (ANSWER_WITHIN if prompt else GAP)
    ms = int(min(passed, max(room, timedelta(0))).total_seconds() * 1000) if counts else 0
    next_ask, ask = window.next_ask, None
    if prompt:
        next_ask = _next_ask(window.ms + ms)
    elif seen and window.ms + ms >= next_ask:
        ask = _RANDOM.choice(WORDS)
    if not _update_window(
        session,
        window,
        moment,
        ms=window.ms + ms,
        paused=not seen,
        asked=ask,
        asked_at=moment if ask else None,
        next_ask=next_ask,
    ):
        # A concurrent beat of the same window has already counted this time.
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
        _play(progress, at, ms / 1000, length=unit.media.seconds)
    if room <= timedelta(0):
        return Beat("full", progress.ms // 1000)
    return _reply(window, progress, seen, ask=ask)


def keep_place(session: Session, person_id: int, window_id: int, *, at: float) -> None:
    """Keeps where a recording stood when its window lost the network, unless a newer window exists. Adds no time.

    Raises `NotFound` for anybody else's window.
    """
    window = own_window(session, window_id, person_id)
    newest = session.scalar(
        select(func.max(StudyWindow.id)).where(StudyWindow.person_id == person_id)
    )
    if newest == window.id:
        progress_in(session, window).position = int(at)
        session.flush()


def _reply(window: StudyWindow, progress: UnitProgress, seen: bool, *, ask: str | None) -> Beat:
    seconds = progress.ms // 1000
    if ask:
        others = [w for w in WORDS if w != ask]
        words = [ask, *_RANDOM.sample(others, 2)]
        _RANDOM.shuffle(words)
        return Beat("asked", seconds, ask, tuple(words))
    return Beat("counting" if seen else "paused", seconds)


def _update_window(
    session: Session, window: StudyWindow, moment: datetime, **values: object
) -> bool:
    """Updates a window under optimistic locking on `last_at`. Returns whether it was written."""
    changed = rows_changed(
        session,
        update(StudyWindow)
        .where(StudyWindow.id == window.id, StudyWindow.last_at == window.last_at)
        .values(last_at=moment, **values)
        .execution_options(synchronize_session=False),
    )
    return changed == 1


def _counted_on(session: Session, person_id: int, moment: datetime, *, zone: ZoneInfo) -> timedelta:
    day = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    total = session.scalar(
        select(func.sum(StudyWindow.ms)).where(
            StudyWindow.person_id == person_id, StudyWindow.last_at >= day
        )
    )
    return timedelta(milliseconds=total or 0)


def _play(progress: UnitProgress, at: float, passed: float, *, length: int) -> None:
    """Records the interval from the last position to `at` as played, if `FASTEST` playback could have covered it in
    `passed` seconds (with 2 s of slack). Always moves the position."""
    at = min(max(at, 0.0), float(length))
    start, progress.position = float(progress.position), int(at)
    if start < at and at - start <= passed * FASTEST + 2:
        progress.watched = joined([*(progress.watched or []), [start, at]])


def joined(stretches: Sequence[Sequence[float]]) -> list[list[float]]:
    """Returns the intervals [from, to] sorted, with overlapping and adjacent ones merged."""
    merged: list[list[float]] = []
    for start, end in sorted((s[0], s[1]) for s in stretches):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def needed(unit: Unit, pace: float) -> int:
    """Returns the minimum time on task of a unit in seconds. `pace` 0 disables the minimum."""
    return int(unit.minutes * 60 * MIN_SHARE * pace)


def left(progress: UnitProgress, unit: Unit, pace: float) -> int:
    """Returns the seconds missing to the minimum time on task."""
    return max(needed(unit, pace) - progress.ms // 1000, 0)


def unplayed(progress: UnitProgress, unit: Unit, pace: float) -> int:
    """Returns the seconds of playback missing to the minimum share. 0 without a recording, or if `pace` is 0."""
    if unit.media is None or pace == 0:
        return 0
    played = sum(end - start for start, end in progress.watched or [])
    return max(int(unit.media.seconds * MIN_WATCHED - played + 0.5), 0)


def log_of(session: Session, person_id: int, limit: int = 200) -> list[StudyWindow]:
    """Returns a person's windows, newest first."""
    query = select(StudyWindow).where(StudyWindow.person_id == person_id)
    return list(session.scalars(query.order_by(StudyWindow.id.desc()).limit(limit)))
