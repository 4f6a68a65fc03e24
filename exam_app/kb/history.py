"""Change history of the facts, which shows the pages and items that need another review."""

from __future__ import annotations

import datetime
import hashlib
import json

from training_records.facts.loading import DATA, FactData, load_facts

HISTORY = DATA / "history.yaml"


def records(data: FactData) -> FactData:
    """Returns every record that a page or item may cite, by id: clauses, articles, duty steps, service-list lines,
    visit rules."""
    by_id: FactData = {}
    policy = data["policy"]
    for task in policy["tasks"]:
        by_id[f"{policy['code']}#{task['item']}"] = task
    for section in policy["sections"]:
        by_id[f"{policy['code']}#{section['id']}"] = section
    for source in data["sources"]:
        for article in source["articles"]:
            by_id[f"{source['code']}#{article['id']}"] = article
    for duty in data["duties"]["director"]:
        by_id |= _versions("", duty["steps"])
    for category in data["services"]:
        by_id |= {row["id"]: row for row in category["rows"]}
    return by_id | _versions("visit:", data["visits"])


def _versions(prefix: str, rows: list[FactData]) -> FactData:
    """Returns past and current versions by id: the row itself if there is only one."""
    by_id: dict[str, list[FactData]] = {}
    for row in rows:
        by_id.setdefault(prefix + row["id"], []).append(row)
    return {
        key: versions[0] if len(versions) == 1 else {"versions": versions}
        for key, versions in by_id.items()
    }


def digest(record: FactData) -> str:
    """Returns the first twelve hex digits of the SHA-256 of a record. Empty fields are excluded, so that adding an
    optional field changes no digest."""
    record = {key: value for key, value in record.items() if value not in ("", [], None, False)}
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def recorded(history: list[FactData]) -> dict[str, str | None]:
    """Returns the last recorded digest of each record; None if it was removed."""
    digests: dict[str, str | None] = {}
    for change in history:
        digests.update(change["records"])
    return digests


def unrecorded(data: FactData) -> dict[str, str | None]:
    """Returns the records that differ from the history: id → new digest, None if removed."""
    last_recorded = recorded(data["history"])
    current = {key: digest(record) for key, record in records(data).items()}
    changed: dict[str, str | None] = {k: v for k, v in current.items() if last_recorded.get(k) != v}
    changed |= {k: None for k, v in last_recorded.items() if v is not None and k not in current}
    return changed


def last_changes(data: FactData) -> dict[str, datetime.date]:
    """Returns the day each record last changed."""
    days: dict[str, datetime.date] = {}
    for change in data["history"]:
        days |= dict.fromkeys(change["records"], change["date"])
    return days


def record_changes(note: str, day: datetime.date) -> int:
    """Appends the changed records to the history file. Returns their number."""
    changed = unrecorded(load_facts().data)
    if not changed:
        return 0
    entry = {"date": day.isoformat(), "note": note, "records": changed}
    previous = HISTORY.read_text("utf-8") if HISTORY.exists() else ""
    line = json.dumps(entry["records"], ensure_ascii=False)
    text = f"- date: {entry['date']}\n  note: {json.dumps(note, ensure_ascii=False)}\n  records: {line}\n"
    HISTORY.write_text(("" if previous.strip() == "[]" else previous) + text, "utf-8")
    return len(changed)
