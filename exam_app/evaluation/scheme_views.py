"""Pages of evaluation schemes: define one for a year, try it on this year's records, try other weights on a run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml
from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.evaluation.sources import KNOWN, SOURCES, check_known, frame_of
from exam_app.evaluation.views import own_run
from exam_app.web.access import MANAGERS, access
from training_records.divisions import children, full_name, level_of, prefix_of
from training_records.errors import NotFound, Refused
from training_records.evaluation import scheme_store
from training_records.evaluation.measures import measured
from training_records.evaluation.runs import results_of, scheme_of
from training_records.evaluation.scheme import DIMENSIONS, Scheme, checked_scheme, read_scheme
from training_records.evaluation.what_if import (
    Judged,
    of_results,
    of_subjects,
    rescaled,
    stability,
    what_if,
)
from training_records.ledger.service import person_names

schemes = Blueprint("schemes", __name__)
SCORINGS = {"proportional": "按比例", "steps": "分段", "threshold": "达标即得"}
WORDS = {
    "weight": "权重",
    "points": "分值",
    "target": "目标值",
    "steps": "分段",
    "measure": "指标",
    "title": "名称",
    "min": "最低分",
    "name": "名称",
    "above": "超过几",
    "least_months": "最少任职月数",
}
# Stability takes twenty evaluations per person, so only the first people are examined.
LOOKED_AT, CROSSING_SHOWN = 300, 100
_NUMBER = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*[::]\s*(\d+(?:\.\d+)?)\s*(%?)")


def _year(year: int) -> int:
    if not 2020 <= year <= web.today().year + 1:
        raise NotFound("只能看 2020 年到明年的方案")
    return year


@schemes.get("/evaluation/schemes/<int:year>")
@access(MANAGERS)
def edit(year: int) -> str:
    code = web.account().division_code
    scheme = scheme_store.scheme_for(web.db(), code, _year(year))
    return _page(year, scheme.model_dump(mode="json"))


def _page(year: int, submitted: dict[str, Any], refused: str = "") -> str:
    row = scheme_store.stored_scheme(web.db(), web.account().division_code, year)
    by_id = {d.get("id"): d for d in submitted.get("dimensions", ())}
    return render_template(
        "evaluation/scheme.html",
        year=year,
        told=submitted,
        dimensions=[
            {"id": key, "name": name, **by_id.get(key, {"weight": "", "indicators": []})}
            for key, name in DIMENSIONS.items()
        ],
        known=KNOWN,
        scorings=SCORINGS,
        refused=refused,
        whose=full_name(web.db(), row.division_code) if row else "",
        own_one=row is not None and row.division_code == web.account().division_code,
        steps=steps_in_words,
    )


def steps_in_words(steps: Sequence[Sequence[str | float]]) -> str:
    """Formats steps as the form shows them: `0.6:0.5 0.9:1`."""
    return " ".join(f"{web.plain(bound)}:{web.plain(share)}" for bound, share in steps)


def _parse_steps(text: str) -> list[list[str]]:
    """Parses steps such as `0.6:0.5 0.9:1` or `0.6:50% 0.9:100%`. Raises `Refused` for anything else."""
    if re.sub(r"[\s,,;;、]", "", _NUMBER.sub("", text)):
        raise Refused(f"分段“{text[:30]}”写成 0.6:50% 0.9:100% 这样：达到多少，得这项分值的多少")
    return [
        [bound, str(Decimal(share) / 100) if percent else share]
        for bound, share, percent in _NUMBER.findall(text)
    ]


def _submitted_scheme() -> dict[str, Any]:
    """Returns the form's fields in the shape of a scheme file, without dimensions and indicators left empty."""
    form = request.form

    def field(name: str) -> str:
        return form.get(name, "").strip()

    dimensions = []
    for key in DIMENSIONS:
        if not field(f"{key}-weight"):
            continue
        indicators, number = [], 0
        while f"{key}-{number}-measure" in form and number < 20:
            field_prefix = f"{key}-{number}-"
            number += 1
            if not field(f"{field_prefix}points"):
                continue
            scoring, measure = field(f"{field_prefix}scoring"), field(f"{field_prefix}measure")
            indicator: dict[str, object] = {
                "id": field(f"{field_prefix}id") or f"{key}_{number}",
                "title": field(f"{field_prefix}title")
                or (KNOWN[measure].title if measure in KNOWN else ""),
                "measure": measure,
                "points": field(f"{field_prefix}points"),
                "scoring": scoring,
            }
            if scoring == "steps":
                indicator["steps"] = _parse_steps(field(f"{field_prefix}steps"))
            elif field(f"{field_prefix}target"):
                indicator["target"] = field(f"{field_prefix}target")
            indicators.append(indicator)
        dimensions.append(
            {
                "id": key,
                "title": field(f"{key}-title") or DIMENSIONS[key],
                "weight": field(f"{key}-weight"),
                "indicators": indicators,
            }
        )
    grades = zip(form.getlist("grade"), form.getlist("least"), strict=False)
    vetoes = zip(
        form.getlist("veto"), form.getlist("above"), form.getlist("veto_grade"), strict=False
    )
    return {
        "title": field("title")[:60],
        "dimensions": dimensions,
        "grades": [{"name": g.strip(), "min": m.strip()} for g, m in grades if g.strip()],
        "vetoes": [
            {"measure": m, "above": a.strip() or "0", "grade": g.strip()} for m, a, g in vetoes if m
        ],
        "proration": "months_in_post" if "proration" in form else "none",
        "missing": "zero" if field("missing") == "zero" else "exclude",
        "least_months": field("least_months") or "0",
    }


