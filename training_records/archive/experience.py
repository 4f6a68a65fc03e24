"""工作及培训经历: a text of at most 200 characters, the limit of the superior system."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from training_records.archive.counting import LEARNING_KINDS
from training_records.archive.models import ArchiveEntry
from training_records.archive.service import entries_of
from training_records.database import NamedRow
from training_records.divisions import full_name
from training_records.ledger.models import ROLES, Person, Post

LIMIT = 200


def experience_text(session: Session, person: Person) -> str:
    """Returns a person's posts and training, newest training first, in at most `LIMIT` characters.

    Clauses are dropped whole, as `fit` says; only a latest post longer than the limit by itself is cut.
    """
    posts = [post_clause(post, full_name(session, post.division_code)) for post in person.posts]
    trainings = [
        entry_clause(e) for e in entries_of(session, person.id) if e.kind in LEARNING_KINDS
    ]
    return fit(posts, trainings)


def fit(posts: list[str], trainings: list[str], limit: int = LIMIT) -> str:
    """Joins as many clauses as fit: the latest post, then trainings (newest first), then older posts."""
    chosen_posts = posts[-1:]
    chosen_trainings: list[str] = []
    for clause in trainings:
        if len(_join(chosen_posts, [*chosen_trainings, clause])) > limit:
            break
        chosen_trainings.append(clause)
    for clause in reversed(posts[:-1]):
        if len(_join([clause, *chosen_posts], chosen_trainings)) > limit:
            break
        chosen_posts.insert(0, clause)
    text = _join(chosen_posts, chosen_trainings)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _join(posts: list[str], trainings: list[str]) -> str:
    text = "；".join([*posts, *trainings])
    return text + "。" if text else ""


def _month(day: date) -> str:
    return f"{day.year}.{day.month:02d}"


def post_clause(post: Post | NamedRow, place: str) -> str:
    """Formats a `Post`, or a row of its columns: 2024.06—今 平度市云桥镇前河村儿童主任."""
    until = _month(post.end) if post.end else "今"
    return f"{_month(post.start)}—{until} {place}{ROLES[post.role]}"


def entry_clause(entry: ArchiveEntry | NamedRow) -> str:
    """Formats an `ArchiveEntry`, or a row of its columns: 2026.11 平度市民政局初任必修课(8学时)."""
    if entry.kind == "exam":
        score = "" if entry.score is None else f" {entry.score.normalize():f} 分"
        return f"{_month(entry.date)} {entry.title}{score}{'合格' if entry.passed else '未合格'}"
    hours = "" if entry.hours is None else f"（{entry.hours.normalize():f}学时）"
    return f"{_month(entry.date)} {entry.organiser or ''}{entry.title}{hours}"
