"""The history of the facts: what changed when, so that pages and questions can be looked at again."""

from __future__ import annotations

import datetime
import hashlib
import json

from training_records.facts.loading import DATA, FactData, load_facts

HISTORY = DATA / "history.yaml"


def records(data: FactData) -> FactData:
    """Every record a page or question may rest on, by id: clauses, articles, steps, lines."""
    found: FactData = {}
    policy = data["policy"]
    for task in policy["tasks"]:
        found[f"{policy['code']}#{task['item']}"] = task
    for section in policy["sections"]:
        found[f"{policy['code']}#{section['id']}"] = section
    for source in data["sources"]:
        for article in source["articles"]:
            found[f"{source['code']}#{article['id']}"] = article
    for duty in data["duties"]["director"]:
        found |= _versions("", duty["steps"])
    for category in data["services"]:
        found |= {row["id"]: row for row in category["rows"]}
    return found | _versions("visit:", data["visits"])


def _versions(prefix: str, rows: list[FactData]) -> FactData:
    """By id what was and is in force: the row itself where there is only one."""
    found: dict[str, list[FactData]] = {}
    for row in rows:
        found.setdefault(prefix + row["id"], []).append(row)
    return {key: own[0] if len(own) == 1 else {"versions": own} for key, own in found.items()}


def digest(record: FactData) -> str:
    """Twelve hex digits of what a record says; a field left empty says nothing, so that a new
    optional field changes no record."""
    record = {key: value for key, value in record.items() if value not in ("", [], None, False)}
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def recorded(history: list[FactData]) -> dict[str, str | None]:
    """The last recorded digest of each record."""
    known: dict[str, str | None] = {}
    for change in history:
        known.update(change["records"])
    return known


def unrecorded(data: FactData) -> dict[str, str | None]:
    """Records that differ from the history: id to new digest, None when removed."""
    known = recorded(data["history"])
    current = {key: digest(record) for key, record in records(data).items()}
    changed: dict[str, str | None] = {k: v for k, v in current.items() if known.get(k) != v}
    changed |= {k: None for k, v in known.items() if v is not None and k not in current}
    return changed


def last_changes(data: FactData) -> dict[str, datetime.date]:
    """The day each record last changed."""
    days: dict[str, datetime.date] = {}
    for change in data["history"]:
        days |= dict.fromkeys(change["records"], change["date"])
    return days


def record_changes(note: str, day: datetime.date) -> int:
    """Appends what changed to the history file; the number of records."""
    changed = unrecorded(load_facts().data)
    if not changed:
        return 0
    entry = {"date": day.isoformat(), "note": note, "records": changed}
    previous = HISTORY.read_text("utf-8") if HISTORY.exists() else ""
    line = json.dumps(entry["records"], ensure_ascii=False)
    text = f"- date: {entry['date']}\n  note: {json.dumps(note, ensure_ascii=False)}\n  records: {line}\n"
    HISTORY.write_text(("" if previous.strip() == "[]" else previous) + text, "utf-8")
    return len(changed)
