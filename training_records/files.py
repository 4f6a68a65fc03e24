"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its name when all went well; else nothing stays."""
    half = path.with_name(path.name + ".half")
    try:
        yield half
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
