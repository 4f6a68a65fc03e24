"""The log of what was done, by page."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.factories import CITY, DISTRICT, TOWN, today


def test_the_log_of_what_was_done_by_scope(world, sign_in):
    office = sign_in(world.account("district", DISTRICT))
    due = (today() + timedelta(days=3)).isoformat()
    for number in range(52):
        office.form("/office-tasks", title=f"材料 {number}", due_on=due)
    page = office.get("/admin/log").text
    assert page.count("task.give") == 50 and "材料 51" in page and "更早的" in page
    older = re.search(r'href="(/admin/log\?[^"]*before=\d+)"', page)[1].replace("&amp;", "&")
    assert "材料 0" in office.get(older).text
    assert "没有符合的记录" in office.get("/admin/log?q=ledger").text
    assert "task.give" in office.get("/admin/log?q=task").text
    assert "task.give" in sign_in(world.account("city", CITY)).get("/admin/log").text
    other = sign_in(world.account("district", "370281000000"))
    assert "task.give" not in other.get("/admin/log").text
    assert sign_in(world.account("supervisor", TOWN)).get("/admin/log").status_code == 403
