"""The main menu, by role."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MenuEntry:
    """A menu entry.

    `endpoint`: the page it opens; `title`, `icon`: its word and picture; `phone`: whether it is also
    in the bottom bar on phones; `also`: further blueprints that belong to it.
    """

    endpoint: str
    title: str
    icon: str
    phone: bool = True
    also: tuple[str, ...] = ()

    def holds(self, endpoint: str | None) -> bool:
        """Whether a page belongs to this entry."""
        blueprint = (endpoint or "").split(".")[0]
        return blueprint in (self.endpoint.split(".")[0], *self.also)


DIRECTOR = [
    MenuEntry("home.index", "今天", "today", also=("door", "work")),
    MenuEntry("learn.index", "学习", "learn", also=("practice",)),
    MenuEntry("exams.index", "考试", "exam"),
    MenuEntry(
        "archive.mine", "我的", "me", also=("evaluation", "cases", "exemplars", "own_account")
    ),
]
EVALUATION = MenuEntry(
    "evaluation.index",
    "评价",
    "evaluation",
    phone=False,
    also=("schemes", "allowances", "dashboards", "reports", "cases", "exemplars"),
)
OFFICE = [
    MenuEntry("home.index", "总览", "overview"),
    MenuEntry("ledger.index", "台账", "people"),
    MenuEntry("coverage.index", "培训", "coverage"),
    MenuEntry("events.index", "办班", "event", phone=False, also=("roll", "outcome", "door")),
    MenuEntry("courses.index", "课程", "course", phone=False),
    MenuEntry("exams.manage", "考试", "exam", phone=False),
    EVALUATION,
    MenuEntry("certificates.index", "证书", "certificate", phone=False),
]
CITY = [*OFFICE, MenuEntry("bank.index", "题库", "bank", phone=False)]


def navigation(role: str) -> list[MenuEntry]:
    """The menu of a role; entries it may not use are left out."""
    if role == "director":
        return DIRECTOR
    if role == "supervisor":
        return [*OFFICE[:3], EVALUATION, MenuEntry("archive.mine", "我的", "me")]
    settings = MenuEntry("admin.index", "设置", "settings", also=("reminders", "own_account"))
    return [*(CITY if role in ("city", "operator") else OFFICE), settings]
