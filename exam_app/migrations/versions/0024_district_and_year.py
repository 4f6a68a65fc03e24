"""district and year of the largest tables"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = ("archive_entry", "visit", "attempt", "answer")
# Correlated, so that both engines take it.
DISTRICTS = {
    "archive_entry": "substr(chain, 9)",
    "visit": "(SELECT substr(c.division_code, 1, 6) || '000000' FROM case_entry c WHERE c.id = visit.case_id)",
    "attempt": "(SELECT substr(p.division_code, 1, 6) || '000000' FROM post p "
    "WHERE p.person_id = attempt.person_id ORDER BY p.start DESC, p.id DESC LIMIT 1)",
    "answer": "(SELECT a.district FROM attempt a WHERE a.id = answer.attempt_id)",
}
DAYS = {
    "archive_entry": "recorded_at",
    "visit": '"on"',
    "attempt": "started_at",
    "audit_entry": "at",
}


def upgrade() -> None:
    for name in (*TABLES, "audit_entry"):
        with op.batch_alter_table(name, schema=None) as batch_op:
            if name in TABLES:
                batch_op.add_column(
                    sa.Column("district", sa.String(length=12), server_default="", nullable=False)
                )
            batch_op.add_column(
                sa.Column("year", sa.SmallInteger(), server_default="0", nullable=False)
            )
    for name in ("attempt", "archive_entry", "visit", "audit_entry", "answer"):
        values = [f"year = {_year(name)}"]
        if name in DISTRICTS:
            values.append(f"district = COALESCE({DISTRICTS[name]}, '')")
        op.execute(f"UPDATE {name} SET {', '.join(values)}")  # noqa: S608 (names above)  # nosec B608


def _year(name: str) -> str:
    if name == "answer":
        return "(SELECT a.year FROM attempt a WHERE a.id = answer.attempt_id)"
    if op.get_context().dialect.name == "postgresql":
        return f"CAST(extract(year FROM {DAYS[name]}) AS SMALLINT)"
    return f"CAST(strftime('%Y', {DAYS[name]}) AS INTEGER)"
