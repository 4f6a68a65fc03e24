"""The places that never move, by role."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A menu entry: endpoint, word, sign; `phone`: also in the bottom bar of a phone; `also`: other rooms of it."""

    endpoint: str
    title: str
    sign: str
    phone: bool = True
    also: tuple[str, ...] = ()

    def holds(self, endpoint: str | None) -> bool:
        """Whether a page belongs to this place."""
        own = (endpoint or "").split(".")[0]
        return own in (self.endpoint.split(".")[0], *self.also)


DIRECTOR = [
    Place("home.index", "今天", "☀", also=("door", "work")),
    Place("learn.index", "学习", "▤", also=("practice",)),
    Place("exams.index", "考试", "✎"),
    Place("archive.mine", "我的", "☺", also=("evaluation", "cases", "models", "own_account")),
]
EVALUATION = Place(
    "evaluation.index",
    "评价",
    "★",
    phone=False,
    also=("schemes", "allowances", "dashboards", "reports", "cases", "models"),
)
OFFICE = [
    Place("home.index", "总览", "◉"),
    Place("ledger.index", "台账", "☰"),
    Place("coverage.index", "培训", "▥"),
    Place("events.index", "办班", "⚑", phone=False, also=("roll", "outcome", "door")),
    Place("courses.index", "课程", "▤", phone=False),
    Place("exams.manage", "考试", "✎", phone=False),
    EVALUATION,
    Place("certificates.index", "证书", "✪", phone=False),
]
CITY = [*OFFICE, Place("bank.index", "题库", "❏", phone=False)]


def navigation(role: str) -> list[Place]:
    """What a role may do; what it may not isn't shown."""
    if role == "director":
        return DIRECTOR
    if role == "supervisor":
        return [*OFFICE[:3], EVALUATION, Place("archive.mine", "我的", "☺")]
    settings = Place("admin.index", "设置", "⚙", also=("reminders", "own_account"))
    return [*(CITY if role in ("city", "operator") else OFFICE), settings]
