"""Every rule that takes an id, called with the ids of another district and of another person of the same village.

`test_scope.py` shows which roles may call a view; here they may, and the thing is not theirs. A rule whose argument
names a kind of thing that nobody builds here fails by name.
"""

from __future__ import annotations

import io
import itertools
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from exam_app.evaluation.sources import frame_of
from exam_app.events.codes import own_code
from exam_app.exams.appeals import doubt
from exam_app.identity.models import ApiToken, SecurityKey
from exam_app.jobs.models import Job
from exam_app.jobs.service import folder_of
from exam_app.learn import media
from exam_app.learn.models import CourseVersion
from exam_app.reminders.models import Channel
from exam_app.sheets import service as sheets
from exam_app.sheets.models import ScanPage
from exam_app.web.access import PUBLIC
from tests.conftest import Api
from tests.factories import (
    CITY,
    DISTRICT,
    OTHER_DISTRICT,
    OTHER_TOWN,
    OTHER_VILLAGE,
    TOWN,
    VILLAGE,
    ZONE,
    begin,
    hand_in,
    path_of,
    repeated_ids,
    rightly,
    today,
)
from tests.service.training_records.evaluation.test_runs import SCHEME, subject
from tests.service.training_records.inspection.test_inspection import PARTS
from tests.service.training_records.ledger.test_importer import HEAD, workbook
from training_records.archive.models import CorrectionRequest
from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.corrections import merging
from training_records.database import now
from training_records.divisions import prefix_of
from training_records.evaluation import runs
from training_records.events import attendance
from training_records.events.models import Event, EventSession, PlanLine
from training_records.exemplars.models import Exemplar
from training_records.inspection.models import AnnualReport, GoodCase
from training_records.ledger.models import ImportBatch, Person
from training_records.work import satisfaction
from training_records.work.models import Activity, CaseEntry, OfficeTask, SatisfactionRound, Visit

# Argument of a rule → kind of thing, for a blueprint where its name alone doesn't say.
KINDS = {
    "account_id": "account",
    "activity_id": "activity",
    "appeal_id": "appeal",
    "attempt_id": "attempt",
    "batch_id": "import",
    "archive.no": "certificate",
    "case_id": "caseload entry",
    "cases.number": "case",
    "certificates.no": "certificate",
    "channel_id": "channel",
    "check_id": "spot check",
    "check_in.at_door.code": "door code",
    "check_in.check_in_person.code": "door code",
    "check_in.enter.code": "screen code",
    "check_in.sign.code": "screen code",
    "course_id": "course",
    "digest": "evidence",
    "event_id": "event",
    "exam_id": "exam",
    "exemplars.number": "exemplar",
    "job_id": "job",
    "key": "upload",
    "learn.unit_id": "unit",
    "courses.unit_id": "written unit",
    "line_id": "plan line",
    "merge_id": "merge",
    "own_account.remove_key.handle": "security key",
    "own_account.revoke_token.handle": "token",
    "page_id": "scanned page",
    "person_id": "person",
    "reports.code": "report",
    "request_id": "correction",
    "round_id": "survey round",
    "run_id": "run",
    "session_id": "session",
    "sha": "recording",
    "sheet_id": "sheet",
    "surveys.token": "survey code",
    "task_id": "office task",
    "verify.no": "certificate",
    "version_id": "course version",
    "visit_id": "visit",
}
# Arguments that name no thing of somebody's: a part, a form or a year of what the rest of the rule names.
PLAIN = {
    "filename": "app.css",
    "kind": "html",
    "measure": "training_hours",
    "paper": "list.docx",
    "path": "index.html",
    "sheets.number": "1",
    "slot": "1",
}
# Whoever has the address has the thing, whatever their division; why that is so.
BY_ADDRESS = {
    "check_in.enter": "the code of this half minute stands on the screen of the room they are in",
    "check_in.sign": "as above; who is not on the list is noted as such",
    "learn.recording": "the address is the hash of the file",
    "surveys.answer": "the code on the slip is all that an anonymous villager has",
    "verify.certificate": "anybody checks a certificate by its number",
}
# What else than "not found" a view says: the page of one's own person comes again; saving is for learners alone,
# which a view that is open to a ticket without a sign-in sees to itself.
OTHERWISE = {"people.unmerge": 422, "api.save": 403}
# Their form or body names a further thing, or what came before has used the thing up: called empty they find nothing.
NEED_MORE = {
    "api.beacon",
    "check_in.check_in_person",
    "ledger.titles",
    "people.edit_post",
    "people.transfer",
    "roll.register",
    "sheets.print_all",
}
# What belongs to one person, also within their village.
PERSONAL = {
    "activity",
    "attempt",
    "case",
    "certificate",
    "correction",
    "exemplar",
    "person",
    "visit",
}
NOT_PERSONAL = {"exemplars.objection"}
BODIES: dict[str, Any] = {
    "api.save": {"answers": [{"slot": "1", "response": None, "seq": 1}]},
    "api.beacon": {"ticket": "x", "answers": [{"slot": "1", "response": None, "seq": 1}]},
    "api.submit": {"expected": {}},
    "api.start": {},
}


