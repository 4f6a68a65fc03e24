"""lines of an event's history that name a person belong to their division

What was written before counts as the event's own office's, where it may name somebody.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event_note", sa.Column("division_code", sa.String(length=12), nullable=True))
    op.execute(
        "UPDATE event_note SET division_code ="
        " (SELECT event.division_code FROM event WHERE event.id = event_note.event_id)"
        " WHERE text LIKE '候补的%补上了' OR text LIKE '%：%改为%'"
    )
