"""Pages of a person in the ledger: details, posts, background check, leave, change history, merging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as BaseResponse

from exam_app import web
from exam_app.core.sealing import seal_of
from exam_app.web.access import MANAGERS, OFFICES, access
from training_records.archive import appointments
from training_records.corrections import merging
from training_records.divisions import full_name, prefix_of
from training_records.errors import Refused
from training_records.ledger import absence, identity, service
from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import ABSENCES, CHANGES, ROLES, Person, Post
from training_records.ledger.places import Places
from training_records.ledger.rows import PARSERS, PERSON_FIELDS, POST_FIELDS
from training_records.ledger.values import shown

people = Blueprint("people", __name__)
SHOWN = 200
ABSENT = {
    "absence.kind": "请假种类",
    "absence.start": "请假第一天",
    "absence.end": "请假最后一天",
}
# The background check has its own form and rules.
EDITED = tuple(f for f in PERSON_FIELDS if not f.startswith("background_"))


@people.get("/ledger/people/<int:person_id>")
@access(OFFICES)
def show(person_id: int) -> ResponseReturnValue:
    return _page(web.scope().person(web.db(), person_id))


def _page(person: Person, refused: str = "", status: int = 200) -> ResponseReturnValue:
    session = web.db()
    number = identity.kept_number(session, person.id, seal_of(web.config()).open)
    lines = [
        # Show only the kind of author, not whose account made the change.
        (
            line,
            _change_lines(line.fields),
            "系统" if line.created_by in ("cli", "system") else "经办人",
        )
        for line in service.history(session, person.id)
    ]
    page = render_template(
        "ledger/person.html",
        person=person,
        posts=[(p, full_name(session, p.division_code)) for p in reversed(person.posts)],
        roles=ROLES,
        titles={name: COLUMNS[name][0] for name in (*PERSON_FIELDS, *POST_FIELDS)},
        edited=EDITED,
        lines=lines,
        merges=[m for m in merging.merges_of(session, person.id) if m.undone_at is None],
        kinds=CHANGES,
        absences=absence.absences_of(session, person.id),
        absence_kinds=ABSENCES,
        identity=identity.masked(number) if number else "",
        refused=refused,
        may=web.account().role in MANAGERS,
        choices={"gender": ["男", "女"], "full_time": ["是", "否"], "purchased": ["是", "否"]},
        soon=web.today() + timedelta(days=service.DUE_DAYS),
    )
    return (page, status) if status != 200 else page


def _change_lines(fields: Mapping[str, Sequence[object]]) -> list[str]:
    lines = []
    for name, (before, after) in fields.items():
        if name == "person" and before is not None and after is not None:
            lines.append("另一条登记和这里的是同一个人")
        elif name in ("person", "post"):
            lines.append(
                ("新登记" if before is None else "撤销") + {"person": "人员", "post": "任职"}[name]
            )
        elif name in ABSENT:
            lines.append(f"{ABSENT[name]}：{before or '空'} → {after or '空'}")
        elif name == "identity_digest":
            lines.append("证件号码（不显示）")
        else:
            field = name.removeprefix("post.")
            was, now = (shown(field, value) or "空" for value in (before, after))
            lines.append(f"{COLUMNS[field][0]}：{was} → {now}")
    return lines


def _parsed(names: tuple[str, ...]) -> dict[str, object]:
    """Parses the form's fields as the ledger stores them. Raises `Refused` naming the invalid one."""
    values: dict[str, object] = {}
    for name in names:
        if name not in request.form:
            continue
        raw = request.form[name].strip()
        if not raw and name not in ("name", "phone"):
            values[name] = None
            continue
        try:
            values[name] = PARSERS[name](raw)
        except ValueError as error:
            raise Refused(f"{COLUMNS[name][0]}：{error}") from None
    return values


def _day(name: str, word: str) -> date:
    day = _parsed((name,)).get(name)
    if not isinstance(day, date):
        raise Refused(f"请填{word}，例如 {web.today()}")
    return day


def _division_code(text: str, role: str) -> str:
    """Resolves a division code from 12 digits or from names like 云桥镇 前河村. Raises `Refused`."""
    places, parts = Places(web.db(), web.scope().prefix), text.split()
    level = service.LEVEL_OF_ROLE.get(role, "village")
    try:
        if len(parts) == 1 and parts[0].isdigit():
            return places.by_code(parts[0])
        if level == "town":
            return places.by_names("", parts[-1] if parts else "", "", level=level)
        town = parts[-2] if len(parts) > 1 else ""
        return places.by_names("", town, parts[-1] if parts else "", level=level)
    except ValueError as error:
        raise Refused(f"地方：{error}") from None


