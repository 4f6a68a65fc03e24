"""The places that never move, by role."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MenuEntry:
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
    MenuEntry("home.index", "今天", "☀", also=("door", "work")),
    MenuEntry("learn.index", "学习", "▤", also=("practice",)),
    MenuEntry("exams.index", "考试", "✎"),
    MenuEntry(
        "archive.mine", "我的", "☺", also=("evaluation", "cases", "exemplars", "own_account")
    ),
]
EVALUATION = MenuEntry(
    "evaluation.index",
    "评价",
    "★",
    phone=False,
    also=("schemes", "allowances", "dashboards", "reports", "cases", "exemplars"),
)
OFFICE = [
    MenuEntry("home.index", "总览", "◉"),
    MenuEntry("ledger.index", "台账", "☰"),
    MenuEntry("coverage.index", "培训", "▥"),
    MenuEntry("events.index", "办班", "⚑", phone=False, also=("roll", "outcome", "door")),
    MenuEntry("courses.index", "课程", "▤", phone=False),
    MenuEntry("exams.manage", "考试", "✎", phone=False),
    EVALUATION,
    MenuEntry("certificates.index", "证书", "✪", phone=False),
]
CITY = [*OFFICE, MenuEntry("bank.index", "题库", "❏", phone=False)]


def navigation(role: str) -> list[MenuEntry]:
    """What a role may do; what it may not isn't shown."""
    if role == "director":
        return DIRECTOR
    if role == "supervisor":
        return [*OFFICE[:3], EVALUATION, MenuEntry("archive.mine", "我的", "☺")]
    settings = MenuEntry("admin.index", "设置", "⚙", also=("reminders", "own_account"))
    return [*(CITY if role in ("city", "operator") else OFFICE), settings]
