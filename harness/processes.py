"""Processes that end with the block that started them, also when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def child(
    command: Sequence[str], cwd: Path | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process, killed at the end of the block if it still runs."""
    with subprocess.Popen(command, cwd=cwd, stdout=stdout) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Tells a process that leads a session of its own to stop; after `seconds` kills it and all of its workers."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
