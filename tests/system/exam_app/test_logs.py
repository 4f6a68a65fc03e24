"""The log of a server that is told to stop."""

from __future__ import annotations

import json
import re
import urllib.request

from harness.server import running
from harness.world import prepare


def test_a_server_that_is_told_to_stop_has_written_a_line_for_each_request(tmp_path):
    url = f"sqlite:///{tmp_path / 'log.db'}"
    prepare(url, 1)
    numbers = set()
    with running(url, tmp_path) as served:
        for _ in range(40):
            with urllib.request.urlopen(f"{served.url}/healthz", timeout=10) as answer:
                numbers.add(answer.headers["X-Request-ID"])
    assert len(numbers) == 40 and all(re.fullmatch("[0-9a-f]{16}", n) for n in numbers)
    told = [
        json.loads(x) for x in (tmp_path / "server.log").read_text().splitlines() if x[0] == "{"
    ]
    assert numbers <= {x["request_id"] for x in told if x["event"] == "request"}
