"""Pages of a person in the ledger: details, posts, background check, leave, change history, merging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from exam_app import web
from exam_app.core.sealing import seal_of
from exam_app.ledger.forms import (
    EDITED,
    AbsenceForm,
    AppointForm,
    CheckForm,
    EditForm,
    LeaveForm,
    MergeForm,
    NewPersonForm,
    PostForm,
    PurposeForm,
    ReturnForm,
    TransferForm,
)
from exam_app.web.access import MANAGERS, OFFICES, access
from exam_app.web.forms import Form, pressed, sent_id
from training_records.archive import appointments
from training_records.corrections import merging
from training_records.divisions import full_name, prefix_of
from training_records.errors import Refused
from training_records.ledger import absence, identity, service
from training_records.ledger.checks import result_label
from training_records.ledger.columns import COLUMNS
from training_records.ledger.models import ABSENCES, CHANGES, ROLES, Absence, Person, Post
from training_records.ledger.places import Places
from training_records.ledger.values import shown

people = Blueprint("people", __name__)
SHOWN = 200
ABSENT = {
    "absence.kind": "请假种类",
    "absence.start": "请假第一天",
    "absence.end": "请假最后一天",
}


@people.get("/ledger/people/<int:person_id>")
@access(OFFICES)
def show(person_id: int) -> ResponseReturnValue:
    session, person = web.db(), web.scope().person(web.db(), person_id)
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
    absences = absence.absences_of(session, person.id)
    return render_template(
        "ledger/person.html",
        person=person,
        posts=[(p, full_name(session, p.division_code)) for p in reversed(person.posts)],
        roles=ROLES,
        forms=_forms(person, absences),
        lines=lines,
        merges=[m for m in merging.merges_of(session, person.id) if m.undone_at is None],
        kinds=CHANGES,
        absences=absences,
        absence_kinds=ABSENCES,
        identity=identity.masked(number) if number else "",
        may=web.account().role in MANAGERS,
        soon=web.today() + timedelta(days=service.DUE_DAYS),
    )


def _forms(person: Person, absences: Sequence[Absence]) -> dict[str, Any]:
    """The forms of the page; those of a row by its id."""
    posts = person.posts
    values = {name: shown(name, getattr(person, name)) for name in EDITED}
    return {
        "check": CheckForm.shown(given={"background_result": result_label("clean")}),
        "purpose": PurposeForm.shown(),
        "leave": {p.id: LeaveForm.shown(p.id) for p in posts},
        "transfer": {p.id: TransferForm.shown(p.id) for p in posts},
        "post": {p.id: PostForm.shown(p.id, given=_post_values(p)) for p in posts},
        "appoint": AppointForm.shown(),
        "absence": AbsenceForm.shown(),
        "back": {a.id: ReturnForm.shown(a.id, given={"end": a.end}) for a in absences},
        "edit": EditForm.shown(given=values),
        "merge": MergeForm.shown(),
    }


def _post_values(post: Post) -> dict[str, object]:
    names = ("start", "end", "duties", "children", "caseload")
    return {name: shown(name, getattr(post, name)) for name in names}


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


def _act(person_id: int, form: Form | None, action: Callable[[Person], str]) -> ResponseReturnValue:
    """Carries out a form of the person's page."""
    person = web.scope().person(web.db(), person_id)

    def verb() -> str:
        message = action(person)
        web.audit("ledger.change", f"person:{person.id}", {"action": request.endpoint})
        return message

    path = url_for("people.show", person_id=person_id)
    return web.carry_out(verb, path, page=lambda: show(person_id), form=form)


def _post(person: Person) -> Post:
    post = service.get_post(web.db(), sent_id("post") or 0, web.scope().prefix)
    if post.person_id != person.id:
        raise Refused("这条任职不是这个人的，请刷新页面再试")
    return post


@people.get("/ledger/people/new")
@access(MANAGERS)
def new() -> str:
    form = NewPersonForm.shown(given={"background_result": result_label("clean")})
    return render_template("ledger/new.html", form=form)


@people.post("/ledger/people/new")
@access(MANAGERS)
def register() -> ResponseReturnValue:
    """Registers a person with a background check and a first post."""
    form = NewPersonForm.typed()
    made: list[int] = []

    def verb() -> str:
        session, by = web.db(), web.actor()
        values = {name: v for name, v in form.values().items() if v is not None}
        code = _division_code(form.place.got, form.role.data)
        person = service.register(session, values, by, reason="新登记")
        appointments.record_check(
            session,
            person,
            form.background_checked_on.got,
            result=form.background_result.got,
            by=by,
            today=web.today(),
        )
        appointments.appoint(
            session,
            person,
            form.role.data,
            code=code,
            start=form.start.got,
            by=by,
            reason="新登记",
        )
        web.audit("ledger.new", f"person:{person.id}")
        made.append(person.id)
        return f"{person.name}已登记。下一步：开通账号，安排初任培训。"

    return web.carry_out(
        verb,
        url_for("people.new"),
        page=new,
        form=form,
        target=lambda: url_for("people.show", person_id=made[0]),
    )


@people.post("/ledger/people/<int:person_id>/edit")
@access(MANAGERS)
def edit(person_id: int) -> ResponseReturnValue:
    form = EditForm.typed()

    def action(person: Person) -> str:
        reason = form["reason"].data
        changed = service.edit_person(
            web.db(), person, form.values(), by=web.actor(), reason=reason
        )
        return "改好了，原来的内容留在变更记录里。" if changed else "没有改动。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/check")
