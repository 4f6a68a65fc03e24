"""Practice by page."""

from __future__ import annotations

from tests.factories import VILLAGE


def test_practice_marks_and_leaves_out_the_exam(world, sign_in):
    exam = world.exam()
    api = sign_in(world.account("director", VILLAGE))
    reserved = {item["id"] for item in exam.forms[0].items}
    page = api.get("/practice?all=1").text
    assert page.count('name="item"') == 5
    assert not any(f'value="{item}"' in page for item in reserved)
    marked = api.form("/practice", item="duties-0007", **{"duties-0007": "A"})
    assert "题答对" in marked.text and "看知识库" in marked.text
