"""Writes a checked ledger workbook: small ones within the request, large ones as a background job."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from sqlalchemy.orm import Session

from exam_app.audit.service import record
from exam_app.config import Config
from exam_app.core.sealing import seal_of
from exam_app.jobs.models import Job
from exam_app.jobs.service import Work, enqueue
from training_records.corrections.batches import apply_checked
from training_records.database import now, read_only
from training_records.errors import Refused
from training_records.ledger.identity import Sealing
from training_records.ledger.importer import (
    Checked,
    ImportReport,
    check_ledger,
    titles_of,
)

# Size in bytes up to which a workbook is written within the request: about 4,000 rows.
AT_ONCE = 256 * 1024


@dataclass(frozen=True)
class Order:
    """Parameters of an import: file, office, scope, author, and which rows and changes to apply. `file`: its name in
    the upload folder."""

    file: str
    name: str
    division: str
    prefix: str
    by: str
    accept_good: bool
    kinds: list[str]
    left: list[int]
    request_id: str


def digest_key(secret_key: str) -> bytes:
    """Returns the key of the identity digests, derived from the secret key."""
    return hashlib.sha256(b"identity:" + secret_key.encode()).digest()


def sealing(config: Config) -> Sealing | None:
    """Returns the function that seals identity numbers for storage; None if they are not stored."""
    return seal_of(config).close if config.keep_identity else None


def uploads(config: Config) -> Path:
    """Returns the folder of workbooks between check and import."""
    folder = config.instance / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def check(
    session: Session, config: Config, data: bytes, *, division: str, prefix: str, today: date
) -> Checked:
    """Returns what an office's workbook would change. Writes nothing."""
    return check_ledger(
        session,
        data,
        prefix=prefix,
        today=today,
        digest_key=digest_key(config.secret_key),
        mapping=titles_of(session, division),
        sealed=sealing(config),
    )


def write(session: Session, order: Order, checked: Checked, *, today: date) -> ImportReport:
    """Applies a checked workbook and records it in the audit log. Writes nothing unless the report is `applied`."""
    report = apply_checked(
        session,
        checked,
        name=order.name,
        division_code=order.division,
        by=order.by,
        today=today,
        accept_good=order.accept_good,
        kinds=order.kinds,
        left=order.left,
    )
    if report.applied:
        record(
            session,
            order.by,
            "ledger.import",
            subject=f"division:{order.division}",
            detail={
                "batch": report.batch,
                "new": report.new,
                "changed": report.changed,
                "left_out": len(report.errors),
            },
            scope=order.division,
            request_id=order.request_id,
        )
    return report


def ask_import(session: Session, order: Order) -> Job:
    """Queues an import."""
    return enqueue(
        session,
        "import",
        f"导入台账：{order.name}",
        division_code=order.division,
        params=asdict(order),
        by=order.by,
    )


def import_job(work: Work) -> None:
    """Checks and writes a workbook. Idempotent: the write is one transaction, and a rerun finds the rows unchanged."""
    order = Order(**work.params)
    path = uploads(work.config) / order.file
    today = now().astimezone(work.config.zone).date()
    if not path.exists():
        raise Refused("上传的文件已经过期，没有写入。请到“导入台账”重新选择文件")
    work.progress(0, 2)
    with work.make_session() as session:
        data = path.read_bytes()
        checked = check(
            read_only(session),
            work.config,
            data,
            division=order.division,
            prefix=order.prefix,
            today=today,
        )
    work.progress(1, 2)
    with work.make_session() as session:
        report = write(session, order, checked, today=today)
        if not report.applied:
            raise Refused(
                f"有 {len(report.errors)} 处要改，没有写入。请到“导入台账”重新选择文件，看清单"
            )
        session.commit()
    work.progress(2, 2)
    forget(path)


def forget(path: Path) -> None:
    """Deletes an uploaded workbook and the file with its name."""
    path.unlink(missing_ok=True)
    path.with_suffix(".name").unlink(missing_ok=True)
