"""Atomic file writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, renamed to `path` on success and removed on failure."""
    partial = path.with_name(path.name + ".half")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
