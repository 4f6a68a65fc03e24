"""how long a question was on the screen; which events of attempts the audit log has"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("answer", sa.Column("seconds", sa.Integer(), nullable=True))
    op.add_column(
        "attempt_event",
        sa.Column("audited", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index(
        "ix_attempt_event_not_audited",
        "attempt_event",
        ["id"],
        sqlite_where=sa.text("NOT audited"),
        postgresql_where=sa.text("NOT audited"),
    )