def _act(person_id: int, action: Callable[[Person], str]) -> ResponseReturnValue:
    """Runs a form's action and redirects, or renders the page with the refusal."""
    person = web.scope().person(web.db(), person_id)
    try:
        message = action(person)
    except Refused as refused:
        web.db().rollback()
        return _page(web.scope().person(web.db(), person_id), str(refused), 422)
    web.audit("ledger.change", f"person:{person.id}", {"action": request.endpoint})
    web.db().commit()
    flash(message, "good")
    return redirect(url_for("people.show", person_id=person.id))


def _post(person: Person) -> Post:
    post = service.get_post(web.db(), request.form.get("post", 0, type=int), web.scope().prefix)
    if post.person_id != person.id:
        raise Refused("这条任职不是这个人的，请刷新页面再试")
    return post


@people.route("/ledger/people/new", methods=["GET", "POST"])
@access(MANAGERS)
def new() -> str | BaseResponse | tuple[str, int]:
    """Registers a person with a background check and a first post."""
    if request.method == "GET":
        return render_template("ledger/new.html", refused="", roles=ROLES)
    session = web.db()
    try:
        role = request.form.get("role", "director")
        values = {f: v for f, v in _parsed(("name", "phone", "gender")).items() if v is not None}
        if not values.get("name") or not values.get("phone"):
            raise Refused("请填姓名和手机号")
        division, start = (
            _division_code(request.form.get("place", ""), role),
            _day("start", "任职开始日期"),
        )
        person = service.register(session, values, web.actor(), reason="新登记")
        checked = _day("background_checked_on", "入职查询日期")
        result = request.form.get("background_result", "")
        appointments.record_check(
            session, person, checked, result=result, by=web.actor(), today=web.today()
        )
        appointments.appoint(
            session, person, role, code=division, start=start, by=web.actor(), reason="新登记"
        )
    except Refused as refused:
        session.rollback()
        return render_template("ledger/new.html", refused=str(refused), roles=ROLES), 422
    web.audit("ledger.new", f"person:{person.id}")
    session.commit()
    flash(f"{person.name}已登记。下一步：开通账号，安排初任培训。", "good")
    return redirect(url_for("people.show", person_id=person.id))


@people.post("/ledger/people/<int:person_id>/edit")
@access(MANAGERS)
def edit(person_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        values = _parsed(EDITED)
        reason = request.form.get("reason", "")
        changed = service.edit_person(web.db(), person, values, by=web.actor(), reason=reason)
        return "改好了，原来的内容留在变更记录里。" if changed else "没有改动。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/check")
@access(MANAGERS)
def check(person_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        on = _day("background_checked_on", "查询日期")
        result = request.form.get("background_result", "")
        appointments.record_check(
            web.db(), person, on, result=result, by=web.actor(), today=web.today()
        )
        return f"入职查询已登记，下次到期 {web.chinese_date(person.background_next_due)}。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/identity")
@access(MANAGERS)
def identity_number(person_id: int) -> ResponseReturnValue:
    """Shows the full identity number to an office that states the purpose. The audit log records who and why, not the
    number."""
    person = web.scope().person(web.db(), person_id)
    reason = " ".join(request.form.get("reason", "").split())[:60]
    if not reason:
        return _page(person, "请写明看证件号码做什么用，例如“办入职查询”", 422)
    number = identity.whole_number(web.db(), person.id, seal_of(web.config()).open)
    web.audit("identity.show", f"person:{person.id}", {"reason": reason})
    web.db().commit()
    return render_template("ledger/identity.html", person=person, number=number, reason=reason)


@people.post("/ledger/people/<int:person_id>/appoint")
@access(MANAGERS)
def appoint(person_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        role = request.form.get("role", "director")
        code = _division_code(request.form.get("place", ""), role)
        start = _day("start", "任职开始日期")
        reason = request.form.get("reason")
        post = appointments.appoint(
            web.db(), person, role, code=code, start=start, by=web.actor(), reason=reason
        )
        return f"已登记：{full_name(web.db(), post.division_code)}{ROLES[post.role]}。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/leave")