def kind_of(rule: Any, name: str) -> str | None:
    """What an argument of a rule names; None for what is no thing."""
    blueprint = rule.endpoint.partition(".")[0]
    for known in (f"{rule.endpoint}.{name}", f"{blueprint}.{name}", name):
        if known == "year" or known in PLAIN:
            return None
        if known in KINDS:
            return KINDS[known]
    pytest.fail(f"{rule.rule} ({rule.endpoint}) takes <{name}>, and nothing of that kind is built")


def things_in(rule: Any) -> list[str]:
    asked = rule.arguments - set(rule.defaults or ())
    return sorted(name for name in asked if kind_of(rule, name))


def plain_of(rule: Any) -> dict[str, str]:
    """The arguments of a rule that name no thing."""
    blueprint = rule.endpoint.partition(".")[0]
    plain = {**PLAIN, "year": str(today().year)}
    told = {name: plain.get(f"{blueprint}.{name}", plain.get(name)) for name in rule.arguments}
    return {name: value for name, value in told.items() if value is not None}


def rules_with_things(app: Flask) -> list[Any]:
    rules = [r for r in app.url_map.iter_rules() if r.arguments]
    return sorted((r for r in rules if things_in(r)), key=lambda r: (r.endpoint, r.rule))


def methods_of(rule: Any) -> list[str]:
    return sorted(rule.methods - {"HEAD", "OPTIONS"})


def call(api: Api, rule: Any, method: str, values: dict[str, str]) -> Any:
    body = BODIES.get(rule.endpoint)
    return api.client.open(
        path_of(rule, {**plain_of(rule), **values}),
        method=method,
        json=body,
        headers=api.headers,
        query_string={},
    )


def picture(colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (1050, 1485), colour).save(out, "JPEG")
    return out.getvalue()


def pdf(colour: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (210, 297), colour).save(out, "PDF")
    return out.getvalue()


