from __future__ import annotations

import json
import re
import sys

import numpy as np
import openpyxl
import pytest

from exam_app.cli import main
from question_bank import load_bank


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command as the shell would: exit status, output, errors."""

    def run_(*arguments):
        monkeypatch.setattr(sys, "argv", ["academy", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = stop.code or 0
        return status, *capsys.readouterr()

    return run_


@pytest.fixture
def responses(tmp_path):
    (tmp_path / "r.csv").write_text("person,q1,q2\na,A,B\nb,A,A\nc,B,\nd,A,B\n", "utf-8")
    (tmp_path / "k.csv").write_text("item,key\nq1,A\nq2,B\n", "utf-8")
    (tmp_path / "g.csv").write_text("person,group\na,x\nb,y\nc,x\nd,y\n", "utf-8")
    return tmp_path


def test_item_analysis_and_calibration_as_json_and_as_text(run, responses):
    code, out, _ = run(
        "stats", "items", responses / "r.csv", "--key", responses / "k.csv", "--json"
    )
    told = json.loads(out)
    assert code == 0 and told["n_persons"] == 4 and told["n_items"] == 2
    first, second = told["items"]
    assert first["facility"] == 0.75 and first["options"]["A"]["n"] == 3
    assert second["omitted"] == 1
    assert {"alpha", "sem", "mean", "sd"} <= set(told)
    assert {"discrimination", "discrimination_27", "point_biserial_corrected"} <= set(first)
    code, out, _ = run("stats", "irt", responses / "r.csv", "--key", responses / "k.csv", "--json")
    told = json.loads(out)
    assert (
        code == 0 and told["model"] == "2pl" and [p["id"] for p in told["persons"]] == list("abcd")
    )
    assert {"id", "a", "b", "se_a", "se_b"} == set(told["items"][0])
    code, out, _ = run("stats", "items", responses / "r.csv", "--key", responses / "k.csv")
    assert code == 0 and "4 人，2 题" in out
    arguments = ("--groups", responses / "g.csv", "--focal", "x", "--key", responses / "k.csv")
    code, out, _ = run("stats", "dif", responses / "r.csv", *arguments, "--json")
    (told,) = json.loads(out)["groups"]
    assert code == 0 and told["focal"] == "x" and len(told["items"]) == 2
    code, out, _ = run("stats", "dif", responses / "r.csv", *arguments[:2], *arguments[4:])
    assert code == 0 and out.count("人）和其余") == 2


def test_a_refusal_is_one_clear_line(run, responses):
    code, out, err = run("stats", "items", responses / "r.csv")
    assert code == 1 and out == "" and "第 2 行“q1”不是分数：A" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("gift", "x.txt"),
        ("moodle-xml", "x.xml"),
        ("qti", "x.zip"),
        ("xlsx", "x.xlsx"),
        ("aiken", "x.txt"),
    ],
)
def test_export_and_import_again(run, tmp_path, form, name):
    code, out, _ = run(
        "bank", "export", tmp_path / name, "--format", form, "--topic", "强制报告", "--json"
    )
    told = json.loads(out)
    assert code == 0 and told["exported"] > 20
    assert all(s["where"] and s["name"] and s["reason"] for s in told["skipped"])
    folder = tmp_path / "drafts"
    arguments = ("bank", "import", tmp_path / name, "--format", form, "--out", folder, "--json")
    code, out, _ = run(*arguments)
    assert code == 0 and json.loads(out) == {"imported": told["exported"], "skipped": []}
    drafts = load_bank(folder)
    assert len(drafts) == told["exported"] and {q.status for q in drafts} == {"draft"}
    # A second import goes behind the first, with numbers of its own.
    run(*arguments)
    assert len(load_bank(folder)) == 2 * told["exported"]


def test_what_is_no_question_file_is_refused(run, tmp_path):
    (tmp_path / "x.xml").write_text("<html/>", "utf-8")
    arguments = ("--format", "moodle-xml", "--out", tmp_path / "d")
    code, _, err = run("bank", "import", tmp_path / "x.xml", *arguments)
    assert code == 1 and "不是 Moodle XML" in err and not list((tmp_path / "d").glob("*.yaml"))


def test_the_report_stands_alone_and_says_what_to_look_at(run, tmp_path):
    rng = np.random.default_rng(1)
    scores = (rng.normal(size=(300, 1)) - rng.normal(size=8) > rng.logistic(size=(300, 8))).astype(
        int
    )
    # The last item is asked against the others: good ones fail it.
    scores[:, 7] = 1 - (scores.sum(axis=1) > 4)
    names = ",".join(f"<q{j}>" for j in range(8))
    rows = "\n".join(f"p{i}," + ",".join(map(str, row)) for i, row in enumerate(scores))
    (tmp_path / "r.csv").write_text(f"person,{names}\n{rows}\n", "utf-8")
    page, book = tmp_path / "r.html", tmp_path / "r.xlsx"
    code, _, err = run("stats", "report", tmp_path / "r.csv", "--html", page, "--xlsx", book)
    assert code == 0, err
    text = page.read_text("utf-8")
    assert text.count("<svg") == 4 and "先看这些题" in text and "区分度为负" in text
    assert "&lt;q7&gt;" in text and "<q7>" not in text
    assert not re.search(r"""(src|href)=["']https?:""", text) and "<script" not in text
    sheets = openpyxl.load_workbook(book)
    assert sheets["题目"]["A3"].value == "<q0>" and sheets.sheetnames == ["题目", "选项", "参数"]
    code, _, err = run("stats", "report", tmp_path / "r.csv")
    assert code == 2 and "--html" in err


