from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from question_bank.classical import analyse
from question_bank.responses import (
    ResponsesError,
    read_groups,
    read_key,
    read_responses,
)
from tests.examples import examples
from tests.unit.question_bank.lsat import LSAT6, matrix


def written(tmp_path, rows, heads=None, name="r.csv"):
    """A response file from rows of cells."""
    heads = heads or [f"q{j + 1}" for j in range(len(rows[0]))]
    lines = ["person," + ",".join(heads)]
    lines += [f"p{i}," + ",".join(str(c) for c in row) for i, row in enumerate(rows)]
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def of_scores(tmp_path, scores):
    cells = [["NA" if np.isnan(v) else f"{v:g}" for v in row] for row in np.asarray(scores, float)]
    return analyse(read_responses(written(tmp_path, cells)))


def near(value, wanted):
    """Equal, where None stands for what can't be had."""
    if value is None or wanted is None or not np.isfinite(wanted):
        return value is None and (wanted is None or not np.isfinite(wanted))
    return value == pytest.approx(wanted, abs=1e-9)


def correlation(x, y):
    if x.std() < 1e-9 or y.std() < 1e-9:
        return None
    return float(np.corrcoef(x, y)[0, 1])


@settings(max_examples=examples(60), deadline=None)
@given(
    arrays(
        np.int8,
        st.tuples(st.integers(2, 25), st.integers(2, 6)),
        elements=st.integers(0, 3),
    )
)
def test_all_figures_are_those_of_their_definitions(tmp_path_factory, scores):
    folder = tmp_path_factory.mktemp("x")
    found = of_scores(folder, scores)
    x = scores.astype(float)
    total = x.sum(axis=1)
    k = x.shape[1]
    spread = total.var(ddof=1)
    alpha = k / (k - 1) * (1 - x.var(axis=0, ddof=1).sum() / spread) if spread > 1e-9 else None
    assert near(found.alpha, alpha)
    assert near(found.mean, total.mean()) and near(found.sd, total.std(ddof=1))
    for j, item in enumerate(found.items):
        rest = total - x[:, j]
        assert near(item.facility, x[:, j].mean() / max(x[:, j].max(), 0) if x[:, j].max() else 0.0)
        assert near(item.point_biserial, correlation(x[:, j], total))
        assert near(item.point_biserial_corrected, correlation(x[:, j], rest))
        middle = x[:, j] - x[:, j].mean()
        best = np.sort(middle) @ np.sort(rest)
        wanted = middle @ rest / best if best > 1e-9 * len(x) else None
        assert near(item.discrimination, wanted)


def test_row_order_cannot_matter(tmp_path):
    rng = np.random.default_rng(3)
    scores = (rng.random((40, 6)) < 0.6).astype(float)
    first = of_scores(tmp_path, scores).as_dict()
    again = of_scores(tmp_path, scores[rng.permutation(40)]).as_dict()
    for a, b in zip(first["items"], again["items"], strict=True):
        assert {k: v for k, v in a.items() if not isinstance(v, float)} == {
            k: v for k, v in b.items() if not isinstance(v, float)
        }
        for name in ("facility", "discrimination", "discrimination_27", "point_biserial"):
            assert near(a[name], b[name])


def test_upper_and_lower_27_percent_share_ties(tmp_path):
    # Totals 0, 1, 1, 2: 27 % of four is 1.08 persons at each end.
    scores = [[0, 0], [1, 0], [0, 1], [1, 1]]
    item = of_scores(tmp_path, scores).items[0]
    upper = (1 + 0.08 / 2 * 1) / 1.08
    lower = (0 + 0.08 / 2 * 1) / 1.08
    assert item.discrimination_27 == pytest.approx(upper - lower)


def test_kr20_of_lsat6_is_the_published_one(tmp_path):
    """0.295: printed for these data with the `ltm` package (Rizopoulos, J. Stat. Softw. 17, 2006)."""
    found = of_scores(tmp_path, matrix(LSAT6))
    assert round(found.alpha, 3) == 0.295
    assert found.alpha_low < found.alpha < found.alpha_high
    assert [round(i.facility, 3) for i in found.items] == [0.924, 0.709, 0.553, 0.763, 0.870]
    deleted = [round(i.alpha_if_deleted, 3) for i in found.items]
    assert deleted == [0.275, 0.238, 0.217, 0.246, 0.266]


