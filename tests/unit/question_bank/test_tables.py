"""CSV files as people's programs write them."""

from __future__ import annotations

import numpy as np
import pytest

from question_bank import responses
from question_bank.responses import ResponsesError, read_groups, read_key, read_responses
from question_bank.tables import TableError, read_rows


@pytest.fixture
def saved(tmp_path):
    def saved_(data: bytes):
        path = tmp_path / "t.csv"
        path.write_bytes(data)
        return path

    return saved_


def lines(*rows: str, end: str = "\r\n") -> str:
    """Rows with spaces between their cells, as a table."""
    return "".join(row.replace(" ", ",") + end for row in rows)


ROWS = [["person", "第一题"], ["王芳", "A,B"], ["李明", "丙"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_way_of_writing_the_same_table(saved, encoding, end):
    text = lines("person 第一题", '王芳 "A,B"', "李明 丙", end=end)
    assert list(read_rows(saved(text.encode(encoding)))) == ROWS


def test_empty_lines_are_passed_over_and_short_rows_filled_up(saved):
    path = saved(b"person,q1,q2\n\na,1\n\nb,1,2\n\n")
    assert list(read_rows(path)) == [["person", "q1", "q2"], ["a", "1", ""], ["b", "1", "2"]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "空"),
        (b"\xef\xbb\xbf", "空"),
        (b"a,b\n1,2,3\n", "第 2 行的格子比表头多"),
        (b'a,b\n1,"2\n3,4\n', "引号"),
        (b'a,b\n1,"2"3\n', "第 2 行的引号"),
        (b"a,b\n1,\xff\xff\n", "GB18030"),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", "第 2 行"),
    ],
)
def test_what_is_no_table_says_where_and_why(saved, data, reason):
    with pytest.raises(TableError, match=reason):
        list(read_rows(saved(data)))


def test_responses_as_chinese_excel_writes_them(saved):
    data = read_responses(
        saved(lines("person 题一 题二", "张三 A 对", "李四 B\t 错").encode("gbk")),
        {"题一": ("B", 1.0), "题二": ("对", 2.0)},
    )
    assert data.persons == ["张三", "李四"] and data.items == ("题一", "题二")
    assert data.levels == (("A", "B"), ("对", "错"))
    assert data.scores().tolist() == [[0, 2], [1, 0]]


def test_levels_are_in_order_whatever_comes_first_and_in_which_block(saved, monkeypatch):
    monkeypatch.setattr(responses, "BLOCK", 2)
    cells = ("3", "2", "NA", "", " 1")
    text = "person,q1\n" + "".join(f"p{n},{cell}\n" for n, cell in enumerate(cells))
    data = read_responses(saved(text.encode()))
    assert data.levels == (("", "1", "2", "3", "NA"),)
    assert data.codes[:, 0].tolist() == [3, 2, 4, 0, 1]
    np.testing.assert_array_equal(data.score(0), [3, 2, np.nan, 0, 1])


def test_a_column_of_anything_is_refused_and_not_counted_to_the_end(saved, monkeypatch):
    monkeypatch.setattr(responses, "MAX_LEVELS", 3)
    with pytest.raises(ResponsesError, match="“q1”一列有 3 种以上"):
        read_responses(saved(b"person,q1\na,1\nb,2\nc,3\nd,4\n"))
    assert len(read_responses(saved(b"person,q1\na,1\nb,2\nc, 1\nd,3\n")).levels[0]) == 3


def test_an_item_that_stands_twice_is_refused(saved):
    with pytest.raises(ResponsesError, match="重复的题号：q1"):
        read_responses(saved(b"person,q1,q1\na,1,1\n"))


def test_key_and_groups_as_chinese_excel_writes_them(saved):
    assert read_key(saved(lines("item key points", "题一 甲 2", "题二 乙\t ").encode("gbk"))) == {
        "题一": ("甲", 2.0),
        "题二": ("乙", 1.0),
    }
    assert read_groups(saved(lines("person group", "张三 东村", "李四 ").encode("gbk"))) == {
        "张三": "东村",
        "李四": "",
    }
