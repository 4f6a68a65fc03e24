"""facts of a run"""

import sqlalchemy as sa
from alembic import op

from training_records.database import Json

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluation_run", sa.Column("facts", Json, nullable=True))
