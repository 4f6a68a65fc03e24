"""Copy of all data from one engine to another, verified by row counts and hash chains."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, Integer, func, insert, select, text
from sqlalchemy.orm import Session

from exam_app.audit.service import verify as verify_audit
from exam_app.migrations.metadata import metadata
from exam_app.migrations.running import is_current, upgrade
from exam_app.operations.backups import count_rows
from training_records.archive.service import verify as verify_archive
from training_records.errors import Refused

BATCH = 2000


def copy_all(
    source: Engine, target: Engine, told: Callable[[str, int], None] = lambda name, rows: None
) -> dict[str, int]:
    """Copies every row into an empty database; returns rows by table. `told` is called after each table.

    `Refused` when the source is not at this version, the target holds data, or the copy differs;
    the target is rolled back then.
    """
    if not is_current(source):
        raise Refused("原来的数据库不是最新版本。请先运行 academy db upgrade，再搬")
    upgrade(target)
    nonempty = [name for name, rows in count_rows(target).items() if rows]
    if nonempty:
        raise Refused(f"目标数据库里已有数据（{'、'.join(nonempty[:3])}…），没有搬。请换一个空的")
    rows = {}
    with (
        source.connect().execution_options(read_only=True) as source_connection,
        target.begin() as target_connection,
    ):
        for table in metadata.sorted_tables:
            rows[table.name] = 0
            # By key: a row that points to another of its table comes after it.
            query = select(table).order_by(*table.primary_key.columns)
            result = source_connection.execution_options(yield_per=BATCH).execute(query)
            for batch in result.mappings().partitions(BATCH):
                target_connection.execute(insert(table), [dict(row) for row in batch])
                rows[table.name] += len(batch)
            told(table.name, rows[table.name])
        _set_sequences(target_connection)
        # Verify inside the transaction, so that a copy that differs is rolled back.
        for table in metadata.sorted_tables:
            copied = target_connection.scalar(select(func.count()).select_from(table))
            if copied != rows[table.name]:
                raise Refused(
                    f"{table.name} 搬了 {rows[table.name]} 行，目标里有 {copied} 行，没有保存"
                )
        with Session(bind=target_connection) as session:
            breaks = verify_archive(session)[1] + verify_audit(session)[1]
        if breaks:
            raise Refused(
                f"搬过去的 {breaks[0].chain} 第 {breaks[0].seq} 条对不上：{breaks[0].reason}，没有保存"
            )
    return rows


def _set_sequences(connection: object) -> None:
    """Advances the sequences past the copied keys (PostgreSQL)."""
    run = connection.execute  # type: ignore[attr-defined]
    if connection.dialect.name != "postgresql":  # type: ignore[attr-defined]
        return
    for table in metadata.sorted_tables:
        for column in table.primary_key.columns:
            if not isinstance(column.type, Integer):
                continue
            sequence = run(
                text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": table.name, "column": column.name},
            ).scalar()
            if sequence:
                highest = run(select(func.max(column))).scalar()
                run(
                    text("SELECT setval(:sequence, :value, :called)"),
                    {"sequence": sequence, "value": highest or 1, "called": highest is not None},
                )
