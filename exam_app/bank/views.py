"""The question bank for the city: look up, see keys and sources."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from exam_app.bank.service import kept_bank
from exam_app.web.access import CITY, access
from training_records.facts.loading import load_facts

bank = Blueprint("bank", __name__)
PAGE = 20


@bank.get("/bank")
@access(CITY)
def index() -> str:
    facts = load_facts()
    kept = kept_bank()
    questions = kept.bank
    text, topic = request.args.get("q", "")[:60], request.args.get("topic", "")
    found = questions.search(text, topic if topic in facts.topics.values() else "")
    page = max(request.args.get("page", 1, type=int), 1)
    return render_template(
        "bank/index.html",
        found=found[(page - 1) * PAGE : page * PAGE],
        total=len(found),
        page=page,
        pages=-(-len(found) // PAGE),
        q=text,
        topic=topic,
        topics=list(facts.topics.values()),
        clauses=facts.clauses,
        problems=kept.problems,
        missing=kept.missing,
        size=len(questions),
    )
