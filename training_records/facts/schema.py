"""The shape of each file of facts: a lost comma or a misspelt field stops the build."""

from __future__ import annotations

import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

Role = Literal["direct", "assist", "aware"]
ROLES: dict[str, str] = {"direct": "直接做", "assist": "协助", "aware": "知晓"}
Rhythm = Literal["daily", "weekly", "monthly", "quarterly", "yearly", "as_needed"]
Contact = Literal["home", "in_person", "any"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Dated(_Record):
    """A fact with a beginning: when it changes, a second row with the same id and a later `from` stands beside the first.
    `to`: the last day of what is no longer asked for."""

    id: str
    from_: datetime.date = Field(alias="from")
    to: datetime.date | None = None


class Frequency(_Record):
    """How often something is due: `times` per `per` by `who`."""

    what: str
    times: int
    per: str
    who: str


class Threshold(_Record):
    """A number at which something begins to apply."""

    what: str
    value: int
    unit: str


class PlanTask(_Record):
    """One of the 23 tasks: gist in own words, departments as the document lists them."""

    item: int
    title: str
    gist: str
    departments: list[str]
    frequencies: list[Frequency] = []
    thresholds: list[Threshold] = []
    director: Role
    does: str


class Action(_Record):
    """One of the five actions."""

    id: int
    title: str
    tasks: list[int]


class Section(_Record):
    """A numbered part of the policy outside the tasks."""

    id: str
    page: str
    anchor: str
    title: str
    thresholds: list[Threshold] = []


class Policy(_Record):
    """The plan this product rests on."""

    code: str
    title: str
    number: str
    issued: datetime.date
    checked: datetime.date
    aliases: dict[str, str]
    actions: list[Action]
    tasks: list[PlanTask]
    sections: list[Section]


class Article(_Record):
    """One article of a law or document, in own words."""

    id: str
    title: str
    gist: str


class Source(_Record):
    """A law or document other than the plan."""

    code: str
    title: str
    number: str
    articles: list[Article]


class Step(_Dated):
    """A step of a duty: what, when, with whom, on which form, and what counts as done."""

    id: str = Field(pattern=r"^duty-\d\.\d$")
    what: str
    when: str
    with_: str = Field(alias="with")
    form: str = ""
    done: str
    rhythm: Rhythm
    related: list[str]


class Duty(_Record):
    """One of a director's six duties."""

    id: int
    source: str
    title: str
    steps: list[Step]


class SupervisorDuty(_Record):
    """One of a supervisor's duties."""

    id: int
    source: str
    title: str
    does: str
    done: str


class Duties(_Record):
    """Both duty lists."""

    director: list[Duty]
    supervisor: list[SupervisorDuty]


class ServiceLine(_Record):
    """One line of the service-content list."""

    id: str = Field(pattern=r"^[a-z-]+\.\d$")
    what: str
    role: Role
    source: str


class Category(_Record):
    """The service-content list of one category of child."""

    id: str
    name: str
    recognise: str
    entitled: list[str]
    apply: str
    rows: list[ServiceLine]
    visit: str
    refer: str


class CardStep(_Record):
    """A step of a card: either `do`, or a question `ask` with what follows from yes and no."""

    do: str = ""
    ask: str = ""
    yes: str = ""
    no: str = ""
    source: str
    advice: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> CardStep:
        if bool(self.do) == bool(self.ask) or bool(self.ask) != bool(self.yes and self.no):
            raise ValueError("一步要么写 do，要么写 ask、yes、no 三样")
        return self


class Card(_Record):
    """A step card: what to do in one kind of event."""

    id: str
    title: str
    when: str
    steps: list[CardStep]
    never: list[str]
    form: str
    page: str


class Talk(_Record):
    """How to open a talk, what to ask, what not to say, what to act on."""

    id: str
    who: str
    open: str
    ask: list[str]
    avoid: list[str]
    act: str


class Story(_Record):
    """A worked case, invented, without any real child."""

    id: int
    title: str
    category: str
    situation: str
    wrong: list[str]
    do: list[str]
    think: str
    page: str


class Answered(_Record):
    """A frequent question and its answer."""

    q: str
    a: str
    source: str
    page: str


class FaqGroup(_Record):
    """Frequent questions of one subject."""

    group: str
    items: list[Answered]


class Form(_Record):
    """A form: pairs of fields, boxes to tick, room for text, signatures. `findings`: its boxes are what is looked at on a
    visit."""

    id: str
    title: str
    use: str
    page: str
    source: str
    fields: list[tuple[str, str]]
    findings: bool = False
    checks: list[str]
    texts: list[str]
    signs: list[str]


class CalendarEntry(_Record):
    """Something due in a year; `day` and `repeat` put it into the calendar file."""

    id: str
    month: int | None
    when: str
    what: str
    who: str
    source: str
    day: int | None = None
    repeat: Literal["monthly", "quarterly", "yearly"] | None = None
    deadline: bool = False


class Term(_Record):
    """A word of the field and its meaning."""

    term: str
    means: str
    source: str


class Cadence(_Dated):
    """How often a group of children is visited, by which kind of contact; `months` None where no number is set. `form`
    is the contact as people read it."""

    who: str
    months: int | None
    contact: Contact
    form: str
    text: str
    source: str


class Option(_Record):
    """Something to tick: `id` is stored, `label` is read."""

    id: str = Field(pattern=r"^[a-z_]{1,30}$")
    label: str


class FindingAnswer(Option):
    """An answer of a finding; `report`: it has to be reported to the police at once."""

    report: bool = False


class Finding(_Dated):
    """Something looked at on a visit; the first answer is that all is well."""

    id: str = Field(pattern=r"^[a-z_]{1,30}$")
    label: str
    answers: list[FindingAnswer]


class Work(_Record):
    """What can be ticked on a visit."""

    findings: list[Finding]
    needs: list[Option]
    measures: list[Option]


class PageCare(_Record):
    """Who is responsible for a page and when it was last checked."""

    responsible: str
    checked: datetime.date


class FactChange(_Record):
    """A recorded change: record id to the digest of its new text, None when it was removed."""

    date: datetime.date
    note: str
    records: dict[str, str | None]


SHAPES: dict[str, Any] = {
    "policy": Policy,
    "sources": list[Source],
    "duties": Duties,
    "services": list[Category],
    "cards": list[Card],
    "talk": list[Talk],
    "cases": list[Story],
    "faq": list[FaqGroup],
    "forms": list[Form],
    "calendar": list[CalendarEntry],
    "glossary": list[Term],
    "visits": list[Cadence],
    "work": Work,
    "search": dict[str, list[str]],
    "pages": dict[str, PageCare],
    "history": list[FactChange],
    "topics": dict[str, str],
    "owners": dict[str, str],
}


def shaped(name: str, data: Any) -> Any:
    """The data of a file with all defaults filled in; pydantic's ValidationError where it does
    not have its shape."""
    if name not in SHAPES:
        return data
    adapter: TypeAdapter[Any] = TypeAdapter(SHAPES[name])
    return adapter.dump_python(adapter.validate_python(data), by_alias=True)