class Place:
    """A district with its office, supervisor and director, and one of each thing in it; `things`: kind → what a
    rule's argument names it by."""

    def __init__(self, app, world, saver, sign_in, city_exam, district, town, village) -> None:
        self.app, self.world, self.session = app, world, world.session
        self.config = app.config["ACADEMY"]
        self.district, self.village = district, village
        self.today = today()
        office = world.account("district", district)
        self.account = world.account("director", village)
        supervisor = world.account("supervisor", town)
        # Somebody who has the same village.
        self.neighbour = sign_in(world.account("director", village))
        self.office, self.town = sign_in(office), sign_in(supervisor)
        self.phone = sign_in(self.account)
        self.person = self.session.get_one(Person, self.account.person_id)
        self.colour = int(district[4:6])
        self.things: dict[str, Any] = {"account": self.account.id, "person": self.person.id}
        self._exams(saver, city_exam)
        self._paper(city_exam)
        self._events()
        self._records()
        self._work()
        self._ledger()
        self._courses()
        self._evaluation()
        self._office(office)
        self.session.commit()

    @property
    def clients(self) -> dict[str, Api]:
        return {"district": self.office, "supervisor": self.town, "director": self.phone}

    def keep(self, kind: str, table: Any) -> Any:
        """Notes the newest row of a table as a kind of thing."""
        row = self.session.scalars(select(table).order_by(table.id.desc())).first()
        assert row is not None, kind
        self.things[kind] = row.id
        self.session.commit()
        return row

    def _exams(self, saver, city_exam) -> None:
        exam = self.world.exam(self.district)
        attempt = hand_in(self.session, saver, begin(self.session, city_exam, self.person), rightly)
        made = doubt(self.session, attempt, "第 1 题还有一个答案也对")
        self.things |= {"exam": exam.id, "attempt": attempt.id, "appeal": made.id}
        self.things["certificate"] = attempt.certificate_no
        self.session.commit()

    def _paper(self, exam) -> None:
        """A sheet of an exam of the whole city, one page of it scanned."""
        sitter = self.world.person(self.village)
        (sheet,), _ = sheets.make_sheets(self.session, exam, [sitter], actor="t")
        file = sheets.hand_over(
            self.session, exam, self.district, name="a.pdf", data=pdf(self.colour), actor="t"
        )
        page = ScanPage(
            file=file, number=1, sheet_id=sheet.id, page=1, picture=picture(255), problem="看不清"
        )
        self.session.add(page)
        first = sheets.pages_of(sheet)[0]
        slots = {p.id: p for p in sheets.places_of(sheet).values()}
        slot = next(s for s in slots if s in sheets.slots_on(first))
        sheets.settle(self.session, sheet, {slot: rightly(slots[slot])}, actor="t")
        sheets.entries_of(self.session, sheet)[slot].page_id = page.id
        self.things |= {"sheet": sheet.id, "scanned page": page.id, "slot": slot}
        self.session.commit()

    def _events(self) -> None:
        values = {"title": f"{self.district}班", "audience": "director", "capacity": "30"}
        path = self.office.form("/events", **values).location
        start, end = now() - timedelta(minutes=1), now() + timedelta(hours=3)
        local = "%Y-%m-%dT%H:%M"
        self.office.form(
            f"{path}/sessions",
            title="第一课",
            starts_at=start.astimezone(ZONE).strftime(local),
            ends_at=end.astimezone(ZONE).strftime(local),
            hours="4",
        )
        self.office.form(path, **values, form="面授", place="党校")
        self.office.form(f"{path}/step")
        self.office.form(f"{path}/people", people=self.account.phone)
        event = self.keep("event", Event)
        one = self.keep("session", EventSession)
        self.things["screen code"] = attendance.code_at(event, one.id, now())
        self.things["door code"] = own_code(self.config.secret_key, event.id, self.person.id)
        self.session.commit()
        self.office.form(
            "/events/plan",
            year=str(self.today.year),
            month="12",
            title="冬训",
            audience="director",
            hours="4",
            heads="9",
            budget="0",
        )
        self.keep("plan line", PlanLine)

    def _records(self) -> None:
        name = "结业证书"
        self.world.entry(self.person, day=self.today)
        values = {"name": name, "heading": "培训", "prefix": "PD", "valid_months": "36"}
        self.office.form(
            "/certificates/templates", body="{holder}参加“{title}”，准予结业。", **values
        )
        template = self.session.scalars(
            select(CertificateTemplate.id).order_by(CertificateTemplate.id.desc())
        ).first()
        self.session.commit()
        self.office.form(
            "/certificates/issue", title="培训", on=self.today.isoformat(), template=template
        )
        self.things["certificate"] = self.session.scalars(
            select(Certificate.no).where(Certificate.person_id == self.person.id)
        ).first()
        assert self.things["certificate"]
        self.session.commit()
        self.phone.form("/archive/correct", text="少记了一次")
        self.keep("correction", CorrectionRequest)
        self.office.form("/reports", hand_in="1", file=(io.BytesIO(pdf(self.colour)), "报告.pdf"))
        of_district = AnnualReport.division_code == self.district
        report = self.session.scalars(select(AnnualReport).where(of_district)).one()
        self.things |= {"report": report.division_code, "evidence": report.file}
        self.session.commit()
        self.phone.form("/cases/new", item="16", **PARTS, nameless="1")
        self.keep("case", GoodCase)
        self.office.form(
            f"/exemplars/nominate/{self.person.id}", material="三年都好", words="孩子都认得她。"
        )
        self.keep("exemplar", Exemplar)

    def _work(self) -> None:
        self.phone.form("/caseload", code="03-07", categories=["orphan"])
        entry = self.keep("caseload entry", CaseEntry)
        day = self.today.isoformat()
        told = {"key": f"visit-{self.district}", "case": entry.id, "on": day, "form": "home"}
        self.phone.post("/visits/sync", {"visits": [{**told, "findings": {}}]})
        self.keep("visit", Visit)
        self.phone.form("/activities", title="宣讲", theme="drowning", on=day)
        self.keep("activity", Activity)
        due = (self.today + timedelta(days=9)).isoformat()
        self.office.form("/office-tasks", title="报送案例", due_on=due)
        self.keep("office task", OfficeTask)
        self.office.form("/satisfaction", closes_on=due)
        round_ = self.keep("survey round", SatisfactionRound)
        codes = satisfaction.issue(self.session, round_, self.person.id, today=self.today)
        self.things["survey code"] = codes[0]
        self.session.commit()
        drawn = self.office.form("/spot", size="20", seed="7", due=due)
        self.things["spot check"] = drawn.location.rpartition("/")[2]

    def _ledger(self) -> None:
        names = {DISTRICT: ("平度市", "云桥镇"), OTHER_DISTRICT: ("胶州市", "松湾镇")}
        line = ["王秀兰", f"136{self.district[:8]}", *names[self.district], "前河村", "2023.5"]
        data = workbook([line], HEAD)
        keys = []
        for _ in range(2):
            sent = {"file": (io.BytesIO(data), "台账.xlsx")}
            page = self.office.client.post(
                "/ledger/import", data=sent, headers=self.office.headers
            ).text
            keys.append(re.search(r'action="/ledger/import/(\w+)', page)[1])
        self.office.form(f"/ledger/import/{keys[0]}", accept="good")
        self.keep("import", ImportBatch)
        self.things["upload"] = keys[1]
        gone = self.world.person(self.village, name=self.person.name)
        done = merging.merge(self.session, self.person, gone, by="t", reason="核对过证件")
        self.things["merge"] = done.id
        self.session.commit()

    def _courses(self) -> None:
        made = self.office.form("/courses", title=f"{self.district}的课").location
        page = self.office.get(made).text
        unit = re.search(r'href="(/courses/\d+/units/[^"]+)"', page)[1]
        values = {"title": "六不", "minutes": "10", "text": "不私自下水"}
        edits = re.search(r'name="edits" value="(\d+)"', page)[1]
        self.office.form(unit, edits=edits, **values)
        edits = re.search(r'name="edits" value="(\d+)"', self.office.get(made).text)[1]
        self.office.form(f"{made}/publish", edits=edits)
        version = self.keep("course version", CourseVersion)
        assert version.state == "published"
        self.things["course"] = version.course_id
        self.things["unit"] = self.things["written unit"] = version.content["units"][0]["id"]
        self.session.commit()
        data = io.BytesIO(pdf(self.colour + 9))
        staged = media.stage(self.config.instance, data, "讲义.pdf")
        self.things["recording"] = media.keep(self.session, staged, "t").sha256
        self.session.commit()

    def _evaluation(self) -> None:
        prefix = prefix_of(self.district)
        frame = frame_of(prefix, self.today.year, self.today, config=self.config)
        found = {self.person.id: subject(self.person)}
        run = runs.start(self.session, self.district, frame, scheme=SCHEME, subjects=found, by="t")
        for row, _ in runs.results_of(self.session, run, prefix):
            row.code = self.village
        self.things["run"] = run.id
        self.session.commit()

    def _office(self, office) -> None:
        self.office.form("/reminders", way="csv", name="短信", quiet_from="21", quiet_to="8")
        self.keep("channel", Channel)
        self.office.form("/archives", division=self.district)
        job = self.keep("job", Job)
        job.state, job.file = "done", "archives.zip"
        folder = folder_of(self.config, job.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "archives.zip").write_bytes(b"PK")
        self.session.commit()
        self.office.form("/account/tokens", name="脚本", scope="read", days="30")
        digest = self.session.scalars(
            select(ApiToken.digest).where(ApiToken.account_id == office.id)
        ).one()
        self.things["token"] = digest[:16]
        key = SecurityKey(
            credential_id=f"key-of-{self.district}",
            account_id=office.id,
            public_key="k",
            name="电脑",
            sign_count=0,
        )
        self.session.add(key)
        self.things["security key"] = key.credential_id[:16]
        self.session.commit()


