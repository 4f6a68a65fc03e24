from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest

from exam_app.kb.history import last_changes, records
from exam_app.kb.pages import anchors
from question_bank import (
    BankError,
    balance,
    check_bank,
    is_negative,
    load_bank,
    load_pool,
    parse_question,
    point_counts,
    to_review,
)
from training_records.facts.loading import load_facts, required_points

GOOD = """- id: topic-0001
  type: single
  stem: 每个村至少要有几名儿童主任？
  options: {A: 1 名, B: 2 名}
  key: A
"""


def test_the_bank_that_ships_is_clean():
    facts, bank = load_facts(), load_bank()
    points = set(required_points()) | set(records(facts.data))
    problems = check_bank(
        bank, facts.clauses, anchors(), points=points, changes=last_changes(facts.data)
    )
    assert problems == []


def test_the_bank_is_as_large_as_the_course_needs():
    bank = load_bank()
    types = Counter(q.type for q in bank.reviewed())
    assert len(bank) >= 600
    assert types["single"] >= 300 and types["multiple"] >= 120 and types["true_false"] >= 80
    assert types["fill"] >= 40 and types["order"] + types["match"] >= 20
    assert types["case"] >= 40
    assert all(2 <= len(q.questions) <= 3 for q in bank if q.type == "case")
    topics = Counter(q.topic for q in bank)
    assert set(topics) == set(load_facts().topics.values())
    assert min(topics.values()) >= 35
    assert Counter(q.level for q in bank)["apply"] * 2 >= len(bank)
    assert len(load_pool("social-work").of(bank)) >= 60
    assert {q.topic for q in load_pool("daily").of(bank)} == set(topics) - {"社工方法"}


def test_everything_a_director_does_directly_is_asked_twice():
    counts = point_counts(load_bank(), required_points())
    assert [c for c in required_points() if counts[c] < 2] == []


def test_nothing_rests_on_what_is_marked_unverified():
    marked = re.compile("待核")
    assert [q.id for q in load_bank() if marked.search(q.model_dump_json())] == []


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
    assert any("不在事实里" in r for r in reasons)
    assert any("知识库里没有" in r for r in reasons)


GOOD_SINGLE = {
    "id": "topic-0001",
    "type": "single",
    "stem": "走访记录应当在什么时候写好？",
    "options": {"A": "走访当天", "B": "等到月底", "C": "抽查以前", "D": "想起来时"},
    "key": "A",
    "source": "青21#10",
    "kb": "services/visits#file",
    "topic": "走访建档",
    "level": "apply",
    "explanation": "当天写。等到月底、抽查以前、想起来时再写都会记错。",
    "status": "reviewed",
}


def reasons(**changes):
    """What the check says of the good question with these changes."""
    from question_bank import Bank

    question = parse_question({**GOOD_SINGLE, **changes})
    bank = Bank({question.id: question}, {question.id: "x.yaml"})
    return [p.reason for p in check_bank(bank)]


def test_a_well_written_question_passes():
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"options": {"A": "走访当天", "B": "等到月底", "C": "以上都对"}}, "以上都对"),
        ({"options": {"A": "走访当天", "B": "绝对不用写", "C": "抽查以前"}}, "太绝对"),
        ({"stem": "走访记录**什么时候**写不合适？"}, ""),
        ({"stem": "走访记录什么时候写不合适？"}, "加粗"),
        ({"stem": "下列说法正确的是？"}, "不看选项"),
        ({"options": {"A": "每年", "B": "每月", "C": "每周"}}, "从小到大"),
        ({"options": {"A": "走访当天晚上睡觉以前写好", "B": "月底", "C": "想起"}}, "一半以上"),
        ({"options": {"A": "当天", "B": "等到所有人都催了很多次以后再找时间补"}}, "长短相差"),
        (
            {
                "stem": "按规定应当当天写好记录，何时写？",
                "options": {"A": "当天写好记录", "B": "等到月底再说", "C": "抽查以前再说"},
            },
            "重复了题干",
        ),
        ({"explanation": "当天写。等到月底会忘，抽查以前补是假的。"}, "想起来时"),
        ({"explanation": "当天写。" * 40}, "压到 120"),
    ],
)
def test_the_rules_of_item_writing(changes, reason):
    found = reasons(**changes)
    if reason:
        assert any(reason in r for r in found), found
    else:
        assert not any("加粗" in r for r in found), found


def many(n, **changes):
    from question_bank import Bank

    questions = {}
    for i in range(n):
        data = {**GOOD_SINGLE, "id": f"topic-{i:04d}", **changes}
        data["stem"] = f"第 {i} 种情况下，走访记录应当在什么时候写好？"
        questions[data["id"]] = parse_question(data)
    return Bank(questions, dict.fromkeys(questions, "x.yaml"))


def test_uneven_keys_are_told():
    found = balance(many(40), is_negative)
    assert found.positions == {"A": 40, "B": 0, "C": 0, "D": 0}
    assert any("位置不均匀" in fault for fault in found.faults())


def test_keys_that_are_the_longest_are_told():
    options = {"A": "走访的当天晚上", "B": "等到月底", "C": "抽查以前", "D": "想起来时"}
    assert any(
        "最长" in fault for fault in balance(many(40, options=options), is_negative).faults()
    )


def test_too_few_to_judge_is_no_fault():
    found = balance(many(3), is_negative)
    assert found.positions_p is None and found.true_p is None
    assert not any("位置" in fault for fault in found.faults())


def test_a_question_is_reviewed_when_its_clause_changed_after_its_check():
    bank = many(2, checked="2026-11-01")
    assert to_review(bank, {"青21#10": date(2026, 11, 1)}) == []
    found = to_review(bank, {"青21#10": date(2026, 11, 2)})
    assert [(q.id, what) for q, what, _ in found] == [
        ("topic-0000", "青21#10"),
        ("topic-0001", "青21#10"),
    ]
