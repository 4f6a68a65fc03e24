"""The facts, read once and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from training_records.facts.courses import Course
from training_records.facts.schema import shaped

DATA = Path(__file__).parent


@dataclass(frozen=True)
class Point:
    """Something a director does directly, so that it must be asked: a clause, a duty step or a
    line of the service list. `kb` is its place in the knowledge base."""

    id: str
    kind: str
    title: str
    kb: str


# What a file or one of its records holds: plain values, as `schema` has checked them and filled them in.
FactData = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """Everything that pages are made from; `clauses` maps a source id to its page and anchor, `owners` a file to who
    answers for it."""

    data: FactData
    clauses: dict[str, str]
    courses: tuple[Course, ...]
    topics: dict[str, str]
    owners: dict[str, str]

    def on(self, day: date) -> FactData:
        """The facts in force on a day, boxes of printed forms filled in."""
        data = dict(self.data)
        data["visits"] = in_force(data["visits"], day)
        data["duties"] = {
            **data["duties"],
            "director": [
                {**duty, "steps": in_force(duty["steps"], day)}
                for duty in data["duties"]["director"]
            ],
        }
        findings = in_force(data["work"]["findings"], day)
        data["work"] = {**data["work"], "findings": findings}
        printed = [
            f"{f['label']}：{' '.join('□ ' + a['label'] for a in f['answers'])}" for f in findings
        ]
        data["forms"] = [
            {**form, "checks": printed + form["checks"]} if form["findings"] else form
            for form in data["forms"]
        ]
        return data


def in_force(rows: Iterable[Mapping[str, Any]], day: date) -> list[Any]:
    """Of the rows with one id the last that has begun by a day, unless it ended before."""
    last: dict[str, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda r: r["from"]):
        if row["from"] <= day:
            last[row["id"]] = row
    return [
        row
        for row in rows
        if last.get(row["id"]) is row and (row["to"] is None or day <= row["to"])
    ]


@lru_cache
def load_facts(folder: Path = DATA) -> Facts:
    """Reads all YAML files of the folder. Raises ValueError (Chinese) where they don't hold."""
    data = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            data[path.stem] = shaped(path.stem, yaml.safe_load(path.read_text("utf-8")))
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise ValueError(f"{path.name}：{place}：{fault['msg']}") from None
    owners = data.pop("owners")
    if set(owners) != set(data) | {"owners"}:
        wrong = sorted(set(owners) ^ (set(data) | {"owners"}))
        raise ValueError(f"owners.yaml：和这些事实文件对不上：{'、'.join(wrong)}")
    _check_dates("visits", data["visits"])
    _check_dates("work", data["work"]["findings"])
    _check_dates("duties", [s for duty in data["duties"]["director"] for s in duty["steps"]])
    policy = data["policy"]
    action_of = {item: action["id"] for action in policy["actions"] for item in action["tasks"]}
    if sorted(action_of) != sorted(t["item"] for t in policy["tasks"]):
        raise ValueError("policy.yaml：行动里的项号和任务对不上")
    for task in policy["tasks"]:
        task["action"] = action_of[task["item"]]
    return Facts(
        data=data,
        clauses=_clauses(data),
        courses=tuple(Course.model_validate(c) for c in data["courses"]),
        topics=data["topics"],
        owners=owners,
    )


def _check_dates(name: str, rows: list[dict[str, Any]]) -> None:
    twice = [key for key, n in Counter((r["id"], r["from"]) for r in rows).items() if n > 1]
    if twice:
        raise ValueError(f"{name}.yaml：{twice[0][0]} 有两行都从 {twice[0][1]} 起")


def _clauses(data: dict[str, Any]) -> dict[str, str]:
    policy = data["policy"]
    clauses: dict[str, str] = {}
    for task in policy["tasks"]:
        place = f"policy/action-{task['action']}#task-{task['item']}"
        clauses[f"{policy['code']}#{task['item']}"] = place
    for section in policy["sections"]:
        clauses[f"{policy['code']}#{section['id']}"] = f"{section['page']}#{section['anchor']}"
    for source in data["sources"]:
        for article in source["articles"]:
            place = f"sources#{source['code']}-{article['id']}"
            clauses[f"{source['code']}#{article['id']}"] = place
    return clauses


@lru_cache
def required_points() -> dict[str, Point]:
    """Clauses, duty steps and service-list lines that a director does directly, by id.

    Source of the rule: the duty list and the service-content list of 青21#20.
    """
    facts = load_facts()
    data = facts.on(date.today())
    policy = data["policy"]
    direct = {
        f"{policy['code']}#{t['item']}": t for t in policy["tasks"] if t["director"] == "direct"
    }
    points = [Point(i, "条款", t["title"], facts.clauses[i]) for i, t in direct.items()]
    for duty in data["duties"]["director"]:
        place = f"duties/director#duty-{duty['id']}"
        points.append(Point(duty["source"], "条款", duty["title"], place))
        points += [Point(s["id"], "职责步骤", s["what"], place) for s in duty["steps"]]
    for category in data["services"]:
        place = f"services/categories#{category['id']}"
        points += [
            Point(row["id"], "服务内容", f"{category['name']}：{row['what']}", place)
            for row in category["rows"]
            if row["role"] == "direct"
        ]
    return {point.id: point for point in points}
