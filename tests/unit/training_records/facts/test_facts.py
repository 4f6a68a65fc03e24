"""Facts have a day from which they hold; no rule hangs on how a label is worded."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from datetime import date

import pytest

from exam_app.work.options import visit_options
from training_records.facts.loading import DATA, in_force, load_facts
from training_records.work.cadence import cadences

BEFORE, CHANGE = date(2026, 5, 31), date(2026, 6, 1)


@pytest.fixture
def copied(tmp_path):
    for path in DATA.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return tmp_path


def amend(folder, name, pattern, text):
    path = folder / f"{name}.yaml"
    changed, count = re.subn(pattern, text, path.read_text("utf-8"), flags=re.M)
    assert count
    path.write_text(changed, "utf-8")


def test_what_is_in_force_on_a_day():
    first = {"id": "a", "from": date(2024, 1, 1), "to": None}
    second = {"id": "a", "from": CHANGE, "to": None}
    ended = {"id": "b", "from": date(2024, 1, 1), "to": BEFORE}
    for rows in ([first, second, ended], [ended, second, first]):
        assert in_force(rows, date(2023, 12, 31)) == []
        assert [r for r in rows if r in (first, ended)] == in_force(rows, BEFORE)
        assert in_force(rows, CHANGE) == [second]


def test_a_cadence_changes_from_its_day_on(copied):
    amend(
        copied,
        "visits",
        r"^(- \{id: orphan, from: )\S+(,.*months: )1,(.*)$",
        r"\g<0>\n\g<1>2026-06-01\g<2>3,\g<3>",
    )
    facts = load_facts(copied)
    months = [cadences(facts.on(day)["visits"])["orphan"].months for day in (BEFORE, CHANGE)]
    assert months == [1, 3]
    assert len(facts.on(CHANGE)["visits"]) == len(facts.on(BEFORE)["visits"])


def test_two_rows_from_one_day_are_refused(copied):
    amend(copied, "visits", r"^- \{id: orphan.*$", r"\g<0>\n\g<0>")
    with pytest.raises(ValueError, match="orphan 有两行"):
        load_facts(copied)


def test_rewording_switches_no_rule_off(monkeypatch):
    facts = load_facts()
    data = copy.deepcopy(facts.data)
    before = visit_options(CHANGE)
    for finding in data["work"]["findings"]:
        finding["label"] += "\uff1f"
        for answer in finding["answers"]:
            answer["label"] = answer["label"].replace("已报告", "另记")
    for row in data["visits"]:
        row["form"] = "上门"
    reworded = replace(facts, data=data)
    monkeypatch.setattr("exam_app.work.options.load_facts", lambda: reworded)
    visit_options.cache_clear()
    try:
        after = visit_options(CHANGE)
    finally:
        visit_options.cache_clear()
    assert after.alarms == before.alarms == {("body", "injured"), ("mood", "abnormal")}
    assert after.labels["body", "injured"] == "有伤，另记"
    assert cadences(data["visits"])["orphan"].forms == {"home"}
    printed = next(f for f in reworded.on(CHANGE)["forms"] if f["id"] == "visit")["checks"]
    assert "身体和有没有伤？：□ 正常 □ 要留意 □ 有伤，另记" in printed
