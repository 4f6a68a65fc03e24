"""Learning records as xAPI statements (ADL 1.0.3), for transfer to another learning system."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from training_records.archive.models import ArchiveEntry

VERBS = "http://adlnet.gov/expapi/verbs/"
ACTIVITIES = "http://adlnet.gov/expapi/activities/"
# Entry kind → (verb, activity type).
KINDS = {
    "course": ("completed", "course"),
    "training": ("attended", "meeting"),
    "exam": ("passed", "assessment"),
    "certificate": ("earned", "attempt"),
    "external": ("earned", "attempt"),
}
WORDS = {
    "completed": "完成",
    "attended": "参加",
    "passed": "通过",
    "failed": "未通过",
    "earned": "取得",
}
# Minutes per credit hour.
MINUTES = 45


def statements(
    entries: Iterable[ArchiveEntry], person_id: int, home: str, *, zone: ZoneInfo
) -> list[dict[str, object]]:
    """Returns one statement per learning entry, skipping other kinds (background checks, awards). The actor is
    identified by the person's id only."""
    return [
        _statement(entry, person_id, home, zone=zone) for entry in entries if entry.kind in KINDS
    ]


def _statement(
    entry: ArchiveEntry, person_id: int, home: str, *, zone: ZoneInfo
) -> dict[str, object]:
    verb, activity = KINDS[entry.kind]
    if entry.kind == "exam" and not entry.passed:
        verb = "failed"
    source = "http://id.tincanapi.com/verb/earned" if verb == "earned" else VERBS + verb
    result: dict[str, object] = {"completion": True}
    if entry.passed is not None:
        result["success"] = entry.passed
    if entry.score is not None:
        result["score"] = {"raw": float(entry.score)}
    if entry.hours is not None:
        result["duration"] = f"PT{int(entry.hours * MINUTES)}M"
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{home}/archive/{entry.hash}")),
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": home, "name": f"person-{person_id}"},
        },
        "verb": {"id": source, "display": {"zh-CN": WORDS[verb]}},
        "object": {
            "objectType": "Activity",
            "id": f"{home}/xapi/{entry.kind}/{uuid5(NAMESPACE_URL, f'{entry.title}|{entry.date}')}",
            "definition": {"type": ACTIVITIES + activity, "name": {"zh-CN": entry.title}},
        },
        "result": result,
        "context": {"platform": "儿童主任学堂", "language": "zh-CN"},
        "timestamp": datetime.combine(entry.date, time(12), zone).isoformat(),
        "stored": entry.recorded_at.isoformat(),
        "version": "1.0.3",
    }
