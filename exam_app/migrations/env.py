"""Alembic's environment: the engine comes from the caller."""

from alembic import context
from sqlalchemy import JSON

from exam_app.models import metadata
from training_records.database import UtcDateTime


def render_item(kind, obj, autogen_context):
    if kind == "type" and isinstance(obj, UtcDateTime):
        autogen_context.imports.add("from training_records.database import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and isinstance(obj, JSON):
        autogen_context.imports.add("from training_records.database import Json")
        return "Json"
    return False


def run() -> None:
    engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=True,
            render_item=render_item,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
