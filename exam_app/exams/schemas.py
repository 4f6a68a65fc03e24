"""The wire format of answers."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from typing_extensions import TypedDict

from training_records.database import now


def iso(value: datetime) -> str:
    """A time in the format of the API."""
    return value.isoformat(timespec="milliseconds")


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AnswerIn(_In):
    """An answer as parsed from JSON; a `saving.SubmittedAnswer`, its response not validated yet."""

    slot: StrictStr = Field(max_length=8)
    response: object = None
    seq: StrictInt
    # Seconds the question has been on the screen so far.
    seconds: StrictInt | None = Field(default=None, ge=0, le=86_400)


class AnswersIn(_In):
    answers: list[AnswerIn]
    # How often the page has been left so far; shown to the invigilator.
    left: StrictInt = Field(default=0, ge=0, le=10_000)


class BeaconIn(AnswersIn):
    # The ticket in the body: a beacon sent while the page closes can't set headers.
    ticket: StrictStr


class SubmitIn(_In):
    expected: dict[StrictStr, StrictInt] = {}


# A TypedDict, not a model: starting an attempt creates some sixty.
class ItemOut(TypedDict):
    slot: str
    type: str
    text: str | None
    stem: str
    options: dict[str, str] | None
    # The options' labels in display order.
    order: list[str] | None
    left: dict[str, str] | None
    blanks: int | None
    points: float


class SavedAnswer(BaseModel):
    response: object
    seq: int


class ClockOut(BaseModel):
    server_time: str
    deadline: str
    state: str

    @staticmethod
    def body(state: str, deadline: datetime) -> bytes:
        """The JSON response with the current time; formatted directly, as for a save."""
        times = f'"server_time":"{iso(now())}","deadline":"{iso(deadline)}"'
        return f'{{{times},"state":"{state}"}}'.encode()


class SaveOut(BaseModel):
    saved: dict[str, int]
    server_time: str
    deadline: str

    @staticmethod
    def body(saved: dict[str, int], deadline: datetime) -> bytes:
        """The JSON response to a save, with the current time.

        Hot path: formatted directly, without creating a model.
        """
        times = f'"server_time":"{iso(now())}","deadline":"{iso(deadline)}"'
        return f'{{"saved":{json.dumps(saved)},{times}}}'.encode()
