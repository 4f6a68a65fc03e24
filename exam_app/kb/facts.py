"""The facts of `docs/data`, read once and checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from exam_app.config import ROOT

DATA = ROOT / "docs" / "data"


class Unit(BaseModel):
    """A unit of a course: pages of the knowledge base and the planned minutes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    title: str
    minutes: int
    pages: tuple[str, ...]


class Course(BaseModel):
    """A course of units; finishing all of them earns its credit hours."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    title: str
    kind: str
    level: str
    form: str
    exam: str
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Facts:
    """Everything that pages are made from; `sources` maps a source id to its page and anchor."""

    data: dict[str, Any]
    clauses: dict[str, str]
    courses: tuple[Course, ...]
    topics: dict[str, str]


@lru_cache
def load_facts(folder: Path = DATA) -> Facts:
    """Reads all YAML files of the folder. Raises ValueError where the facts contradict."""
    data = {
        path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))
    }
    policy = data["policy"]
    action_of = {item: action["id"] for action in policy["actions"] for item in action["tasks"]}
    clauses: dict[str, str] = {}
    for task in policy["tasks"]:
        task["action"] = action_of[task["item"]]
        task.setdefault("frequencies", [])
        clauses[f"{policy['code']}#{task['item']}"] = (
            f"policy/action-{task['action']}#task-{task['item']}"
        )
    if sorted(action_of) != sorted(t["item"] for t in policy["tasks"]):
        raise ValueError("policy.yaml: actions and tasks don't name the same items")
    for section in policy["sections"]:
        clauses[f"{policy['code']}#{section['id']}"] = f"{section['page']}#{section['anchor']}"
    for source in data["sources"]:
        for article in source["articles"]:
            clauses[f"{source['code']}#{article['id']}"] = (
                f"sources#{source['code']}-{article['id']}"
            )
    return Facts(
        data=data,
        clauses=clauses,
        courses=tuple(Course.model_validate(c) for c in data["courses"]),
        topics=data["topics"],
    )


def get_course(course_id: str) -> Course | None:
    """A course by its id."""
    return next((c for c in load_facts().courses if c.id == course_id), None)


def required_clauses() -> dict[str, str]:
    """Clauses that a director acts on directly: each must be asked."""
    facts = load_facts()
    policy = facts.data["policy"]
    direct = {
        f"{policy['code']}#{t['item']}": t["title"]
        for t in policy["tasks"]
        if t["director"] == "直接做"
    }
    duties = {d["source"]: d["title"] for d in facts.data["duties"]["director"]}
    return {**direct, **duties}