@pytest.fixture
def places(app, world, saver, sign_in):
    # What is looked at after a commit must not begin another transaction: SQLite has one writer.
    world.session.expire_on_commit = False
    exam = world.exam(CITY, blueprint="annual", kind="annual")
    build = (app, world, saver, sign_in, exam)
    own = Place(*build, DISTRICT, TOWN, VILLAGE)
    foreign = Place(*build, OTHER_DISTRICT, OTHER_TOWN, OTHER_VILLAGE)
    own.things["shared exam"], foreign.things["shared exam"] = exam.id, foreign.things["exam"]
    world.session.commit()
    return own, foreign


def values_of(rule: Any, place: Place) -> dict[str, Any]:
    """What names the place's things. Parts of an exam hang on the one of the city, which is in everybody's reach."""
    names = things_in(rule)
    kinds = {name: kind_of(rule, name) for name in names}
    if len(names) > 1:
        kinds = {n: "shared exam" if k == "exam" else k for n, k in kinds.items()}
    found = {name: place.things[kind] for name, kind in kinds.items()}
    if rule.endpoint == "sheets.crop":
        found["slot"] = place.things["slot"]
    return found


def mixtures(own: dict[str, Any], foreign: dict[str, Any]) -> list[dict[str, Any]]:
    """Own things with at least one foreign among them."""
    names = [n for n in own if n != "slot"]
    found = []
    for chosen in itertools.product((False, True), repeat=len(names)):
        if any(chosen):
            taken = [n for n, c in zip(names, chosen, strict=True) if c]
            found.append({**own, **{n: foreign[n] for n in taken}})
    return found


