"""Request and response models of the JSON API."""

from __future__ import annotations

from pydantic import BaseModel, Field, StrictStr
from typing_extensions import TypedDict

from exam_app.exams.schemas import ItemOut, SavedAnswer, _In


class LoginIn(_In):
    phone: StrictStr = Field(max_length=40)
    password: StrictStr = Field(max_length=128)
    code: StrictStr | None = Field(None, max_length=20)


class UserOut(BaseModel):
    id: int
    name: str
    role: str
    division: str
    person_id: int | None
    must_change_password: bool


class LoginOut(BaseModel):
    csrf_token: str
    user: UserOut


class AttemptBrief(BaseModel):
    attempt_id: int
    state: str
    score: float | None
    passed: bool | None


class ExamOut(BaseModel):
    id: int
    title: str
    kind: str
    minutes: int
    pass_percent: float
    opens_at: str
    closes_at: str
    attempts_allowed: int
    attempts_left: int
    state: str
    attempts: list[AttemptBrief]


class ExamsOut(BaseModel):
    exams: list[ExamOut]


class PaperOut(BaseModel):
    items: list[ItemOut]


class StartOut(BaseModel):
    attempt_id: int
    state: str
    server_time: str
    deadline: str
    paper: PaperOut
    answers: dict[str, SavedAnswer]
    # Slot → seconds its item was on screen, where the client reported them.
    seconds: dict[str, int] = {}
    # Authenticates the beacon that the page sends when it closes.
    ticket: str


class ResultItem(TypedDict):
    slot: str
    stem: str
    response: object
    key: object
    right: bool
    points: float
    explanation: str
    source: str
    kb_url: str


class AttemptOut(BaseModel):
    attempt_id: int
    state: str
    server_time: str
    deadline: str
    score: float | None = None
    max_score: float | None = None
    passed: bool | None = None
    certificate_no: str | None = None
    result: list[ResultItem] | None = None


class DivisionFigures(BaseModel):
    code: str
    name: str
    level: str
    in_post: int
    covered: int
    pending: int
    uncovered: int
    not_inducted: int
    supervisors: int
    rate: float | None
    rate_without_pending: float | None


class CoverageOut(DivisionFigures):
    year: int
    as_of: str
    children: list[DivisionFigures]


class IndicatorOut(BaseModel):
    id: str
    value: float | None
    score: float | None
    max: float
    explanation: str


class DimensionOut(BaseModel):
    id: str
    score: float | None
    indicators: list[IndicatorOut]


class EvaluatedOut(BaseModel):
    person: str
    total: float | None
    grade: str | None
    vetoed: bool
    dimensions: list[DimensionOut]
    division: str
    months_in_post: float


class EvaluationOut(BaseModel):
    year: int
    state: str | None
    results: list[EvaluatedOut]


class RecordOut(BaseModel):
    id: int
    kind: str
    date: str
    title: str
    level: str | None
    form: str | None
    organiser: str | None
    hours: float | None
    score: float | None
    passed: bool | None
    certificate_no: str | None
    voided: bool
    voids: int | None
    recorded_at: str
    hash: str


class RecordsOut(BaseModel):
    person_id: int
    name: str
    records: list[RecordOut]


class Problem(BaseModel):
    """RFC 9457 problem details; `detail` is Chinese."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str | None
