from __future__ import annotations

import io
import zipfile
from datetime import date

import openpyxl
import pytest
import xlsxwriter
from sqlalchemy import func, select

from benchmarks.importing import places
from exam_app.demo.workbook import office_workbook
from tests.factories import DISTRICT, HEAD, TOWN, VILLAGE, VILLAGE_2, row, workbook
from training_records.archive.ledger_export import export_ledger
from training_records.corrections.batches import import_ledger
from training_records.errors import Refused
from training_records.ledger.models import Person, Post
from training_records.ledger.template import errors_workbook, template

TODAY = date(2026, 11, 24)


def run(session, data, **more):
    report = import_ledger(
        session, data, **{"prefix": "370283", "today": TODAY, "digest_key": b"k", **more}
    )
    session.commit()
    return report


def people(session):
    return session.scalar(select(func.count()).select_from(Person))


def test_a_plain_sheet_is_written(session, world):
    report = run(session, workbook([row(), row("李桂英", 13800000002.0, "后沟村委会")]))
    assert (report.rows, report.new, report.errors, report.applied) == (2, 2, [], True)
    posts = {p.person.name: (p.division_code, p.start) for p in session.scalars(select(Post))}
    assert posts == {"王秀兰": (VILLAGE, date(2023, 5, 1)), "李桂英": (VILLAGE_2, date(2023, 5, 1))}


def test_a_second_import_changes_nothing(session, world):
    data = workbook([row()])
    run(session, data)
    again = run(session, data)
    assert (again.new, again.changed, again.unchanged, people(session)) == (0, 0, 1, 1)


def test_one_bad_row_stops_all_unless_the_good_are_accepted(session, world):
    data = workbook([row(), row("李桂英", "1380000")])
    report = run(session, data)
    assert not report.applied and people(session) == 0
    (error,) = report.errors
    assert (error.row, error.column, error.value) == (3, "手机号", "1380000")
    assert "只有 7 位" in error.reason
    assert run(session, data, accept_good=True).applied and people(session) == 1


def test_a_dry_run_reports_the_same_and_writes_nothing(session, world):
    data = workbook([row(), row("李桂英", "1380000")])
    dry = run(session, data, dry_run=True)
    real = run(session, data, accept_good=True)
    assert people(session) == 1
    left, right = dry.as_dict(), real.as_dict()
    assert (left.pop("applied"), right.pop("applied")) == (False, True)
    assert left.pop("batch") is None and right.pop("batch")
    assert left == right


@pytest.mark.parametrize(
    ("bad", "column", "reason"),
    [
        (row(village="查无此村"), "村/社区名称", "没有叫"),
        (row(start="2023年2月31日"), "任职开始日期", "没有 2023年2月31日"),
        (row(name=None), "姓名", "没有填姓名"),
        (
            ["王秀兰", "13800000001", "胶州市", "松湾镇", "前河村", ""],
            "村/社区名称",
            "不在您的管理范围内",
        ),
    ],
)
def test_faults_name_row_column_and_remedy(session, world, bad, column, reason):
    (error,) = run(session, workbook([row("张好", "13800000009"), bad])).errors
    assert (error.row, error.column) == (3, column)
    assert reason in error.reason


def test_same_phone_for_two_people_and_a_repeated_row(session, world):
    report = run(session, workbook([row(), row("李桂英"), row()]))
    assert [(e.row, e.reason[:3]) for e in report.errors] == [(3, "手机号"), (4, "与第 ")]


def test_one_person_in_two_villages_and_two_of_one_name(session, world):
    report = run(session, workbook([row(), row(village="后沟村"), row(phone="13800000002")]))
    assert report.errors == [] and people(session) == 2
    assert len(report.warnings) == 1 and "同村同名" in report.warnings[0].reason
    assert session.scalar(select(func.count()).select_from(Post)) == 3


def test_a_month_that_excel_made_ambiguous_is_warned_about(session, world):
    report = run(
        session, workbook([row(start=2023.1), row("李桂英", "13800000002", start="2023.1")])
    )
    assert [(w.row, w.column) for w in report.warnings] == [(2, "任职开始日期")]
    assert report.errors == [] and "10 月" in report.warnings[0].reason


def test_supervisors_belong_to_a_town(session, world):
    head = [*HEAD, "登记类型"]
    run(session, workbook([[*row(village=None), "儿童督导员"]], head))
    post = session.scalars(select(Post)).one()
    assert (post.role, post.division_code) == ("supervisor", TOWN)


