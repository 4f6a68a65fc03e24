"""The ticket of a running attempt: a signed cookie with all a save needs, without loading account, exam or
paper.

It holds whose attempt it is, the sign-in that opened it, and the response shape of every slot. What
may change is checked in the database by the save itself: the attempt's state and deadline, a
take-over by another device, the end of the sign-in.
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
    """What a save needs to know about its attempt.

    `holder`: the hash of the session token, None for callers without one; `shapes[n]`: the shape of
    slot n + 1; `csrf`: digest of the CSRF token that was checked when the ticket was issued.
    """

    attempt_id: int
    person_id: int
    holder: str | None
    shapes: tuple[Shape, ...]
    csrf: str | None = None

    def shape(self, slot: str) -> Shape | None:
        """The shape of a slot; None when the paper has no such slot."""
        if not slot.isascii() or not slot.isdigit() or len(slot) > 3 or slot != str(int(slot)):
            return None
        index = int(slot) - 1
        return self.shapes[index] if 0 <= index < len(self.shapes) else None


def path_of(attempt_id: int) -> str:
    """The path that limits the ticket's cookie to one attempt."""
    return f"/api/v1/attempts/{attempt_id}"


@lru_cache(8192)
def csrf_digest(token: str) -> str:
    """The digest of a CSRF token, as stored in a ticket."""
    return hashlib.sha256(token.encode()).hexdigest()[:32]


class Tickets:
    """Signs and reads tickets with the application's key."""

    def __init__(self, key: str) -> None:
        self._signer = URLSafeSerializer(
            key, salt="attempt", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self.read = lru_cache(8192)(self._read)

    def write(self, ticket: Ticket) -> str:
        """A ticket as a cookie value."""
        shapes = [str(shape) for shape in ticket.shapes]
        data = [ticket.attempt_id, ticket.person_id, ticket.holder, shapes, ticket.csrf]
        return str(self._signer.dumps(data))

    def _read(self, text: str) -> Ticket | None:
        """The ticket; None when the signature is not valid."""
        try:
            attempt, person, holder, shapes, csrf = self._signer.loads(text)
        except (BadData, UnicodeEncodeError):
            return None
        return Ticket(attempt, person, holder, tuple(Shape.parse(s) for s in shapes), csrf)
