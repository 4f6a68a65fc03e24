"""Access control: the roles that may call a view, and the scope of data an account may see.

Every view declares its roles with `access`. A view without roles is refused; a test walks the URL
map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from exam_app.identity.models import Account
from training_records.divisions import Division, get_division, prefix_of
from training_records.errors import NotFound
from training_records.ledger.models import Person
from training_records.ledger.service import get_person

View = TypeVar("View", bound=Callable[..., object])

EVERYONE = frozenset({"director", "supervisor", "district", "city", "operator"})
OFFICES = frozenset({"supervisor", "district", "city", "operator"})
LEARNERS = frozenset({"director", "supervisor"})
MANAGERS = frozenset({"district", "city", "operator"})
CITY = frozenset({"city", "operator"})
PUBLIC = frozenset({"public"})


def access(roles: frozenset[str]) -> Callable[[View], View]:
    """Declares the roles that may call a view; `PUBLIC` needs no sign-in."""

    def mark(view: View) -> View:
        view.access = roles  # type: ignore[attr-defined]
        return view

    return mark


@dataclass(frozen=True)
class Scope:
    """The data an account may see: a division-code prefix; a director sees only their own record."""

    role: str
    prefix: str
    person_id: int | None

    def person(self, session: Session, person_id: int) -> Person:
        """A person within the scope. NotFound otherwise, so that the response doesn't reveal who exists."""
        if self.role == "director":
            if person_id != self.person_id:
                raise NotFound("没有这个人，或不在您的管理范围内")
            return session.get_one(Person, person_id)
        return get_person(session, person_id, self.prefix)

    def division(self, session: Session, code: str | None) -> Division:
        """A division within the scope, by default the whole scope; NotFound otherwise."""
        if self.role == "director":
            raise NotFound("没有这个区划，或不在您的管理范围内")
        if not code:
            return get_division(session, self.prefix.ljust(12, "0"))
        if not code.startswith(self.prefix):
            raise NotFound("没有这个区划，或不在您的管理范围内")
        return get_division(session, code)


def scope_of(account: Account) -> Scope:
    """The scope of an account."""
    return Scope(account.role, prefix_of(account.division_code), account.person_id)
