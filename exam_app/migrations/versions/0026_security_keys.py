"""security keys"""

import sqlalchemy as sa
from alembic import op

from training_records.database import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_key",
        sa.Column("credential", sa.String(length=1400), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.String(length=1400), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_security_key_account_id_account")
        ),
        sa.PrimaryKeyConstraint("credential", name=op.f("pk_security_key")),
    )
    with op.batch_alter_table("security_key", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_security_key_account_id"), ["account_id"], unique=False
        )
