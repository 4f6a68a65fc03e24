"""Import of the ledger from an office's workbook: computes what it would change. `corrections.batches` writes and
undoes it."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from training_records.divisions import ancestor, get_within, latest_within, within
from training_records.errors import Refused
from training_records.ledger import values
from training_records.ledger.columns import fold_title
from training_records.ledger.identity import Sealing
from training_records.ledger.models import ColumnTitle, ImportBatch, Person, Post
from training_records.ledger.places import Places
from training_records.ledger.planning import Change, Part, Planner, differences, pack
from training_records.ledger.rows import LedgerRow, Reader, RowError, find_table
from training_records.ledger.service import in_post_on

BATCH, SHOWN, IN_MEMORY = 2000, 300, 4 * 2**20
KINDS = ("new", "changed")


@dataclass(frozen=True)
class CellDifference:
    """One field of one row that the import would change."""

    row: int
    name: str
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Left:
    """A person in post in a town that the sheet covers, but missing from the sheet."""

    post_id: int
    name: str
    code: str
    start: date


@dataclass
class ImportReport:
    """What the import found and did; `errors` also lists the rows left out of a partial import.

    `differences` and `left`: the first few hundred; `unchecked`: number of rows of people without a background check;
    `unknown`: column titles that match no field.
    """

    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)
    warnings: list[RowError] = field(default_factory=list)
    applied: bool = False
    differences: list[CellDifference] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    unchecked: int = 0
    unknown: tuple[str, ...] = ()
    batch: int | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class Checked:
    """A checked workbook: the report, and the changes, spooled to disk until they are written."""

    def __init__(self) -> None:
        self.report = ImportReport()
        self.identities: dict[str, str] = {}
        self._spool = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (lives as long as this)

    def keep(self, changes: Sequence[Change]) -> None:
        """Spools the changes of some rows."""
        pickle.dump(pack(changes), self._spool, pickle.HIGHEST_PROTOCOL)

    def parts(self) -> Iterator[Part]:
        """Yields the spooled changes, part by part."""
        self._spool.seek(0)
        while True:
            try:
                yield pickle.load(self._spool)  # noqa: S301 (written by `keep` just before)  # nosec B301
            except EOFError:
                return


def check_ledger(
    session: Session,
    data: bytes,
    *,
    prefix: str,
    today: date,
    digest_key: bytes,
    mapping: Mapping[str, str] | None = None,
    sealed: Sealing | None = None,
) -> Checked:
    """Reads the workbook `data`, limited to divisions with `prefix`, and computes what it would change. Writes nothing.
    `sealed`: seals identity numbers where they are to be stored. Raises `Refused` if the file as a whole can't be
    used."""
    checked = Checked()
    report = checked.report
    header, rows = find_table(data, mapping)
    report.unknown = header.unknown
    places = Places(session, prefix)
    reader = Reader(header, places, report.errors.append, warn=report.warnings.append)
    planner = Planner(
        session, today, digest_key, title=reader.title, fault=report.errors.append, sealed=sealed
    )
    towns, faulty = set[str](), set[str]()
    while part := list(islice(rows, BATCH)):
        report.rows += len(part)
        parsed_rows = []
        for number, cells in part:
            row = reader.read(number, cells)
            if row is not None:
                parsed_rows.append(row)
            else:
                # A person whose row has a fault is in the sheet all the same, so has not left.
                faulty.add(values.text(cells[header.columns["name"]]).replace(" ", ""))
        towns |= {ancestor(row.code, "town") for row in parsed_rows}
        changes = [_tally(report, row, change) for row, change in planner.plan(parsed_rows)]
        checked.keep([change for change in changes if change])
    if not report.rows:
        raise Refused("表头下面没有一行数据。请填好后再导入")
    report.unchecked, checked.identities = planner.unchecked, planner.identities
    report.errors.sort(key=lambda e: e.row)
    departures = _departures(session, towns, planner.kept_posts, today=today)
    report.left = [departure for departure in departures if departure.name not in faulty]
    return checked


def _tally(report: ImportReport, row: LedgerRow, change: Change | None) -> Change | None:
    if change is None:
        report.unchanged += 1
        return None
    if change.first:
        report.new += 1
        return change
    report.changed += 1
    if len(report.differences) < SHOWN:
        name = row.name
        report.differences += [
            CellDifference(row.number, name, title, before, after)
            for title, before, after in differences(change)
        ]
    return change


def _departures(
    session: Session, towns: set[str], listed_posts: set[int], *, today: date
) -> list[Left]:
    departures: list[Left] = []
    for town in sorted(towns):
        query = (
            select(Post.id, Person.name, Post.division_code, Post.start)
            .join(Person, Person.id == Post.person_id)
            .where(within(Post.division_code, town[:9]), in_post_on(today), Post.role == "director")
            .order_by(Post.division_code, Post.id)
        )
        departures += [Left(*row) for row in session.execute(query) if row.id not in listed_posts]
        if len(departures) >= SHOWN:
            return departures[:SHOWN]
    return departures


def titles_of(session: Session, division_code: str) -> dict[str, str]:
    """An office's own column titles, folded, to fields."""
    query = select(ColumnTitle.title, ColumnTitle.field)
    return dict(session.execute(query.where(ColumnTitle.division_code == division_code)).all())


def remember_titles(session: Session, division_code: str, titles: Mapping[str, str]) -> None:
    """Stores the fields that an office's own titles stand for (title as written, to field or "" for none)."""
    for title, name in titles.items():
        folded = fold_title(title)[:60]
        if folded:
            session.merge(ColumnTitle(division_code=division_code, title=folded, field=name))
    session.flush()


def batches_of(session: Session, prefix: str, limit: int = 20) -> list[ImportBatch]:
    """The latest imports by offices in a division, newest first."""
    return latest_within(session, ImportBatch, prefix, limit=limit)


def get_batch(session: Session, batch_id: int, prefix: str) -> ImportBatch:
    """An import of an office in the scope, or NotFound."""
    return get_within(session, ImportBatch, batch_id, prefix=prefix, what="这次导入")