def may_call(app: Flask, rule: Any, role: str) -> bool:
    roles = app.view_functions[rule.endpoint].access
    return roles == PUBLIC or role in roles


def test_things_of_another_district_are_not_found(app, places):
    own, foreign = places
    reached, tried = [], 0
    for rule in rules_with_things(app):
        if rule.endpoint in BY_ADDRESS:
            continue
        for role, api in own.clients.items():
            if not may_call(app, rule, role):
                continue
            for values in mixtures(values_of(rule, own), values_of(rule, foreign)):
                for method in methods_of(rule):
                    tried += 1
                    answer = call(api, rule, method, values)
                    if answer.status_code not in (404, OTHERWISE.get(rule.endpoint)):
                        reached.append((role, method, rule.rule, values, answer.status_code))
    assert not reached, "\n".join(map(str, reached))
    assert tried > 200


def test_things_of_a_neighbour_are_not_found(app, places):
    own, _ = places
    reached, tried = [], 0
    for rule in rules_with_things(app):
        kinds = {kind_of(rule, name) for name in things_in(rule)}
        if not kinds & PERSONAL or not may_call(app, rule, "director"):
            continue
        if rule.endpoint in BY_ADDRESS or rule.endpoint in NOT_PERSONAL:
            continue
        for method in methods_of(rule):
            tried += 1
            answer = call(own.neighbour, rule, method, values_of(rule, own))
            if answer.status_code != 404:
                reached.append((method, rule.rule, answer.status_code))
    assert not reached, "\n".join(map(str, reached))
    assert tried > 15


def test_ones_own_things_are_found(app, places):
    """Or not finding those of others would mean nothing."""
    own, _ = places
    lost = []
    for rule in sorted(rules_with_things(app), key=lambda r: "GET" not in r.methods):
        if rule.endpoint in NEED_MORE:
            continue
        values = values_of(rule, own)
        for method in methods_of(rule):
            answers = {
                role: call(api, rule, method, values)
                for role, api in own.clients.items()
                if may_call(app, rule, role)
            }
            for answer in answers.values():
                assert repeated_ids(answer) == [], (method, rule)
            if not any(answer.status_code not in (403, 404) for answer in answers.values()):
                lost.append((method, rule.rule, values, answers))
    assert not lost, "\n".join(map(str, lost))


def test_what_is_found_by_its_address_alone(app, places):
    own, foreign = places
    rules = [r for r in rules_with_things(app) if r.endpoint in BY_ADDRESS]
    assert {r.endpoint for r in rules} == set(BY_ADDRESS)
    for rule in rules:
        answer = call(own.phone, rule, methods_of(rule)[0], values_of(rule, foreign))
        assert answer.status_code == 200, rule
