"""What the command line says of an error that is an answer, and not a fault of the program."""

from __future__ import annotations

from sqlalchemy.exc import OperationalError

from exam_app.config import ConfigError
from exam_app.kb.pages import BuildError
from question_bank import BankError, InfeasibleBlueprint
from question_bank.formats.exchange import Unrepresentable
from question_bank.responses import ResponsesError
from training_records.errors import RecordsError

REFUSALS = (
    RecordsError,
    ConfigError,
    BuildError,
    BankError,
    InfeasibleBlueprint,
    ResponsesError,
    Unrepresentable,
)


def words_of(error: Exception) -> str | None:
    """One line for people; None for an error that nobody expects."""
    match error:
        case OperationalError():
            return f"数据库打不开或还没建表（{error.orig}）。请检查 ACADEMY_DATABASE_URL，并运行 academy db upgrade"
        case OSError():
            return f"{error.filename or ''}：{error.strerror or error}"
    return str(error) if isinstance(error, REFUSALS) else None