@access(MANAGERS)
def leave(person_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        end, reason = _day("end", "最后一天"), request.form.get("reason", "")
        service.leave(web.db(), _post(person), end, by=web.actor(), reason=reason)
        return "离任已登记。培训档案和学时都留着。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/absence")
@access(MANAGERS)
def away(person_id: int) -> ResponseReturnValue:
    """Records a leave of absence or its end, or removes one."""

    def action(person: Person) -> str:
        form, session = request.form, web.db()
        if number := form.get("absence", type=int):
            row = absence.get_absence(session, number, person.id)
            if "remove" in form:
                absence.remove_absence(session, row, web.actor(), reason=form.get("reason", ""))
                return "撤销了，变更记录里还看得到。"
            absence.end_absence(session, row, person, end=_day("end", "最后一天"), by=web.actor())
            return "请假的最后一天记下了。"
        end = _day("end", "最后一天") if form.get("end", "").strip() else None
        start, kind = _day("start", "第一天"), form.get("kind", "")
        absence.note_absence(
            session,
            person,
            kind,
            start=start,
            end=end,
            by=web.actor(),
            reason=form.get("reason", ""),
        )
        return "请假记下了。评价时这些日子按不在任算。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/transfer")
@access(MANAGERS)
def transfer(person_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        old, start = _post(person), _day("start", "调动日期")
        code = _division_code(request.form.get("place", ""), old.role)
        reason = request.form.get("reason", "")
        post = appointments.transfer(
            web.db(), old, code, start=start, by=web.actor(), reason=reason
        )
        return f"已调到{full_name(web.db(), post.division_code)}，学时跟着人走。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/post")
@access(MANAGERS)
def edit_post(person_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        values = _parsed(("start", "end", "duties", "children", "caseload"))
        if values.get("start", True) is None:
            raise Refused("任职开始日期不能空着")
        reason = request.form.get("reason", "")
        changed = service.edit_post(web.db(), _post(person), values, by=web.actor(), reason=reason)
        return "任职改好了。" if changed else "没有改动。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/merge")
@access(MANAGERS)
def merge(person_id: int) -> ResponseReturnValue:
    """Merges a duplicate, given by its phone number, into this person."""

    def action(person: Person) -> str:
        phone = _parsed(("phone",)).get("phone")
        other = service.id_of_phone(web.db(), None if phone is None else str(phone))
        if other is None:
            raise Refused("没有登记过这个手机号，请核对")
        duplicate = web.scope().person(web.db(), other)
        merging.merge(
            web.db(), person, duplicate, by=web.actor(), reason=request.form.get("reason", "")
        )
        return f"{duplicate.phone} 名下的任职、培训和考试都并到这里了。并错了可以在这一页撤销。"

    return _act(person_id, action)


@people.post("/ledger/people/<int:person_id>/unmerge/<int:merge_id>")
@access(MANAGERS)
def unmerge(person_id: int, merge_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        record = next((m for m in merging.merges_of(web.db(), person.id) if m.id == merge_id), None)
        if record is None:
            raise Refused("没有这次合并，请刷新页面再看")
        merging.unmerge(web.db(), record, web.actor())
        return "合并已撤销，任职、培训和考试都回到原来的人名下。"

    return _act(person_id, action)


@people.get("/ledger/twins")
@access(MANAGERS)
def twins() -> str:
    """Candidate pairs of duplicates."""
    pairs = merging.twins(web.db(), web.scope().prefix)
    return render_template("ledger/twins.html", pairs=pairs)


@people.get("/ledger/gaps")
@access(OFFICES)
def gaps() -> str:
    """Villages without a director, towns without a supervisor, and villages whose caseload needs a second director."""
    division = web.scope().division(web.db(), request.args.get("division"))
    prefix = prefix_of(division.code)
    vacant, total = service.vacancies(web.db(), prefix, web.today())
    towns, of_towns = service.vacancies(web.db(), prefix, web.today(), role="supervisor")
    overloaded = service.overloaded(web.db(), prefix, web.today(), limit=SHOWN + 1)
    codes = [d.code for d in (*vacant, *towns)] + [row.code for row in overloaded]
    return render_template(
        "ledger/gaps.html",
        division=division,
        empty=vacant,
        total=total,
        towns=towns,
        of_towns=of_towns,
        many=overloaded[:SHOWN],
        more=len(overloaded) > SHOWN,
        most=service.CASELOAD,
        places={code: full_name(web.db(), code) for code in codes},
    )
