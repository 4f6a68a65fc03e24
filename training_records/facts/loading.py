"""The facts, read once and checked."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Facts:
    """Everything that pages are made from; `clauses` maps a source id to its page and anchor, `owners` a file to who
    answers for it."""

    data: dict[str, Any]
    clauses: dict[str, str]
    courses: tuple[Course, ...]
    topics: dict[str, str]
    owners: dict[str, str]


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
    policy = facts.data["policy"]
    direct = {
        f"{policy['code']}#{t['item']}": t for t in policy["tasks"] if t["director"] == "直接做"
    }
    points = [Point(i, "条款", t["title"], facts.clauses[i]) for i, t in direct.items()]
    for duty in facts.data["duties"]["director"]:
        place = f"duties/director#duty-{duty['id']}"
        points.append(Point(duty["source"], "条款", duty["title"], place))
        points += [Point(s["id"], "职责步骤", s["what"], place) for s in duty["steps"]]
    for category in facts.data["services"]:
        place = f"services/categories#{category['id']}"
        points += [
            Point(row["id"], "服务内容", f"{category['name']}：{row['what']}", place)
            for row in category["rows"]
            if row["role"] == "直接做"
        ]
    return {point.id: point for point in points}
