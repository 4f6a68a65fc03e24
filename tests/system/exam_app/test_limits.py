"""Processes count together, by Redis."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import replace

import pytest
import redis

from exam_app.web.limits import Limits
from harness.postgres import free_port
from harness.processes import child
from tests.conftest import missing


@pytest.fixture
def server():
    program = shutil.which("redis-server")
    if program is None:
        missing("没有 redis-server(Debian 包 redis-server；没有它，次数就记在各进程里)")
    port = free_port()
    command = [program, "--port", str(port), "--save", ""]
    with child(command, stdout=subprocess.DEVNULL) as process:
        for _ in range(100):
            try:
                redis.Redis(port=port).ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        yield process, f"redis://127.0.0.1:{port}/0"


def test_processes_count_together_and_go_on_without_it(config, server):
    process, url = server
    one, two = (Limits(replace(config, redis_url=url)) for _ in range(2))
    found = [limits.wait("verify.form", "address:1") for _ in range(20) for limits in (one, two)]
    assert found[:30] == [0] * 30 and all(found[30:])
    process.kill()
    process.wait()
    assert one.wait("verify.form", "address:1") == 0