def matrix(path, theta, a, b, seed):
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-a * (theta[:, None] - b)))
    scores = (rng.random(p.shape) < p).astype(int)
    names = ",".join(f"q{j}" for j in range(len(a)))
    rows = "\n".join(f"p{i}," + ",".join(map(str, row)) for i, row in enumerate(scores))
    path.write_text(f"person,{names}\n{rows}\n", "utf-8")
    return path


def test_two_calibrations_come_onto_one_scale(run, tmp_path):
    """The second group is abler by one: the line between the scales says so."""
    rng = np.random.default_rng(4)
    a, b = rng.uniform(0.8, 1.8, 12), rng.normal(size=12)
    files = []
    for name, shift in (("old", 0.0), ("new", 1.0)):
        path = matrix(tmp_path / f"{name}.csv", rng.normal(shift, 1, 3000), a, b, 7)
        code, out, _ = run("stats", "irt", path, "--json")
        assert code == 0 and json.loads(out)["fit"]["df"] == 12 * 13 // 2 - 24
        (tmp_path / f"{name}.json").write_text(out, "utf-8")
        files.append(tmp_path / f"{name}.json")
    for method in ("stocking-lord", "mean-sigma"):
        code, out, _ = run("stats", "link", *files, "--method", method, "--json")
        told = json.loads(out)
        assert code == 0 and told["common"] == 12
        assert told["slope"] == pytest.approx(1, abs=0.12)
        assert told["intercept"] == pytest.approx(-1, abs=0.15)
    assert run("stats", "link", tmp_path / "old.csv", files[1])[0] == 1


def test_a_pass_mark_means_the_same_on_both_forms(run, tmp_path):
    rng = np.random.default_rng(5)
    theta, a = rng.normal(size=4000), np.full(20, 1.2)
    hard = matrix(tmp_path / "x.csv", theta, a, np.linspace(-1, 2, 20), 1)
    easy = matrix(tmp_path / "y.csv", theta, a, np.linspace(-2, 1, 20), 2)
    code, out, _ = run("stats", "equate", hard, easy, "--pass-mark", 12, "--json")
    mark = json.loads(out)["pass_mark"]
    assert code == 0 and mark["x_linear"] < 12 and mark["x_equipercentile"] < 12
    code, out, _ = run("stats", "equate", hard, easy, "--pass-mark", 12)
    assert code == 0 and "X 卷线性法" in out


def test_judges_set_a_pass_mark(run, tmp_path):
    path = tmp_path / "j.csv"
    path.write_text("judge,q1,q2\nj1,0.5,0.9\nj2,0.7,\n", "utf-8")
    code, out, _ = run("stats", "angoff", path, "--json")
    told = json.loads(out)
    assert code == 0 and told["judges"] == 2 and told["cut"] == pytest.approx(1.5)
    path.write_text("judge,q1\nj1," + "五成\n", "utf-8")
    code, _, err = run("stats", "angoff", path)
    assert code == 1 and "0 到 1" in err


@pytest.mark.slow
def test_a_paper_with_the_wanted_information(run, tmp_path):
    bank = [q for q in load_bank() if q.type == "single"]
    rng = np.random.default_rng(6)
    items = [{"id": q.id, "a": float(rng.uniform(0.5, 2)), "b": float(rng.normal())} for q in bank]
    (tmp_path / "p.json").write_text(json.dumps({"items": items}), "utf-8")
    (tmp_path / "b.yaml").write_text(
        "{id: t, title: t, items: 30, minutes: 30, pass_percent: 60, types: {single: 30}, "
        "target_information: {-1: 7.0, 0: 9.0, 1: 7.0}, max_overlap: 0}",
        "utf-8",
    )
    for forms in (1, 3):
        code, out, err = run(
            *("paper", "assemble", tmp_path / "b.yaml", "--forms", forms),
            *("--parameters", tmp_path / "p.json", "--json"),
        )
        assert code == 0, err
        for form in json.loads(out)["forms"]:
            assert form["information"] == pytest.approx([7, 9, 7], rel=0.01)
    code, out, _ = run(
        "paper", "assemble", tmp_path / "b.yaml", "--parameters", tmp_path / "p.json"
    )
    assert code == 0 and "θ=0 处 9.0" in out
