"""Fuzzing of the parsers of the exchange formats: no crash, no hang, only clear refusals."""

from __future__ import annotations

import io
import random
import time
import zipfile

from benchmarks.results import Row
from question_bank import load_bank
from question_bank.formats import FORMATS
from question_bank.formats.exchange import Unrepresentable

TOKENS = (
    *(
        b"{",
        b"}",
        b"=",
        b"~",
        b"#",
        b"####",
        b"->",
        b"\\",
        b"%50%",
        b"%-100%",
        b"::",
        b"\n\n",
        b"[html]",
    ),
    *(b"<", b">", b"&", b"&amp;", b"</text>", b"<text>", b"<![CDATA[", b"]]>", b'"', b"fraction="),
    *(b"A. ", b"ANSWER: B", b"$CATEGORY: x", b"//", b"..", b"1:2", b"T", b"qti-"),
)


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Makes a few cuts, copies and insertions between whole characters; sometimes adds random bytes."""
    text = content.decode("utf-8", "surrogateescape")
    for _ in range(rng.randint(1, 6)):
        position, other = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
        kind = rng.random()
        if kind < 0.6:
            token = rng.choice(TOKENS).decode("utf-8", "surrogateescape")
            text = text[:position] + token + text[position + rng.randint(0, 4) :]
        elif kind < 0.8:
            text = text[:position] + text[position + rng.randint(1, 12) :]
        else:
            text = (
                text[:position]
                + text[min(position, other) : max(position, other)][:200]
                + text[position:]
            )
    data = text.encode("utf-8", "surrogateescape")
    if rng.random() < 0.1:
        position = rng.randrange(len(data) + 1)
        data = data[:position] + rng.randbytes(rng.randint(1, 6)) + data[position:]
    return data


def mutate_package(content: bytes, rng: random.Random) -> bytes:
    """Mutates one XML file inside a zip; sometimes the zip itself."""
    if rng.random() < 0.1:
        return mutate(content, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        names = [n for n in source.namelist() if n.endswith(".xml")]
        chosen = rng.choice(names)
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, mutate(data, rng) if name == chosen else data)
    return out.getvalue()


def fuzz(name: str, runs: int, seed: int = 1) -> Row:
    """Reads `runs` mutated files. Any exception other than a refusal propagates."""
    rng = random.Random(seed)  # noqa: S311 (repeatable, not secret)
    read, write = FORMATS[name]
    samples = [write([q])[0] for q in list(load_bank())[::7]]
    samples = [s for s in samples if len(s) > 10]
    if not samples:
        raise ValueError(name)
    zipped = samples[0][:2] == b"PK"
    refused = questions = skipped = 0
    worst = 0.0
    for _ in range(runs):
        sample = rng.choice(samples)
        data = mutate_package(sample, rng) if zipped else mutate(sample, rng)
        start = time.perf_counter()
        try:
            result = read(data)
            questions += len(result.questions)
            skipped += len(result.skipped)
        except Unrepresentable:
            refused += 1
        worst = max(worst, time.perf_counter() - start)
    return {
        "step": name,
        "inputs": runs,
        "refused": refused,
        "questions": questions,
        "skipped": skipped,
        "worst_ms": round(1000 * worst, 1),
    }
