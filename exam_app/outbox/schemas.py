"""The wire format of a phone's queue, and what each kind of item holds."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    StrictBool,
    StrictInt,
    StrictStr,
)

MAX_AT_ONCE = 100
Outcome = Literal["stored", "duplicate", "conflict", "refused"]
Id = Annotated[StrictInt, Field(gt=0, lt=2**31)]
Key = Annotated[StrictStr, Field(pattern="^[0-9A-Za-z_-]{8,36}$")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class VisitBody(_In):
    case: Id
    on: date
    form: StrictStr = Field(max_length=10)
    findings: dict[
        Annotated[StrictStr, Field(max_length=30)], Annotated[StrictStr, Field(max_length=30)]
    ] = Field(max_length=30)
    needs: list[Annotated[StrictStr, Field(max_length=30)]] = Field(default=[], max_length=30)
    measures: list[Annotated[StrictStr, Field(max_length=30)]] = Field(default=[], max_length=30)
    next: date | None = None
    reported: StrictBool = False


class PracticeBody(_In):
    item: StrictStr = Field(max_length=40)
    response: object = None
    unsure: StrictBool = False


class StudyBody(_In):
    window: Id
    # Whether the page is before somebody's eyes; nothing told later is.
    seen: StrictBool = False
    word: StrictStr | None = Field(None, max_length=10)
    # Where a recording stands, in seconds.
    at: float | None = Field(None, ge=0, lt=10**6)


class OutboxItemIn(_In):
    id: Key
    seq: StrictInt = Field(ge=0, lt=2**53)
    kind: StrictStr = Field(max_length=10)
    # The version that an edit started from; null for what is new.
    base: StrictInt | None = None
    made_at: AwareDatetime
    # What the kind says; validated with the kind's own model.
    body: SkipValidation[VisitBody | PracticeBody | StudyBody]


class OutboxIn(_In):
    device: Key
    # How many items the phone still keeps, those of this request included.
    held: StrictInt = Field(ge=0)
    # The account whose items these are; another one's are not judged.
    account: StrictInt | None = None
    # Validated one by one, so that a bad one doesn't block the others.
    items: list[SkipValidation[OutboxItemIn]] = Field(max_length=MAX_AT_ONCE)


class OutboxResult(BaseModel):
    id: str
    outcome: Outcome
    detail: str | None = None
    theirs: dict[str, object] | None = None


class OutboxOut(BaseModel):
    results: list[OutboxResult]
    server_time: str
