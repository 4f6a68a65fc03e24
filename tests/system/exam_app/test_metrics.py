"""Figures of all workers together."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import urllib.request
from pathlib import Path

from harness.server import running
from harness.world import prepare


def counted(text):
    found = re.findall(r'academy_requests_total\{endpoint="home.healthz",[^}]*\} ([\d.]+)', text)
    return sum(map(float, found))


def test_all_workers_together_and_a_reload_that_nobody_notices(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'metrics.db'}"
    prepare(url, 1)
    failed, asked, stop = [], [0], threading.Event()
    with running(url, tmp_path, workers=2) as served:

        def answered() -> str | None:
            try:
                with urllib.request.urlopen(f"{served.url}/healthz", timeout=10) as answer:
                    assert answer.status == 200
                asked[0] += 1
                return None
            except OSError as error:
                return str(error)

        def ask() -> None:
            while not stop.is_set():
                # A process that stops closes what has just connected: asked once more, as the proxy in front does.
                if answered() and (twice := answered()):
                    failed.append(twice)

        phones = [threading.Thread(target=ask) for _ in range(3)]
        for phone in phones:
            phone.start()
        time.sleep(1)
        before = set(served.pids())
        os.kill(served.process.pid, signal.SIGHUP)
        deadline = time.monotonic() + 60
        while before & (set(served.pids()) - {served.process.pid}):
            assert time.monotonic() < deadline, "the workers were not replaced"
            time.sleep(0.2)
        time.sleep(1)
        stop.set()
        for phone in phones:
            phone.join()
        with urllib.request.urlopen(f"{served.url}/metrics", timeout=10) as answer:
            told = answer.read().decode()
    assert failed == []
    assert asked[0] > 50 and counted(told) >= asked[0]
