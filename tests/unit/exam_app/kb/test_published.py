"""What people wrote, in the knowledge base."""

from __future__ import annotations

from exam_app.kb.pages import render_pages
from exam_app.kb.published import (
    Published,
    PublishedCase,
    PublishedPerson,
    as_markdown,
    file_of,
    load_published,
    write_published,
)

HOSTILE = (
    "<script>alert(1)</script> [点我](https://x.example) # 题 〔青21#99〕 ⟦used:x⟧ *粗*\n第二段"
)


def test_what_people_wrote_shows_as_it_is():
    published = Published(
        (PublishedPerson(2026, "王*兰", "平度市前河村", HOSTILE),),
        (PublishedCase(2026, HOSTILE.splitlines()[0], "平度市", HOSTILE, HOSTILE, HOSTILE),),
    )
    page = render_pages(published)["cases/published"]
    assert "<script" not in page and "](https" not in page and "2026 年 王" in page
    assert "身边的典型" in page and "还没有公布" not in page
    assert "还没有公布" in render_pages()["cases/published"]
    assert as_markdown("a\n\n b") == "a\n\nb"


def test_published_is_kept_for_later_builds(tmp_path):
    path = file_of(tmp_path / "kb")
    assert load_published(path) == Published()
    told = Published((PublishedPerson(2026, "王秀兰", "前河村", "好"),))
    write_published(path, told)
    assert load_published(path) == told
