"""All tables in one place, so that migrations see the whole metadata."""

from training_records.database import Base

metadata = Base.metadata

__all__ = ["metadata"]
