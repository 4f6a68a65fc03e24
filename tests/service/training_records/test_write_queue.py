from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from harness.processes import child
from training_records import write_queue
from training_records.database import make_engine
from training_records.write_queue import WriteQueue, queue_for


def test_first_come_first_served(tmp_path: Path) -> None:
    queue, order = WriteQueue(tmp_path / "a.db"), []
    queue.take()

    def one(number: int) -> None:
        queue.take()
        order.append(number)
        queue.give()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=one, args=(number,)))
        threads[-1].start()
        time.sleep(0.02)
    queue.give()
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_who_waits_too_long_leaves_the_queue(tmp_path: Path) -> None:
    queue = WriteQueue(tmp_path / "a.db")
    queue.take()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        queue.take(0.05)
    queue.give()
    queue.take(0.05)
    queue.give()


def test_a_folder_that_is_not_there_blocks_nobody(tmp_path: Path) -> None:
    queue = WriteQueue(tmp_path / "none" / "a.db")
    for _ in range(2):
        with pytest.raises(OSError):
            queue.take(0.05)


def test_writers_of_two_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    engine = make_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE n (v INTEGER)"))
        connection.execute(text("INSERT INTO n VALUES (0)"))
    script = (
        "import sys; from concurrent.futures import ThreadPoolExecutor as P\n"
        "from sqlalchemy import text; from training_records.database import make_engine\n"
        "e = make_engine(sys.argv[1])\n"
        "def one(_):\n"
        "    with e.begin() as c:\n"
        "        v = c.execute(text('SELECT v FROM n')).scalar()\n"
        "        c.execute(text('UPDATE n SET v = :v'), {'v': v + 1})\n"
        "with P(8) as p: list(p.map(one, range(100)))\n"
    )
    command = [sys.executable, "-c", script, f"sqlite:///{path}"]
    with ExitStack() as stack:
        for process in [stack.enter_context(child(command)) for _ in range(3)]:
            assert process.wait(60) == 0
    with engine.connect() as connection:
        assert connection.execute(text("SELECT v FROM n")).scalar() == 300
    engine.dispose()


def test_the_turn_ends_with_every_kind_of_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WriteQueue.take, "__defaults__", (0.2,))
    engine = make_engine(f"sqlite:///{tmp_path / 'a.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE n (v INTEGER)"))
    with pytest.raises(ZeroDivisionError), engine.begin() as connection:
        connection.execute(text("INSERT INTO n VALUES (1)"))
        raise ZeroDivisionError
    first = engine.connect()
    first.execute(text("INSERT INTO n VALUES (2)"))
    with pytest.raises(OperationalError, match="locked"), engine.begin():
        pass
    first.close()
    first = engine.connect()
    first.execute(text("INSERT INTO n VALUES (3)"))
    first.invalidate()
    first.close()
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM n")).scalar() == 0
    engine.dispose()


def test_a_process_that_is_killed_gives_up_its_turn(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    script = (
        "import sys, time; from pathlib import Path; from training_records.write_queue import WriteQueue\n"
        "t = WriteQueue(Path(sys.argv[1])); t.take(); print('mine', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    with child(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"mine\n"
        queue = WriteQueue(path)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(queue.take)
            time.sleep(0.1)
            assert not waiting.done()
            process.kill()
            waiting.result(5)
        queue.give()


def test_one_queue_a_file_and_process(tmp_path: Path) -> None:
    one, two = queue_for(tmp_path / "a.db"), queue_for(tmp_path / "x" / ".." / "a.db")
    assert one is two is not queue_for(tmp_path / "b.db")
    assert (write_queue.os.getpid(), str(tmp_path.resolve() / "a.db")) in write_queue._TURNS