@access(MANAGERS)
def check(person_id: int) -> ResponseReturnValue:
    form = CheckForm.typed()

    def action(person: Person) -> str:
        appointments.record_check(
            web.db(),
            person,
            form.background_checked_on.got,
            result=form.background_result.got,
            by=web.actor(),
            today=web.today(),
        )
        return f"入职查询已登记，下次到期 {web.chinese_date(person.background_next_due)}。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/identity")
@access(MANAGERS)
def identity_number(person_id: int) -> ResponseReturnValue:
    """Shows the full identity number to an office that states the purpose. The audit log records who and why, not the
    number."""
    person, form = web.scope().person(web.db(), person_id), PurposeForm.typed()
    if not form.validate():
        path = url_for("people.show", person_id=person_id)
        return web.give_back(lambda: show(person_id), path, form=form)
    number = identity.whole_number(web.db(), person.id, seal_of(web.config()).open)
    reason = form.reason.data
    web.audit("identity.show", f"person:{person.id}", {"reason": reason})
    web.db().commit()
    return render_template("ledger/identity.html", person=person, number=number, reason=reason)


@people.post("/ledger/people/<int:person_id>/appoint")
@access(MANAGERS)
def appoint(person_id: int) -> ResponseReturnValue:
    form = AppointForm.typed()

    def action(person: Person) -> str:
        post = appointments.appoint(
            web.db(),
            person,
            form.role.data,
            code=_division_code(form.place.got, form.role.data),
            start=form.start.got,
            by=web.actor(),
            reason=form.reason.data,
        )
        return f"已登记：{full_name(web.db(), post.division_code)}{ROLES[post.role]}。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/leave")
@access(MANAGERS)
def leave(person_id: int) -> ResponseReturnValue:
    form = LeaveForm.typed(sent_id("post"))

    def action(person: Person) -> str:
        reason = form.reason.got
        service.leave(web.db(), _post(person), form.end.got, by=web.actor(), reason=reason)
        return "离任已登记。培训档案和学时都留着。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/absence")
@access(MANAGERS)
def away(person_id: int) -> ResponseReturnValue:
    """Records a leave of absence."""
    if number := sent_id("absence"):
        return _change_absence(person_id, number)
    form = AbsenceForm.typed()

    def action(person: Person) -> str:
        absence.note_absence(
            web.db(),
            person,
            form.kind.data,
            start=form.start.got,
            end=form.end.data,
            by=web.actor(),
            reason=form.reason.got,
        )
        return "请假记下了。评价时这些日子按不在任算。"

    return _act(person_id, form, action)


def _change_absence(person_id: int, number: int) -> ResponseReturnValue:
    """Records the last day of a leave, or removes it."""
    form = ReturnForm.typed(number)

    def action(person: Person) -> str:
        session, row = web.db(), absence.get_absence(web.db(), number, person.id)
        if pressed("remove"):
            reason = form.reason.got
            absence.remove_absence(session, row, web.actor(), reason=reason)
            return "撤销了，变更记录里还看得到。"
        if form.end.data is None:
            raise Refused(f"请填最后一天，例如 {web.today()}")
        absence.end_absence(session, row, person, end=form.end.data, by=web.actor())
        return "请假的最后一天记下了。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/transfer")
@access(MANAGERS)
def transfer(person_id: int) -> ResponseReturnValue:
    form = TransferForm.typed(sent_id("post"))

    def action(person: Person) -> str:
        old = _post(person)
        post = appointments.transfer(
            web.db(),
            old,
            _division_code(form.place.got, old.role),
            start=form.start.got,
            by=web.actor(),
            reason=form.reason.got,
        )
        return f"已调到{full_name(web.db(), post.division_code)}，学时跟着人走。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/post")
@access(MANAGERS)
def edit_post(person_id: int) -> ResponseReturnValue:
    form = PostForm.typed(sent_id("post"))

    def action(person: Person) -> str:
        reason = form.reason.got
        changed = service.edit_post(
            web.db(), _post(person), form.values(), by=web.actor(), reason=reason
        )
        return "任职改好了。" if changed else "没有改动。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/merge")
@access(MANAGERS)
def merge(person_id: int) -> ResponseReturnValue:
    """Merges a duplicate, given by its phone number, into this person."""
    form = MergeForm.typed()

    def action(person: Person) -> str:
        other = service.id_of_phone(web.db(), form.phone.data)
        if other is None:
            raise Refused("没有登记过这个手机号，请核对")
        duplicate = web.scope().person(web.db(), other)
        merging.merge(web.db(), person, duplicate, by=web.actor(), reason=form.reason.got)
        return f"{duplicate.phone} 名下的任职、培训和考试都并到这里了。并错了可以在这一页撤销。"

    return _act(person_id, form, action)


@people.post("/ledger/people/<int:person_id>/unmerge/<int:merge_id>")
@access(MANAGERS)
def unmerge(person_id: int, merge_id: int) -> ResponseReturnValue:
    def action(person: Person) -> str:
        record = next((m for m in merging.merges_of(web.db(), person.id) if m.id == merge_id), None)
        if record is None:
            raise Refused("没有这次合并，请刷新页面再看")
        merging.unmerge(web.db(), record, web.actor())
        return "合并已撤销，任职、培训和考试都回到原来的人名下。"

    return _act(person_id, None, action)


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
