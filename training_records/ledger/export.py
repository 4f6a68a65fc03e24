"""Workbooks that leave the ledger: template, errors, and the ledger in the superior order."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import IO, Any

import xlsxwriter
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from training_records.archive.experience import entry_clause, fit, post_clause
from training_records.archive.models import ArchiveEntry, effective
from training_records.divisions import WIDTHS, ancestor, division_names, joined_name, within
from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import ROLES, Person, Post
from training_records.ledger.rows import RowError
from training_records.ledger.service import in_post_on

BATCH, MAX_CLAUSES, MAX_HEIGHTS = 500, 20, 20_000
Claimed = Callable[[Session, Iterable[int]], set[int]]
_EXAMPLE = {
    "role": "儿童主任",
    "name": "示例(导入前删去本行)",
    "gender": "女",
    "birth_date": "1980-05-06",
    "phone": "13800000000",
    "full_time": "否",
    "district": "平度市",
    "town": "云桥镇",
    "village": "前河村",
    "start": "2024-06-01",
    "background_checked_on": "2024-05-20",
    "background_result": "无记录",
}
CHOICES = {
    "role": ["儿童主任", "儿童督导员"],
    "gender": ["男", "女"],
    "full_time": ["是", "否"],
    "purchased": ["是", "否"],
}


class Sheet:
    """One worksheet of an office workbook: merged title, head row, rows, all as text or numbers.

    Text never becomes a formula, whatever it begins with.
    """

    def __init__(
        self, book: Any, name: str, title: str, heads: Sequence[str], widths: Sequence[float] = ()
    ) -> None:
        self.sheet = book.add_worksheet(name)
        font = {"font_name": "宋体", "valign": "vcenter"}
        big = book.add_format({**font, "bold": True, "font_size": 16, "align": "center"})
        head = book.add_format(
            {
                **font,
                "bold": True,
                "border": 1,
                "bg_color": "#e3f2f0",
                "text_wrap": True,
                "align": "center",
            }
        )
        self.cell = book.add_format({**font, "border": 1})
        self.wrapped = book.add_format({**font, "border": 1, "text_wrap": True})
        self.percent = book.add_format({**font, "border": 1, "num_format": "0.0%"})
        self.sheet.merge_range(0, 0, 0, max(len(heads) - 1, 1), title, big)
        self.sheet.set_row(0, 30)
        for at, text in enumerate(heads):
            self.sheet.write_string(1, at, text, head)
            self.sheet.set_column(at, at, widths[at] if at < len(widths) else 14)
        self.sheet.freeze_panes(2, 0)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(0, 1)
        self.sheet.set_footer("&C第 &P 页 / 共 &N 页")
        self.widths = [widths[at] if at < len(widths) else 14 for at in range(len(heads))]
        self.row = 2

    def add(self, cells: Iterable[Any], percent: Sequence[int] = ()) -> None:
        """Appends a row; columns in `percent` hold shares of 1."""
        lines = 1
        for at, value in enumerate(cells):
            if value is None:
                self.sheet.write_blank(self.row, at, None, self.cell)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                self.sheet.write_number(
                    self.row, at, value, self.percent if at in percent else self.cell
                )
            else:
                text = safe(str(value))
                own = -(-units(text) // max(int(self.widths[at]) - 4, 4))
                lines = max(lines, own)
                self.sheet.write_string(self.row, at, text, self.wrapped if own > 1 else self.cell)
        # Heights are kept in memory; of a very long sheet the reader's program finds them out.
        if lines > 1 and self.row < MAX_HEIGHTS:
            self.sheet.set_row(self.row, 15 * min(lines, 20))
        self.row += 1


def units(text: str) -> int:
    """The width in Excel's units: a Chinese character takes about two."""
    return sum(2 if ord(char) > 0x2E80 else 1 for char in text)


def safe(text: str) -> str:
    """Text that a spreadsheet won't take for a formula, also after a detour through CSV."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def make_workbook(fill: Any) -> bytes:
    """The bytes of a workbook that `fill(book)` writes into."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        fill(book)
    return out.getvalue()


def write_workbook(out: IO[bytes], fill: Any) -> None:
    """Writes a workbook of any length: `fill(book)` adds rows from top to bottom, none is kept in memory."""
    options = {"constant_memory": True, "strings_to_formulas": False}
    with xlsxwriter.Workbook(out, options) as book:
        fill(book)


def template() -> bytes:
    """An empty ledger with head, drop-downs and a filled example."""

    def fill(book: Any) -> None:
        heads = [title for title, _ in COLUMNS.values()]
        sheet = Sheet(book, "台账", "儿童主任(儿童督导员)信息台账", heads)
        sheet.add([_EXAMPLE.get(name) for name in COLUMNS])
        for at, name in enumerate(COLUMNS):
            if name in CHOICES:
                sheet.sheet.data_validation(
                    2, at, 5000, at, {"validate": "list", "source": CHOICES[name]}
                )
        text = book.add_format({"num_format": "@"})
        for name in ("identity", "phone", "code"):
            sheet.sheet.set_column(list(COLUMNS).index(name), list(COLUMNS).index(name), 20, text)

    return make_workbook(fill)


