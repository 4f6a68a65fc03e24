"""Refusals of the exams."""

from __future__ import annotations

from training_records.errors import Refused


class BadAnswer(Refused):
    """The request is not an answer to this paper."""


class Closed(Refused):
    """The attempt or the exam takes nothing more (409)."""


class MissingAnswers(Closed):
    """The server has not got what the client says it saved; `slots` names them."""

    def __init__(self, slots: list[str]) -> None:
        super().__init__(f"第 {'、'.join(slots)} 题还没有存到服务器,请连上网后再交卷")
        self.slots = slots


class TakenOver(Closed):
    """Another device holds the attempt now."""


class SignedOut(Refused):
    """The sign-in that opened the attempt has ended (401)."""


class TooLate(Closed):
    """The answers came after deadline and grace; they are kept apart as late."""
