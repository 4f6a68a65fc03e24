"""What each row of a sheet would change in the ledger."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from training_records.database import NamedRow
from training_records.ledger.checks import result_key
from training_records.ledger.columns import COLUMNS
from training_records.ledger.identity import Sealing
from training_records.ledger.models import Person, Post
from training_records.ledger.rows import LedgerRow, RowError
from training_records.ledger.service import CHECK_DAYS
from training_records.ledger.values import shown

_PART = 1000


class Change(NamedTuple):
    """The change of one row. `person_id` is None for a new person, `post_id` for a new post.

    `person`, `post`: values by field; for new ones all, for existing ones only what differs, for a person who is new
    with an earlier row only the phone. `before`: the previous values of what differs. `first`: whether the person is
    new with this row.
    """

    number: int
    person_id: int | None
    post_id: int | None
    person: dict[str, object]
    post: dict[str, object]
    before: dict[str, object] | None = None
    first: bool = False

    @property
    def phone(self) -> str:
        """The phone of a new person."""
        return str(self.person["phone"])


class Part(NamedTuple):
    """The changes of some rows, packed until they are written: people new with these rows as values by `person_fields`
    and `post_fields`, everything else as changes."""

    person_fields: tuple[str, ...]
    post_fields: tuple[str, ...]
    people: list[tuple[object, ...]]
    posts: list[tuple[object, ...]]
    others: list[Change]


def pack(changes: Sequence[Change]) -> Part:
    """Packs the changes of some rows."""
    first = [c for c in changes if c.first]
    person = tuple(sorted(set().union(*(c.person for c in first))))
    post = tuple(sorted(set().union(*(c.post for c in first))))
    return Part(
        person,
        post,
        [tuple(map(c.person.get, person)) for c in first],
        [tuple(map(c.post.get, post)) for c in first],
        [c for c in changes if not c.first],
    )


def identity_digest(identity: str, key: bytes) -> str:
    """Returns a keyed one-way digest, which recognises a person without storing the number."""
    return hmac.digest(key, identity.encode(), "sha256").hex()


class Planner:
    """Compares rows with the ledger, a batch at a time; faults go to `fault`."""

    def __init__(
        self,
        session: Session,
        today: date,
        key: bytes,
        *,
        title: Callable[[str], str],
        fault: Callable[[RowError], None],
        sealed: Sealing | None = None,
    ) -> None:
        self._session, self._today, self._key = session, today, key
        self._title, self._fault = title, fault
        self._planned: set[str] = set()
        self.kept_posts: set[int] = set()
        self.unchecked = 0
        self._sealed = sealed
        # Sealed numbers to be stored, by digest, of the rows that may be written.
        self.identities: dict[str, str] = {}

    def plan(self, rows: Sequence[LedgerRow]) -> list[tuple[LedgerRow, Change | None]]:
        """Returns row by row the change, None where nothing changes; refused rows are left out."""
        digests = {
            row.number: identity_digest(row.identity, self._key) for row in rows if row.identity
        }
        by_phone = self._people(Person.phone, [row.phone for row in rows])
        by_digest = self._people(Person.identity_digest, list(digests.values()))
        owners = {p.id for p in (*by_phone.values(), *by_digest.values())}
        posts = self._posts(sorted(owners))
        planned: list[tuple[LedgerRow, Change | None]] = []
        for row in rows:
            digest = digests.get(row.number)
            owner = by_phone.get(row.phone)
            known = by_digest.get(digest) if digest else None
            if self._is_accepted(row, owner, known):
                if digest:
                    row.person["identity_digest"] = digest
                    if self._sealed is not None:
                        self.identities[digest] = self._sealed(row.identity or "")
                    row.person.setdefault("birth_date", _birth_date(row.identity or ""))
                person = owner or known
                checked = row.person.get("background_checked_on") or (
                    person and person.background_checked_on
                )
                self.unchecked += not checked
                _due(row.person, person)
                if person is None:
                    planned.append((row, self._new(row)))
                else:
                    planned.append((row, self._change(row, person, posts)))
        return planned

    # Plain rows instead of ORM objects, so that the session does not grow with the sheet.
    def _people(
        self,
        column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
        keys: Sequence[str],
    ) -> dict[str, NamedRow]:
        people: dict[str, NamedRow] = {}
        for start in range(0, len(keys), _PART):
            query = select(*Person.__table__.columns).where(column.in_(keys[start : start + _PART]))
            people.update({getattr(p, column.key): p for p in self._session.execute(query)})
        return people

    def _posts(self, people: Sequence[int]) -> dict[tuple[int, str, str], NamedRow]:
        posts: dict[tuple[int, str, str], NamedRow] = {}
        for start in range(0, len(people), _PART):
            query = select(*Post.__table__.columns).where(
                Post.person_id.in_(people[start : start + _PART])
            )
            for post in self._session.execute(query.order_by(Post.start)):
                posts[post.person_id, post.role, post.division_code] = post
        return posts

    def _is_accepted(self, row: LedgerRow, owner: NamedRow | None, known: NamedRow | None) -> bool:
        same = owner is not None and known is not None and owner.id == known.id
        if owner and owner.name != row.name and not same:
            reason = "手机号已登记在别人名下，请核对"
        elif known and owner and not same:
            reason = "证件号码和手机号各属于台账里的两个人，请核对"
        else:
            return True
        self._fault(RowError(row.number, self._title("phone"), row.phone, reason))
        return False

    def _new(self, row: LedgerRow) -> Change:
        phone = row.phone
        first = phone not in self._planned
        self._planned.add(phone)
        person: dict[str, object] = row.person if first else {"phone": phone}
        return Change(row.number, None, None, person, self._new_post(row), None, first)

    def _change(
        self, row: LedgerRow, person: NamedRow, posts: dict[tuple[int, str, str], NamedRow]
    ) -> Change | None:
        differing = {f: x for f, x in row.person.items() if getattr(person, f) != x}
        if differing.get("background_result") == result_key(person.background_result):
            differing.pop("background_result", None)
        before = {f: getattr(person, f) for f in differing}
        post = posts.get((person.id, row.role, row.code))
        start = row.post.get("start")
        if post is None or (post.end and start and start > post.end):
            return Change(row.number, person.id, None, differing, self._new_post(row), before)
        self.kept_posts.add(post.id)
        changed = {f: x for f, x in row.post.items() if getattr(post, f) != x}
        if not differing and not changed:
            return None
        before |= {f"post.{f}": getattr(post, f) for f in changed}
        return Change(row.number, person.id, post.id, differing, changed, before)

    def _new_post(self, row: LedgerRow) -> dict[str, object]:
        start = row.post.get("start") or self._today
        return {**row.post, "role": row.role, "division_code": row.code, "start": start}


def _due(values: dict[str, object], person: NamedRow | None) -> None:
    """Makes a new background check due again in a year, unless the sheet gives the date."""
    on = values.get("background_checked_on")
    if not isinstance(on, date) or "background_next_due" in values:
        return
    known = person and person.background_checked_on == on and person.background_next_due
    if not known:
        values["background_next_due"] = on + timedelta(days=CHECK_DAYS)


def differences(change: Change) -> list[tuple[str, str, str]]:
    """(title, before, after) of each field that a change alters, as people read it; identity digests are not
    shown."""
    rows, before = [], change.before or {}
    for name, value in change.person.items():
        if name != "identity_digest":
            rows.append((COLUMNS[name][0], shown(name, before.get(name)), shown(name, value)))
    for name, value in change.post.items():
        if name in COLUMNS:
            was = shown(name, before.get(f"post.{name}"))
            rows.append((COLUMNS[name][0], was, shown(name, value)))
    return rows


def _birth_date(identity: str) -> date:
    return date(int(identity[6:10]), int(identity[10:12]), int(identity[12:14]))
