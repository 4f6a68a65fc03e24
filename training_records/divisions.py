"""Administrative divisions (行政区划): 12-digit statistical codes, whose prefixes are scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeVar

from sqlalchemy import ColumnElement, String, and_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from training_records.database import Base
from training_records.errors import NotFound

DivisionLevel = Literal["nation", "province", "city", "district", "town", "village"]
WIDTHS: dict[DivisionLevel, int] = {
    "nation": 0,
    "province": 2,
    "city": 4,
    "district": 6,
    "town": 9,
    "village": 12,
}


class Division(Base):
    """A division of any level from the nation to the village. Identity: the 12-digit code."""

    __tablename__ = "division"

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), index=True)
    level: Mapped[str] = mapped_column(String(10))
    parent: Mapped[str | None] = mapped_column(String(12), index=True)


def level_of(code: str) -> DivisionLevel:
    """Returns the level of a 12-digit code, read from its trailing zeros."""
    for level, width in WIDTHS.items():
        if code[width:] == "0" * (12 - width):
            return level
    raise ValueError(code)


def prefix_of(code: str) -> str:
    """Returns the significant digits: the common prefix of all codes in the division."""
    return code[: WIDTHS[level_of(code)]]


def ancestor(code: str, level: DivisionLevel) -> str:
    """Returns the code of the division of `level` that contains `code`."""
    return code[: WIDTHS[level]].ljust(12, "0")


def within(
    column: InstrumentedAttribute[str] | ColumnElement[str], prefix: str
) -> ColumnElement[bool]:
    """SQL: the code lies in the division with this prefix. A range comparison, so that an index is used."""
    return and_(column >= prefix.ljust(12, "0"), column <= prefix.ljust(12, "9"))


def get_division(session: Session, code: str) -> Division:
    """The division, or NotFound."""
    division = session.get(Division, code)
    if division is None:
        raise NotFound(f"没有编码为 {code} 的区划，请检查编码（12 位数字）")
    return division


def children(session: Session, code: str) -> list[Division]:
    """The divisions one level below, by code."""
    return list(
        session.scalars(select(Division).where(Division.parent == code).order_by(Division.code))
    )


def districts_and_towns(session: Session, prefix: str) -> list[Division]:
    """Districts and towns with this prefix, by code."""
    query = select(Division).where(
        Division.level.in_(("district", "town")), within(Division.code, prefix)
    )
    return list(session.scalars(query.order_by(Division.code)))


T = TypeVar("T", bound=Base)


def get_within(session: Session, table: type[T], number: int, *, prefix: str, what: str) -> T:
    """Returns the row of a table if its ``division_code`` has this prefix. Otherwise raises NotFound, whether or not
    the row exists. `what`: the user's word for it, for the message."""
    row = session.get(table, number)
    code = getattr(row, "division_code", "")
    if row is None or not code.startswith(prefix):
        raise NotFound(f"没有{what}，或不在您的管理范围内")
    return row


def latest_within(session: Session, table: type[T], prefix: str, *, limit: int) -> list[T]:
    """The newest rows of a table whose ``division_code`` has this prefix, newest first."""
    columns = table.__table__.c
    query = select(table).where(within(columns.division_code, prefix))
    return list(session.scalars(query.order_by(columns.id.desc()).limit(limit)))


def path(session: Session, code: str) -> list[Division]:
    """The known divisions from the highest down to the division itself."""
    codes = dict.fromkeys(ancestor(code, level) for level in WIDTHS)
    wanted = [c for c in codes if len(prefix_of(c)) <= len(prefix_of(code))]
    rows = session.scalars(
        select(Division).where(Division.code.in_(wanted)).order_by(Division.code)
    )
    return sorted(rows, key=lambda d: len(prefix_of(d.code)))


def division_names(
    session: Session, prefix: str = "", codes: Iterable[str] | None = None
) -> dict[str, str]:
    """Code to name of all divisions with this prefix, or of those listed."""
    query = select(Division.code, Division.name).where(within(Division.code, prefix))
    if codes is not None:
        query = query.where(Division.code.in_(list(codes)))
    return dict(session.execute(query).all())


def joined_name(names: Mapping[str, str], code: str) -> str:
    """District, town and village names joined: 平度市云桥镇前河村."""
    codes = dict.fromkeys(ancestor(code, level) for level in WIDTHS)
    shown = [c for c in codes if WIDTHS["city"] < len(prefix_of(c)) <= len(prefix_of(code))]
    return "".join(names.get(c, "") for c in shown or [code])


def full_name(session: Session, code: str) -> str:
    """Loads the names and returns `joined_name` of one division."""
    return joined_name({d.code: d.name for d in path(session, code)}, code)
