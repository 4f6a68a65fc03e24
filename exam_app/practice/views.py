"""Practice pages: five items a day (also offline), practice by topic, review list, mastery."""

from __future__ import annotations

import random
from uuid import uuid4

from flask import Blueprint, jsonify, render_template, request
from werkzeug.wrappers import Response

from exam_app import web
from exam_app.bank.service import current_bank
from exam_app.exams.administration import reserved_items
from exam_app.kb.pages import kb_url
from exam_app.practice import service
from exam_app.practice.answers import Choice, check_practice, parts, practice_set
from exam_app.web.access import LEARNERS, access
from question_bank import load_pool
from training_records.database import now
from training_records.errors import Refused
from training_records.facts.loading import load_facts, required_points

practice = Blueprint("practice", __name__)
SOCIAL_WORK = "社工方法"


def _topics() -> list[str]:
    return list(load_facts().topics.values())


@practice.route("/practice", methods=["GET", "POST"])
@access(LEARNERS)
def index() -> str:
    """The practice home page; with a topic, page or point, a form with five matching items."""
    filters = {name: request.values.get(name, "")[:60] for name in ("topic", "page", "point")}
    if filters["topic"] not in _topics():
        filters["topic"] = ""
    choice = Choice(**filters)
    if request.method == "POST":
        return _marked(choice)
    if any(filters.values()) or "all" in request.args:
        return _form(choice)
    session, person, today = web.db(), web.person_id(), web.today()
    cards = service.cards_of(session, person)
    topics = [t for t in _topics() if t != SOCIAL_WORK]
    return render_template(
        "practice/index.html",
        done=service.done_on(session, person, today, zone=web.config().zone),
        daily=service.DAILY,
        streak=service.streak(session, person, today, zone=web.config().zone),
        wrong=len(service.wrong_book(cards, current_bank().questions, reserved_items(session))),
        mastery=service.mastery_by_topic(cards, topics, now()),
        topics=_topics(),
    )


def _marked(choice: Choice) -> str:
    questions, reserved = current_bank(), reserved_items(web.db())
    # Drop reserved items, whatever the form names: marking would reveal keys of open and coming exams.
    shown = [
        questions[i]
        for i in request.form.getlist("item")[:20]
        if i in questions.questions and i not in reserved
    ]
    by_item = [(q, check_practice(q, request.form.getlist)) for q in shown]
    marked = [part for _, marked_parts in by_item for part in marked_parts]
    key = request.form.get("key", "")[:32] or uuid4().hex
    results = [(q, all(part.right for part in marked_parts)) for q, marked_parts in by_item]
    service.note_form(web.db(), web.person_id(), key, marked=results)
    web.db().commit()
    return render_template(
        "practice/topic.html",
        marked=marked,
        right=sum(part.right for part in marked),
        choice=choice,
        topics=_topics(),
    )


def _form(choice: Choice) -> str:
    pool = load_pool("social-work" if choice.topic == SOCIAL_WORK else "daily")
    reserved = reserved_items(web.db())
    drawn = practice_set(
        pool.of(current_bank().reviewed()), reserved, choice, rng=random.SystemRandom()
    )
    return render_template(
        "practice/topic.html",
        questions=[(q, parts(q)) for q in drawn],
        key=uuid4().hex,
        choice=choice,
        about=required_points()[choice.point].title if choice.point in required_points() else "",
        topics=_topics(),
    )


@practice.get("/practice/daily")
@access(LEARNERS)
def daily() -> str:
    return render_template("practice/daily.html", count=service.DAILY)


@practice.get("/practice/pack.json")
@access(LEARNERS)
def pack() -> Response:
    """The next items with keys and explanations, enough for some days offline. Excludes items of open and coming
    exams."""
    session, person, at = web.db(), web.person_id(), now()
    cards = service.cards_of(session, person)
    pool = load_pool("daily").of(current_bank().reviewed())
    # The same draw all day until the items are answered.
    rng = random.Random(f"{person}:{web.today()}")  # noqa: S311 (reproducible draw)
    drawn = service.draw(cards, pool, reserved_items(session), at=at, rng=rng, n=service.PACK)
    done = service.done_on(session, person, web.today(), zone=web.config().zone)
    return jsonify(
        {
            "day": web.today().isoformat(),
            "daily": service.DAILY,
            "done": done,
            "items": [_item(q, q.id in cards) for q in drawn],
        }
    )


def _item(question: service.OnPhone, seen_before: bool) -> dict[str, object]:
    options = (
        {"true": "对", "false": "错"}
        if question.type == "true_false"
        else {label: str(text) for label, text in question.options.items()}
    )
    key = question.key
    return {
        "id": question.id,
        "type": question.type,
        "topic": question.topic,
        "stem": question.stem,
        "options": [[label, text] for label, text in options.items()],
        "key": list(key)
        if isinstance(key, tuple)
        else [str(key).lower() if key in (True, False) else key],
        "explanation": question.explanation,
        "source": question.source,
        "kb": kb_url(question.kb),
        "again": seen_before,
    }


@practice.post("/practice/answers")
@access(LEARNERS)
def answers() -> Response:
    """Records answers, for pages of an earlier release that phones still keep; others use the outbox."""
    payload = request.get_json(silent=True)
    rows = payload.get("answers") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        raise Refused("请求里要有 answers")
    parsed = [a for row in rows if (a := _answer(row)) is not None]
    questions, reserved = current_bank().questions, reserved_items(web.db())
    marked = service.take(web.db(), web.person_id(), parsed, questions=questions, reserved=reserved)
    web.db().commit()
    done = service.done_on(web.db(), web.person_id(), web.today(), zone=web.config().zone)
    # Acknowledge answers that can't be marked too, so that the client stops resending them.
    return jsonify({"taken": [a.key for a in parsed], "right": marked, "done": done})


def _answer(row: object) -> service.PhoneAnswer | None:
    if not isinstance(row, dict):
        return None
    key, item, ago = row.get("key"), row.get("item"), row.get("ago")
    if not (isinstance(key, str) and 8 <= len(key) <= 36 and isinstance(item, str)):
        return None
    if not isinstance(ago, int | float) or not 0 <= ago < 10**9:
        ago = 0
    return service.PhoneAnswer(key, item[:40], row.get("response"), row.get("unsure") is True, ago)


@practice.get("/practice/wrong")
@access(LEARNERS)
def wrong() -> str:
    session = web.db()
    cards = service.cards_of(session, web.person_id())
    items = service.wrong_book(cards, current_bank().questions, reserved_items(session))
    return render_template(
        "practice/wrong.html",
        questions=[(q, parts(q)) for q in items[:30]],
        count=len(items),
    )