def test_options_flags_and_what_was_left_out(tmp_path):
    # The key of q2 is wrong: the good ones choose B.
    rows = [["A", "B", "A"]] * 20 + [["A", "B", ""]] * 10 + [["B", "A", "A"]] * 15
    rows += [["C", "A", ""]] * 15
    (tmp_path / "key.csv").write_text("item,key,points\nq1,A,2\nq2,A,1\nq3,A,1\n", "utf-8")
    found = analyse(read_responses(written(tmp_path, rows), read_key(tmp_path / "key.csv")))
    first, second, third = found.items
    assert first.facility == pytest.approx(0.5) and first.options["A"].n == 30
    assert second.point_biserial_corrected < 0
    assert any("为负" in flag for flag in second.flags)
    assert any("答案可能错了：选 B" in flag for flag in second.flags)
    assert any("成绩最好的人里选 B" in flag for flag in second.flags)
    assert third.omitted == third.not_reached == 25
    assert third.facility == pytest.approx(35 / 60) and "" not in third.options


def test_nothing_to_tell_is_none_and_no_error(tmp_path):
    assert of_scores(tmp_path, [[1]]).alpha is None
    one = of_scores(tmp_path, [[1, 0, 1]])
    assert one.sd is None and one.items[0].point_biserial is None
    same = of_scores(tmp_path, [[1, 0]] * 5)
    assert same.alpha is None and same.items[0].discrimination is None
    assert any("没有差别" in flag for flag in same.items[0].flags)
    never = of_scores(tmp_path, [[np.nan, 1, 0], [np.nan, 0, 1], [np.nan, 1, 1]])
    assert never.items[0].n == 0 and never.items[0].facility is None and never.alpha is None
    # An alpha below zero is told as it is.
    odd = of_scores(tmp_path, [[1, 0], [0, 1], [1, 0], [0, 1], [1, 1]])
    assert odd.alpha < 0


def test_not_administered_is_left_out_of_that_item(tmp_path):
    scores = np.array([[1, 1, 0], [0, 1, 1], [1, 0, np.nan], [0, 0, np.nan], [1, 1, 1]])
    found = of_scores(tmp_path, scores)
    assert [i.n for i in found.items] == [5, 5, 3]
    assert found.items[2].facility == pytest.approx(2 / 3)
    whole = of_scores(tmp_path, scores[~np.isnan(scores).any(axis=1)])
    assert near(found.alpha, whole.alpha)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "读不了"),
        ("name,q1\na,1\n", "表头"),
        ("person\na\n", "表头"),
        ("person,q1\n", "一个人也没有"),
        ("person,q1\na,1\nb," + "好\n", "第 3 行“q1”不是分数：好"),
        ("person,q1\na,inf\n", "第 2 行"),
        ("person,q1\na,1,2\n", "读不了"),
    ],
)
def test_a_file_that_is_no_matrix_says_where_and_why(tmp_path, text, reason):
    path = tmp_path / "r.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(ResponsesError, match=reason):
        read_responses(path)


def test_key_and_group_files_are_checked(tmp_path):
    path = tmp_path / "k.csv"
    for text, reason in (
        ("a,b\n", "表头"),
        ("item,key\nq1,\n", "第 2 行"),
        ("item,key\nq1,A\nq1,B\n", "重复"),
        ("item,key,points\nq1,A,-1\n", "分值"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(ResponsesError, match=reason):
            read_key(path)
    path.write_text("x,y\n", "utf-8")
    with pytest.raises(ResponsesError, match="person,group"):
        read_groups(path)
    path.write_text("item,key\nq1,A\n", "utf-8")
    with pytest.raises(ResponsesError, match="没有答案：q2"):
        read_responses(written(tmp_path, [["A", "B"]]), read_key(path))
