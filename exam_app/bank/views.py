"""Search of the item bank with keys and sources, for the city."""

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
    loaded = kept_bank()
    item_bank = loaded.bank
    text, topic = request.args.get("q", "")[:60], request.args.get("topic", "")
    matches = item_bank.search(text, topic if topic in facts.topics.values() else "")
    page = max(request.args.get("page", 1, type=int), 1)
    return render_template(
        "bank/index.html",
        found=matches[(page - 1) * PAGE : page * PAGE],
        total=len(matches),
        page=page,
        pages=-(-len(matches) // PAGE),
        q=text,
        topic=topic,
        topics=list(facts.topics.values()),
        clauses=facts.clauses,
        problems=loaded.problems,
        missing=loaded.missing,
        size=len(item_bank),
    )
