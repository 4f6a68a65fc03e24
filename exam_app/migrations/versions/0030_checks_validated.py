"""the checks of 0029 hold for rows from before as well (PostgreSQL)

A step of its own, that only reads the tables through. Where it runs together with 0029 both are one transaction, and
others wait until it is through.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

CHECKS = (
    ("account", "role"),
    ("post", "role"),
    ("absence", "kind"),
    ("ledger_change", "kind"),
    ("attempt", "state"),
    ("attempt_event", "before"),
    ("attempt_event", "after"),
    ("coverage_seat", "role"),
    ("coverage_seat", "status"),
    ("coverage_frozen_seat", "status"),
    ("job", "state"),
    ("course_version", "state"),
    ("event", "state"),
    ("enrolment", "state"),
    ("attendance", "state"),
    ("event_file", "kind"),
    ("reminder", "kind"),
    ("reminder_delivery", "state"),
    ("spot_item", "state"),
    ("evaluation_run", "state"),
    ("exemplar", "state"),
    ("good_case", "state"),
)


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, column in CHECKS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{column}")
