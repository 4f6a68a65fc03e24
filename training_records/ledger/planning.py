"""What each row of a sheet would change in the ledger."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import Person, Post
from training_records.ledger.rows import PERSON_FIELDS, POST_FIELDS, Row, RowError

_PART = 500


@dataclass(frozen=True)
class Change:
    """One row's change. `person_id` is None for a person who is new; `post_id` for a post that is new.

    `person`, `post`: values by field, of the new ones all, of those there only what differs.
    """

    number: int
    person_id: int | None
    post_id: int | None
    person: dict[str, Any]
    post: dict[str, Any]
    before: dict[str, Any] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Whether the person is new to the ledger."""
        return self.person_id is None


def identity_digest(identity: str, key: bytes) -> str:
    """A keyed one-way digest, by which a person is recognised without keeping the number."""
    return hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()


class Planner:
    """Compares rows with the ledger, some hundreds at a time; faults go to `fault`."""

    def __init__(
        self,
        session: Session,
        today: date,
        key: bytes,
        title: Callable[[str], str],
        fault: Callable[[RowError], None],
    ) -> None:
        self._session, self._today, self._key = session, today, key
        self._title, self._fault = title, fault
        self._planned: set[str] = set()
        self.kept_posts: set[int] = set()
        self.unchecked = 0

    def plan(self, rows: Sequence[Row]) -> list[tuple[Row, Change | None]]:
        """Row by row what would change, None where nothing; rows that are refused are left out."""
        digests = {
            row.number: identity_digest(row.values["identity"], self._key)
            for row in rows
            if row.values.get("identity")
        }
        by_phone = self._people(Person.phone, [row.values["phone"] for row in rows])
        by_digest = self._people(Person.identity_digest, list(digests.values()))
        owners = {p.id for p in (*by_phone.values(), *by_digest.values())}
        posts = self._posts(sorted(owners))
        found = []
        for row in rows:
            digest = digests.get(row.number)
            owner = by_phone.get(row.values["phone"])
            known = by_digest.get(digest) if digest else None
            if self._may(row, owner, known):
                found.append((row, self._change(row, owner or known, digest, posts)))
        return found

    # Rows instead of objects, so that a session does not grow with the sheet.
    def _people(self, column: Any, keys: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(keys), _PART):
            query = select(*Person.__table__.columns).where(column.in_(keys[start : start + _PART]))
            found.update({getattr(p, column.key): p for p in self._session.execute(query)})
        return found

    def _posts(self, people: Sequence[int]) -> dict[tuple[int, str, str], Any]:
        found: dict[tuple[int, str, str], Any] = {}
        for start in range(0, len(people), _PART):
            query = select(*Post.__table__.columns).where(
                Post.person_id.in_(people[start : start + _PART])
            )
            for post in self._session.execute(query.order_by(Post.start)):
                found[post.person_id, post.role, post.division_code] = post
        return found

    def _may(self, row: Row, owner: Any, known: Any) -> bool:
        v = row.values
        same = owner and known and owner.id == known.id
        if owner and owner.name != v["name"] and not same:
            reason = "手机号已登记在别人名下,请核对"
        elif known and owner and not same:
            reason = "证件号码和手机号各属于台账里的两个人,请核对"
        else:
            return True
        self._fault(RowError(row.number, self._title("phone"), v["phone"], reason))
        return False

    def _change(
        self,
        row: Row,
        person: Any,
        digest: str | None,
        posts: dict[tuple[int, str, str], Any],
    ) -> Change | None:
        v = row.values
        wanted = {f: v[f] for f in PERSON_FIELDS if v.get(f) is not None}
        if digest:
            wanted["identity_digest"] = digest
            wanted.setdefault("birth_date", _birth_date(v["identity"]))
        if not (v.get("background_checked_on") or (person and person.background_checked_on)):
            self.unchecked += 1
        post_values = {f: v[f] for f in POST_FIELDS if v.get(f) is not None}
        if person is None:
            first = v["phone"] not in self._planned
            self._planned.add(v["phone"])
            return Change(
                row.number,
                None,
                None,
                wanted if first else {"phone": v["phone"]},
                self._new_post(row, post_values),
            )
        differing = {f: x for f, x in wanted.items() if getattr(person, f) != x}
        before = {f: getattr(person, f) for f in differing}
        post = posts.get((person.id, v["role"], row.code))
        start = v.get("start")
        if post is None or (post.end and start and start > post.end):
            new = self._new_post(row, post_values)
            return Change(row.number, person.id, None, differing, new, before)
        self.kept_posts.add(post.id)
        if start:
            post_values["start"] = start
        changed = {f: x for f, x in post_values.items() if getattr(post, f) != x}
        if not differing and not changed:
            return None
        before |= {f"post.{f}": getattr(post, f) for f in changed}
        return Change(row.number, person.id, post.id, differing, changed, before)

    def _new_post(self, row: Row, values: dict[str, Any]) -> dict[str, Any]:
        start = row.values.get("start") or self._today
        return {"role": row.values["role"], "division_code": row.code, "start": start, **values}


def differences(change: Change) -> list[tuple[str, Any, Any]]:
    """(title, before, after) of what a change alters; identity digests are not shown."""
    found = []
    for name, value in change.person.items():
        if name != "identity_digest":
            found.append((COLUMNS[name][0], change.before.get(name), value))
    for name, value in change.post.items():
        if name in COLUMNS:
            found.append((COLUMNS[name][0], change.before.get(f"post.{name}"), value))
    return found


def _birth_date(identity: str) -> date:
    return date(int(identity[6:10]), int(identity[10:12]), int(identity[12:14]))
