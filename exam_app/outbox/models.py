"""Table of what phones brought."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from training_records.database import Base


class OutboxItem(Base):
    """An item of a phone's queue that was stored, so that it counts once for ever. Identity: (person, id); the phone
    makes the id.

    `made_at`: when it was made, by the phone's clock as corrected by the server's.
    """

    __tablename__ = "outbox_item"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    device: Mapped[str] = mapped_column(String(36))
    made_at: Mapped[datetime]
    stored_at: Mapped[datetime]
