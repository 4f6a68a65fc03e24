"""Refusals of the exams."""

from __future__ import annotations

from training_records.errors import Refused


class BadAnswer(Refused):
    """The request is malformed or doesn't fit the paper."""


class Closed(Refused):
    """The attempt or the exam no longer accepts this (409)."""


class MissingAnswers(Closed):
    """The server lacks answers that the client reports as saved; `slots` names them."""

    def __init__(self, slots: list[str]) -> None:
        super().__init__(f"第 {'、'.join(slots)} 题还没有存到服务器，请连上网后再交卷")
        self.slots = slots


class TakenOver(Closed):
    """Another device holds the attempt."""


class SignedOut(Refused):
    """The sign-in that opened the attempt has ended (401)."""


class TooLate(Closed):
    """The answers arrived after deadline and grace period; they are stored separately as late."""