def in_words(text: str, submitted: dict[str, Any]) -> str:
    """Replaces the field paths of a refusal with the names that the form shows."""

    def dimension(match: re.Match[str]) -> str:
        item = submitted["dimensions"][int(match[1])]
        return str(item.get("title") or item.get("id"))

    text = re.sub(r"dimensions\.(\d+)", dimension, text)
    text = re.sub(r"\.indicators\.(\d+)", lambda m: f"第 {int(m[1]) + 1} 项指标", text)
    text = re.sub(
        r"(grades|vetoes)\.(\d+)",
        lambda m: f"第 {int(m[2]) + 1} 个{'等次' if m[1] == 'grades' else '一票否决'}",
        text,
    )
    text = re.sub(r"\.?indicators(?=\uff1a)", "的指标", text)
    return re.sub(
        r"\.?\b([a-z_]+)(?:\.\d+)*(?=\uff1a)", lambda m: WORDS.get(m[1], m[1]), text
    ).replace("评价方案：", "")


@schemes.post("/evaluation/schemes/<int:year>")
@access(MANAGERS)
def save(year: int) -> str | Response | tuple[str, int]:
    code, submitted = web.account().division_code, {}
    _year(year)
    try:
        if "drop" in request.form:
            scheme_store.delete_scheme(web.db(), code, year)
            web.audit("scheme.drop", f"division:{code}", {"year": year})
            web.db().commit()
            flash("撤掉了，现在用上级或系统自带的方案。", "good")
            return redirect(url_for("schemes.edit", year=year))
        file = request.files.get("file")
        if file is not None and file.filename:
            try:
                text = file.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                raise Refused("方案文件要存成 UTF-8 的 YAML") from None
            scheme = read_scheme(text, f"{file.filename[-40:]} ")
        else:
            submitted = {"id": f"{prefix_of(code)}-{year}"}
            submitted |= _submitted_scheme()
            scheme = checked_scheme(submitted)
        check_known(scheme)
        scheme_store.save_scheme(web.db(), code, year, scheme=scheme, by=web.actor())
    except Refused as refused:
        web.db().rollback()
        submitted = submitted or scheme_store.scheme_for(web.db(), code, year).model_dump(
            mode="json"
        )
        return _page(year, submitted, in_words(str(refused), submitted)), 422
    web.audit("scheme.keep", f"division:{code}", {"year": year, "scheme": scheme.id})
    web.db().commit()
    flash(f"{year} 年的方案保存好了。先在下面“试算”看看会怎样。", "good")
    return redirect(url_for("schemes.edit", year=year))