def test_title_two_header_rows_totals_and_footer_pass_over(session, world):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.merge_range("A1:F1", "某某台账")
        for at, title in enumerate(["序号", "姓名", "手机", "村居"]):
            sheet.merge_range(1, at, 2, at, title)
        sheet.merge_range("E2:F2", "任职时间")
        sheet.write_row("E3", ["起", "止"])
        sheet.write_row("A4", [1, "王秀兰", 13800000001, "前河", "2020年3月", "2021年1月"])
        sheet.write_row("A5", ["合 计", "1人"])
        sheet.write_row("A7", ["填表人：张三"])
    report = run(session, out.getvalue())
    assert (report.rows, report.new, report.errors) == (1, 1, [])
    post = session.scalars(select(Post)).one()
    assert (post.start, post.end) == (date(2020, 3, 1), date(2021, 1, 1))


def test_a_check_in_the_sheet_is_due_again_in_a_year(session, world):
    data = workbook([[*row(), "2024年3月1日"]], [*HEAD, "入职查询日期"])
    run(session, data)
    assert session.scalar(select(Person.background_next_due)) == date(2025, 3, 1)
    session.commit()
    assert run(session, data).unchanged == 1


def test_identity_numbers_are_recognised_but_never_kept(session, world):
    head = [*HEAD, "证件号码"]
    run(session, workbook([[*row(), "11010519491231002x"]], head))
    person = session.scalars(select(Person)).one()
    assert "1949123100" not in repr(
        {c.key: getattr(person, c.key) for c in Person.__table__.columns}
    )
    moved = run(session, workbook([[*row(phone="13900000001"), "11010519491231002X"]], head))
    assert (moved.changed, people(session)) == (1, 1)


def test_every_planted_fault_is_found_and_nothing_else(session, world):
    data, planted = office_workbook(
        [p for p in places(session) if p[0] == "平度市"], 7000, 0.03, seed=5
    )
    report = run(session, data, dry_run=True)
    assert report.rows == 7000
    assert {e.row for e in report.errors} == set(planted) and planted


def evil(names):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "空的"),
        ("姓名，手机号".encode("gb18030"), "不是 Excel"),
        (b"PK\x03\x04half", "没有保存完整"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 600, "旧版"),
        (evil(["xl/workbook.xml", "../../etc/passwd"]), "不安全的路径"),
        (evil(["xl/workbook.xml", "xl/vbaProject.bin"]), "宏"),
        (evil(["mimetype"]), "不是 Excel"),
        (evil(["xl/workbook.xml"]), "打不开"),
    ],
)
def test_files_that_are_no_workbook(session, world, data, reason):
    with pytest.raises(Refused, match=reason):
        run(session, data)
    assert people(session) == 0


def test_a_zip_bomb_is_not_unpacked(session, world):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as entry:
            for _ in range(450):
                entry.write(b"0" * 2**20)
    with pytest.raises(Refused, match="太大"):
        run(session, out.getvalue())


def test_missing_columns_are_named(session, world):
    with pytest.raises(Refused, match="没有找到表头"):
        run(session, workbook([["a", "b"]], ["甲", "乙"]))
    with pytest.raises(Refused, match="手机号"):
        run(session, workbook([["王", "女", "前河村"]], ["姓名", "性别", "村名"]))
    with pytest.raises(Refused, match="没有一行数据"):
        run(session, workbook([]))


def test_template_and_export_open_and_formulas_are_neutralised(session, world):
    book = openpyxl.load_workbook(io.BytesIO(template()))
    assert book.active["A1"].value.startswith("儿童主任")
    world.person(name="王秀兰", job_title="=HYPERLINK(1)")
    sheet = openpyxl.load_workbook(
        io.BytesIO(export_ledger(session, "370283", "平度市", as_of=TODAY))
    ).active
    cells = [c for r in sheet.iter_rows(min_row=3) for c in r]
    assert any(c.value == "王秀兰" for c in cells)
    assert not any(c.data_type == "f" for c in cells)
    report = run(session, workbook([row("李桂英", "=1+1")]))
    errors = openpyxl.load_workbook(io.BytesIO(errors_workbook(report.errors))).active
    assert errors["A3"].value == 2


def test_an_export_can_be_imported_again_without_change(session, world):
    # What looks like a formula comes back as it was, too.
    world.person(name="王秀兰", landline="+86-532-88888888", allowance="-", job_title="=1+1")
    data = export_ledger(session, "370283", "平度市", as_of=TODAY)
    report = run(session, data)
    assert (report.errors, report.new, report.changed, report.unchanged) == ([], 0, 0, 1)
    assert DISTRICT.startswith("370283")
