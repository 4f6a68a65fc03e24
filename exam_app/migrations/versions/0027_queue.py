"""the queue's tables (PostgreSQL), and which job reads a file of scans"""

import sqlalchemy as sa
from alembic import context, op
from procrastinate.schema import SchemaManager

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
# What the library lays down changes with it: a later version brings its changes in a migration of its own.
LIBRARY = "3.10.0"


def upgrade() -> None:
    op.add_column("scan_file", sa.Column("job_id", sa.Integer(), nullable=True))
    if wanted():
        schema = SchemaManager.get_schema()
        if context.is_offline_mode():
            op.execute(schema)
        else:
            # Many statements at once, with signs of percent: as they are.
            op.get_bind().execution_options(no_parameters=True).exec_driver_sql(schema)


def wanted() -> bool:
    """On PostgreSQL itself: databases made from older versions of it lack what the queue is made of; there the worker
    in the process does the same."""
    if op.get_context().dialect.name != "postgresql":
        return False
    if context.is_offline_mode():
        return True
    told = op.get_bind().exec_driver_sql("SELECT version()").scalar() or ""
    there = op.get_bind().exec_driver_sql("SELECT to_regclass('procrastinate_jobs')").scalar()
    return told.startswith("PostgreSQL") and "openGauss" not in told and there is None