def errors_workbook(errors: Iterable[RowError]) -> bytes:
    """The import's faults as a list to work through in Excel."""

    def fill(book: Any) -> None:
        sheet = Sheet(
            book,
            "要改的地方",
            "导入检查:要改的地方",
            ["行号", "列", "原来的内容", "怎么改"],
            [8, 20, 28, 60],
        )
        for error in errors:
            sheet.add([error.row, error.column, error.value, error.reason])

    return make_workbook(fill)


def ledger_rows(
    session: Session, prefix: str, as_of: date, claimed: Claimed | None = None
) -> Iterator[list[Any]]:
    """The ledger in the superior system's order, one row a post held on `as_of`, some hundreds at a time.

    Identity numbers are not kept, so that column stays empty. `claimed`: who of some people has an account of
    their own (是否认领).
    """
    last = ("", 0)
    while True:
        held = (
            select(Post.division_code, Post.id)
            .where(within(Post.division_code, prefix), in_post_on(as_of))
            .where(tuple_(Post.division_code, Post.id) > last)
            .order_by(Post.division_code, Post.id)
            .limit(BATCH)
        )
        keys = [(code, number) for code, number in session.execute(held)]
        if not keys:
            return
        yield from _rows(session, [number for _, number in keys], claimed)
        last = keys[-1]


def _rows(session: Session, ids: Sequence[int], claimed: Claimed | None) -> Iterator[list[Any]]:
    query = select(*Post.__table__.columns).where(Post.id.in_(ids))
    posts = session.execute(query.order_by(Post.division_code, Post.id)).all()
    owners = {post.person_id for post in posts}
    people = {
        p.id: p
        for p in session.execute(select(*Person.__table__.columns).where(Person.id.in_(owners)))
    }
    served: dict[int, list[Any]] = defaultdict(list)
    query = select(*Post.__table__.columns).where(Post.person_id.in_(owners))
    for post in session.execute(query.order_by(Post.person_id, Post.start)):
        served[post.person_id].append(post)
    codes = {p.division_code for own in served.values() for p in own}
    above = {ancestor(code, level) for code in codes for level in WIDTHS}
    names = division_names(session, codes=codes | above)
    learnt = _learnt(session, owners)
    having = claimed(session, owners) if claimed else set()
    for post in posts:
        person = people[post.person_id]
        own = {
            "role": ROLES[post.role],
            "code": post.division_code,
            "district": names.get(ancestor(post.division_code, "district")),
            "town": names.get(ancestor(post.division_code, "town")),
            "village": names.get(post.division_code) if post.role == "director" else None,
            "full_time": _yes_no(person.full_time),
            "purchased": _yes_no(person.purchased),
            "claimed": _yes_no(person.id in having) if claimed else None,
            "experience": fit(
                [post_clause(p, joined_name(names, p.division_code)) for p in served[person.id]],
                learnt[person.id],
            ),
        }
        row = []
        for name in COLUMNS:
            value = own[name] if name in own else getattr(post, name, getattr(person, name, None))
            row.append(value.isoformat() if isinstance(value, date) else value)
        yield row


def _learnt(session: Session, people: Iterable[int]) -> dict[int, list[str]]:
    """The newest training of each, in words, no more than the text has room for."""
    columns = ("person_id", "kind", "date", "title", "organiser", "hours", "score", "passed")
    query = select(*(getattr(ArchiveEntry, name) for name in columns)).where(
        effective(),
        ArchiveEntry.person_id.in_(people),
        ArchiveEntry.kind.in_(("course", "training", "exam")),
    )
    found: dict[int, list[str]] = defaultdict(list)
    for entry in session.execute(query.order_by(ArchiveEntry.date.desc(), ArchiveEntry.id.desc())):
        if len(found[entry.person_id]) < MAX_CLAUSES:
            found[entry.person_id].append(entry_clause(entry))
    return found


def export_ledger(session: Session, prefix: str, place: str, as_of: date) -> bytes:
    """The ledger as a workbook in memory."""
    out = io.BytesIO()
    write_ledger(session, prefix, place, as_of, out)
    return out.getvalue()


def write_ledger(
    session: Session,
    prefix: str,
    place: str,
    as_of: date,
    out: IO[bytes],
    claimed: Claimed | None = None,
) -> int:
    """Writes the ledger as a workbook, a row at a time; the number of rows."""
    count = 0

    def fill(book: Any) -> None:
        nonlocal count
        heads = [title for title, _ in COLUMNS.values()]
        widths = [40 if name == "experience" else 14 for name in COLUMNS]
        sheet = Sheet(book, "台账", f"{place}儿童主任(儿童督导员)信息台账({as_of})", heads, widths)
        for row in ledger_rows(session, prefix, as_of, claimed):
            sheet.add(row)
            count += 1

    write_workbook(out, fill)
    return count


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "是" if value else "否"
