"""The ticket of a running attempt: what a save must know, signed, so that it needs neither account,
exam nor paper.

It says whose attempt it is, in which sign-in it was opened, and the shape of every slot's response.
Whether it still holds is asked of the database in the same step that saves: the attempt's state and
deadline, that no other device has taken over, that the sign-in has not ended.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from itsdangerous import BadData, URLSafeSerializer

from question_bank.response import Shape

COOKIE = "attempt"


@dataclass(frozen=True)
class Ticket:
    """`holder`: the hash of the sign-in's token, None for callers without one; `shapes[n]`: that of
    slot n + 1; `csrf`: digest of the CSRF token that was checked when it was given out."""

    attempt_id: int
    person_id: int
    holder: str | None
    shapes: tuple[Shape, ...]
    csrf: str | None = None

    def shape(self, slot: str) -> Shape | None:
        """The shape of a slot, None when the paper has no such slot."""
        if not slot.isascii() or not slot.isdigit() or len(slot) > 3 or slot != str(int(slot)):
            return None
        place = int(slot) - 1
        return self.shapes[place] if 0 <= place < len(self.shapes) else None


def path_of(attempt_id: int) -> str:
    """Where the ticket's cookie is sent, and nowhere else."""
    return f"/api/v1/attempts/{attempt_id}"


@lru_cache(8192)
def csrf_digest(token: str) -> str:
    """What a ticket keeps of a CSRF token."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


class Tickets:
    """Signs and reads tickets with the application's key."""

    def __init__(self, key: str) -> None:
        self._signer = URLSafeSerializer(
            key, salt="attempt", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self.read = lru_cache(8192)(self._read)

    def write(self, ticket: Ticket) -> str:
        """A ticket as a cookie's value."""
        shapes = [str(shape) for shape in ticket.shapes]
        data = [ticket.attempt_id, ticket.person_id, ticket.holder, shapes, ticket.csrf]
        return str(self._signer.dumps(data))

    def _read(self, text: str) -> Ticket | None:
        """The ticket, None when it was not signed by us."""
        try:
            attempt, person, holder, shapes, csrf = self._signer.loads(text)
        except BadData:
            return None
        return Ticket(attempt, person, holder, tuple(Shape.parse(s) for s in shapes), csrf)
