"""Every day, where each chain of the archive ends is noted in the database and in a file beside it, which an
office may copy, print or send away."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session, sessionmaker

from exam_app.config import Config
from training_records.chain import anchor, parse_anchor

FILE = "anchors.txt"


def anchor_today(make_session: sessionmaker[Session], config: Config, today: date) -> int:
    """Notes the ends of today, once; how many chains."""
    with make_session() as session:
        lines = anchor(session, today)
        if lines:
            # The file first: an anchor that only the file knows is none too many.
            with (config.instance / FILE).open("a", encoding="utf-8") as out:
                out.writelines(line + "\n" for line in lines)
        session.commit()
    return len(lines)


def outside(config: Config) -> list[tuple[str, int, str]]:
    """The anchors of the file: (chain, seq, hash)."""
    try:
        text = (config.instance / FILE).read_text(encoding="utf-8")
    except OSError:
        return []
    return [found for line in text.splitlines() if (found := parse_anchor(line))]
