"""Pages of the annual self-inspection report: edit, download, file; overview of filings for the city."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.reports.annual import annual_docx, gaps, gather, known_of
from exam_app.reports.forms import ReportForm, report_form
from exam_app.web.access import MANAGERS, access
from exam_app.web.forms import pressed
from training_records.archive import evidence
from training_records.divisions import level_of
from training_records.errors import NotFound, Refused
from training_records.facts.loading import load_facts
from training_records.inspection import reports as verbs

reports = Blueprint("reports", __name__)


def _year() -> int:
    year = request.args.get("year", web.today().year, type=int)
    if not 2020 <= year <= web.today().year:
        raise Refused("年份填 2020 到今年")
    return year


@reports.get("/reports")
@access(MANAGERS)
@web.report
def index() -> str:
    """A district's own report; other offices see the filings of their districts."""
    year, code = _year(), web.account().division_code
    due = verbs.due_on(year)
    if level_of(code) != "district":
        return render_template(
            "reports/filings.html",
            year=year,
            due=due,
            filings=verbs.filings(web.db(), code, year, today=web.today()),
            states=verbs.FILING_STATES,
        )
    figures = gather(web.db(), code, year, as_of=web.today(), zone=web.config().zone)
    tasks = [
        (t["item"], t["title"], known_of(figures, int(t["item"])))
        for t in load_facts().data["policy"]["tasks"]
    ]
    report, texts = verbs.report_of(web.db(), code, year), figures.texts
    version = report.version if report else 0
    given = {f"t-{place}": text for place, text in texts.items()}
    form = _form().shown(given={**given, "version": version})
    if form.is_stale:
        form.version.renew(version)
    return render_template(
        "reports/annual.html",
        year=year,
        due=due,
        report=report,
        texts=texts,
        form=form,
        theirs=_other_texts(form, texts) if form.is_stale else {},
        tasks=tasks,
        cases=figures.cases,
        gaps=gaps(figures),
    )


def _form() -> type[ReportForm]:
    return report_form(tuple(int(t["item"]) for t in load_facts().data["policy"]["tasks"]))


def _other_texts(form: ReportForm, stored: Mapping[str, str]) -> dict[str, str]:
    """Where a colleague's text is another: field to what the colleague has written."""
    return {
        box.name: stored.get(box.name.removeprefix("t-"), "") or "（空着）"
        for box in form
        if box.name.startswith("t-")
        and (box.data or "") != stored.get(box.name.removeprefix("t-"), "")
    }


@reports.post("/reports")
@access(MANAGERS)
def write() -> Response:
    """Saves the office's texts, or files the stamped report."""
    year, code = _year(), web.account().division_code
    if pressed("hand_in"):
        return _hand_in(code, year)
    form = _form().typed()

    def verb() -> str:
        texts = {
            box.name.removeprefix("t-"): box.data or "" for box in form if box.name[:2] == "t-"
        }
        verbs.write_texts(
            web.db(), code, year, texts=texts, version=form.version.data or 0, by=web.actor()
        )
        return "保存好了。下载 Word 就能看到写的内容。"

    return web.carry_out(verb, url_for("reports.index", year=year), page=index, form=form)


def _hand_in(code: str, year: int) -> Response:
    def verb() -> str:
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Refused("请先选盖好章的报告（PDF，或拍照 JPG、PNG）")
        stored = evidence.keep(
            web.db(),
            web.config().evidence,
            file.read(),
            name=f"{year}年自查报告",
            division_code=code,
            by=web.actor(),
        )
        row = verbs.hand_in(
            web.db(), code, year, digest=stored.sha256, today=web.today(), by=web.actor()
        )
        web.audit("report.file", f"division:{code}", {"year": year, "sha256": stored.sha256})
        late = row.filed_on is not None and row.filed_on > verbs.due_on(year)
        return "交上去了，市民政局看得到。" + ("期限已过，记为晚交。" if late else "")

    return web.carry_out(verb, url_for("reports.index", year=year), page=index)


@reports.get("/reports/annual.docx")
@access(MANAGERS)
def annual() -> Response:
    """The annual report of a division in the scope as DOCX, by default the office's own."""
    year = _year()
    division = web.scope().division(web.db(), request.args.get("division"))
    figures = gather(web.db(), division.code, year, as_of=web.today(), zone=web.config().zone)
    data = annual_docx(web.db(), figures)
    web.audit_read("report.annual", f"division:{division.code}", {"year": year})
    return web.attachment(data, web.DOCX, f"{figures.name}{year}年自查报告.docx")


@reports.get("/reports/<code>.file")
@access(MANAGERS)
def filed(code: str) -> Response:
    """The stamped report as it was filed."""
    division, year = web.scope().division(web.db(), code), _year()
    row = verbs.report_of(web.db(), division.code, year)
    if row is None or row.file is None:
        raise NotFound("还没有交")
    stored, data = evidence.read(web.db(), web.config().evidence, row.file)
    extension = {"application/pdf": "pdf", "image/png": "png"}.get(stored.media_type, "jpg")
    web.audit_read("report.read", f"division:{division.code}", {"year": year})
    return web.attachment(data, stored.media_type, f"{division.name}{year}年自查报告.{extension}")
