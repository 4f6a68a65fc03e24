"""The log: what is told may wait for a moment, what is wrong is written at once, nothing is out of order."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from hypothesis import given
from hypothesis import strategies as st

from exam_app.core.logs import MAX_HELD, PAUSE, Log, init_logs, line
from exam_app.exams.schemas import SaveOut, iso


def test_an_error_comes_at_once_and_after_what_was_told_before(capsys):
    log = Log()
    log.info("at once")
    assert capsys.readouterr().err == "at once\n"
    log._holds = True
    log.info("1")
    log.info("2")
    assert capsys.readouterr().err == ""
    log.error("3")
    log.info("4")
    assert capsys.readouterr().err == "1\n2\n3\n"
    log.pour()
    log.pour()
    assert capsys.readouterr().err == "4\n"


def test_held_lines_are_written_soon(capsys):
    log = Log()
    log.hold()
    log.hold()
    log.info("soon")
    for _ in range(100):
        time.sleep(PAUSE / 2)
        if (told := capsys.readouterr().err) == "soon\n":
            return
    raise AssertionError(told)


def _tell_and_end() -> None:
    log = Log()
    log.hold()
    for number in range(1000):
        log.info(str(number))


def test_a_process_that_ends_writes_what_it_holds(capfd):
    for method in ("fork", "spawn"):
        process = multiprocessing.get_context(method).Process(target=_tell_and_end)
        process.start()
        process.join(60)
        assert process.exitcode == 0
        assert capfd.readouterr().err.split() == [str(number) for number in range(1000)]


def test_a_full_disk_costs_lines_and_nothing_else(monkeypatch):
    class Full:
        def write(self, text: str) -> None:
            raise OSError(28, "No space left on device")

    log = Log()
    log._holds = True
    monkeypatch.setattr(sys, "stderr", Full())
    for number in range(MAX_HELD + 10):
        log.info(str(number))
    assert len(log._held) == MAX_HELD and log._held[0] == "10"
    log.error("lost")
    assert not log._held


def test_what_a_line_says(capsys):
    init_logs()
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(request_id="12"):
        try:
            raise ValueError("坏了")
        except ValueError:
            log.exception("failed", path=Path("x"))
    told = json.loads(capsys.readouterr().err)
    assert told["event"] == "failed" and told["level"] == "error" and told["request_id"] == "12"
    assert "ValueError: 坏了" in told["exception"] and "Path" in told["path"]
    at = datetime.fromisoformat(json.loads(line("info", {"event": "x"}))["timestamp"])
    assert abs(datetime.now(UTC) - at) < timedelta(seconds=10)


@given(
    st.dictionaries(st.text(max_size=8), st.integers(1, 2**53)),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_the_body_of_a_save_is_what_its_description_says(saved, deadline):
    told = SaveOut.model_validate_json(SaveOut.body(saved, deadline))
    assert told.saved == saved and told.deadline == iso(deadline)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(told.server_time)) < timedelta(seconds=60)
