"""Daily anchors: the head of each hash chain, stored in the database and in a text file that an office can copy, print
or send elsewhere."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config
from training_records.chain import Anchored, anchor, parse_anchor

FILE = "anchors.txt"


def anchor_today(make_session: sessionmaker[Session], config: Config, today: date) -> int:
    """Anchors the chain heads once a day. Returns the number of chains anchored by this call."""
    with make_session() as session:
        lines = anchor(session, today)
        if lines:
            # Write the file before the commit: an extra anchor in the file is harmless.
            with (config.instance / FILE).open("a", encoding="utf-8") as out:
                out.writelines(line + "\n" for line in lines)
        session.commit()
    return len(lines)


def outside(config: Config) -> list[Anchored]:
    """Returns the anchors in the file as (chain, seq, hash); empty without a file."""
    try:
        text = (config.instance / FILE).read_text(encoding="utf-8")
    except OSError:
        return []
    return [parsed for line in text.splitlines() if (parsed := parse_anchor(line))]