@schemes.get("/evaluation/schemes/<int:year>.yaml")
@access(MANAGERS)
def download(year: int) -> Response:
    scheme = scheme_store.scheme_for(web.db(), web.account().division_code, _year(year))
    data = _numbers(scheme.model_dump(mode="json", exclude_defaults=True))
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120)
    return web.attachment(text.encode(), "application/yaml", f"评价方案{year}.yaml")


def _numbers(value: object) -> object:
    """Converts decimals, which the JSON dump has as strings, to YAML numbers."""
    if isinstance(value, dict):
        return {k: v if k in ("id", "title", "name") else _numbers(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value) if "." in value else int(value)
    return value


@schemes.get("/evaluation/schemes/<int:year>/try")
@access(MANAGERS)
def try_out(year: int) -> str:
    """Previews a year's scheme on this year's records as of today, for use before that year begins."""
    code = web.account().division_code
    scheme = scheme_store.scheme_for(web.db(), code, _year(year))
    districts = children(web.db(), code) if level_of(code) == "city" else []
    if districts:
        requested = request.args.get("division", districts[0].code)
        code = next((d.code for d in districts if d.code == requested), districts[0].code)
    frame = frame_of(prefix_of(code), web.today().year, web.today(), config=web.config())
    people = of_subjects(measured(web.db(), frame, SOURCES).values())
    current = scheme_store.scheme_for(web.db(), code, web.today().year)
    return _what_if_page(
        people,
        current,
        scheme,
        title=f"{year} 年的方案会怎样",
        told=f"用{full_name(web.db(), code)}今年到今天的记录试算，只是看看，不影响任何人的评价。",
        back=url_for("schemes.edit", year=year),
        districts=districts,
        division=code,
    )


@schemes.get("/evaluation/<int:run_id>/what-if")
@access(MANAGERS)
def weigh(run_id: int) -> str:
    """Previews other weights on a run's results."""
    run = own_run(run_id)
    rows = results_of(web.db(), run, prefix_of(run.division_code))
    scheme = scheme_of(run)
    return _what_if_page(
        of_results(r for r, _ in rows),
        scheme,
        scheme,
        title="换一换权重会怎样",
        told="只是试算，不改评价。定方案要在一年开始以前。",
        back=url_for("evaluation.show", run_id=run.id),
    )


def _what_if_page(people: list[Judged], scheme: Scheme, other: Scheme, **context: object) -> str:
    """Renders the grades under both schemes, with the requested weights applied to `other`."""
    weights, refused = {str(d.id): d.weight for d in other.dimensions}, ""
    try:
        requested = {k: Decimal(request.args[k]) for k in weights if k in request.args}
        if not all(0 < weight <= 100 for weight in requested.values()):
            raise Refused("权重要大于 0，不能大于 100")
        other = rescaled(other, {**weights, **requested})
        weights |= requested
    except InvalidOperation:
        refused = "权重要填数字"
    except Refused as problem:
        refused = str(problem)
    before, after, crossing = what_if(scheme, other, people)
    ids = [person for person, _, _ in crossing[:CROSSING_SHOWN]]
    return render_template(
        "evaluation/what_if.html",
        scheme=other,
        weights=weights,
        grades=_grades(scheme, other, before, after),
        before=before,
        after=after,
        crossing=crossing[:CROSSING_SHOWN],
        number=len(crossing),
        names=person_names(web.db(), ids),
        people=len(people),
        stable=stability(other, people[:LOOKED_AT]),
        looked_at=min(len(people), LOOKED_AT),
        refused=refused,
        **context,
    )


def _grades(scheme: Scheme, other: Scheme, *counts: Counter[str]) -> list[str]:
    """Returns the grade names of both schemes in order; 不定等次 only if it occurs."""
    names = [g.name for s in (other, scheme) for g in s.grades] + ["不定等次"]
    return [n for n in dict.fromkeys(names) if any(c[n] for c in counts) or n != "不定等次"]
