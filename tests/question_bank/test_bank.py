from __future__ import annotations

from collections import Counter

import pytest

from exam_app.kb.facts import load_facts, required_clauses
from exam_app.kb.pages import anchors
from question_bank import BankError, check_bank, clause_counts, load_bank

GOOD = """- id: topic-0001
  type: single
  stem: 每个村至少要有几名儿童主任?
  options: {A: 1 名, B: 2 名}
  key: A
"""


def test_the_bank_that_ships_is_clean():
    bank = load_bank()
    assert len(bank) >= 150
    assert check_bank(bank, load_facts().clauses, anchors()) == []
    assert {q.topic for q in bank} == set(load_facts().topics.values())
    assert min(Counter(q.topic for q in bank).values()) >= 10


def test_every_clause_a_director_acts_on_is_asked():
    counts = clause_counts(load_bank(), required_clauses())
    assert [c for c in required_clauses() if not counts[c]] == []


def test_key_positions_are_even():
    counts = Counter(q.key for q in load_bank() if q.type == "single")
    assert max(counts.values()) - min(counts.values()) <= 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- id: [", "不是能读的 YAML"),
        ("id: topic-0001", "题目列表"),
        (GOOD + GOOD, "编号重复"),
        (GOOD.replace("key: A", "key: C"), "不在选项里"),
        (GOOD.replace("type: single", "type: riddle"), "题型不认识"),
        (GOOD + "  colour: red\n", "没有这个字段"),
        ("- 只是一句话", "整题"),
    ],
)
def test_a_broken_file_says_where_and_why(tmp_path, text, reason):
    (tmp_path / "x.yaml").write_text(text, "utf-8")
    bank = load_bank(tmp_path, strict=False)
    assert reason in bank.faults[0].reason
    assert bank.faults[0].where == "x.yaml"
    with pytest.raises(BankError, match=r"x\.yaml"):
        load_bank(tmp_path)


def test_near_duplicates_and_unknown_links_are_reported(tmp_path):
    other = GOOD.replace("topic-0001", "topic-0002").replace("至少要有", "至少有")
    (tmp_path / "x.yaml").write_text(GOOD + other, "utf-8")
    assert any("很相似" in p.reason for p in check_bank(load_bank(tmp_path)))
    linked = GOOD + "  source: 无此法#1\n  kb: no/page\n"
    (tmp_path / "x.yaml").write_text(linked, "utf-8")
    reasons = [p.reason for p in check_bank(load_bank(tmp_path), {"青21#1"}, {"index"})]
    assert any("不在 docs/data" in r for r in reasons)
    assert any("知识库里没有" in r for r in reasons)
