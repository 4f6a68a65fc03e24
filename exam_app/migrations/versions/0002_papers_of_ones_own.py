"""papers of one's own: shuffled exams, the seed of an attempt"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A default in the database too, so that code from before the change can still insert.
    op.add_column(
        "exam", sa.Column("shuffled", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("attempt", sa.Column("seed", sa.Integer(), nullable=True))
