"""Full-width punctuation in Chinese texts (GB/T 15834): finds half-width marks that touch Chinese, and mends them.

    python tools/punctuation.py          lists what breaks the rule; exit status 1 if anything does
    python tools/punctuation.py --fix    mends it in place

Only what people read is looked at: strings of Python, JavaScript and shell, text and attributes of templates, Typst, Markdown
outside code, values of YAML. A line that says ``as stored`` in a comment keeps what it has: it names data of old releases.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

WIDE = str.maketrans(",:;?!", "\uff0c\uff1a\uff1b\uff1f\uff01")
CJK = r"\u3400-\u9fff"
# A mark with Chinese, or a Chinese mark, on one side.
MARK = re.compile(
    rf"(?<=[{CJK}”’）》】〕。…])(?<![,:;?!])[,:;?!](?![,:;?!])|(?<![\s,:;?!])(?<![a-z0-9_](?=:))[,:;?!](?=[{CJK}“‘（《【〔])"
)
HOLE = "\ue000"
LEFT_OUT = (
    "exam_app/migrations/versions/",
    "CHANGELOG.md",
    "docs/decisions/",
    "tools/punctuation.py",
)
STORED = "as stored"


def widen(text: str, spaced: bool = True) -> str:
    """`text` with full-width marks where they touch Chinese; `spaced`: also those before a space, which goes."""

    def wide(match: re.Match[str]) -> str:
        after = match.string[match.end() : match.end() + 1]
        if not spaced and match[0] in ",:" and (not after or after.isspace()):
            return match[0]
        return match[0].translate(WIDE)

    text = MARK.sub(wide, _brackets(text))
    if spaced:
        text = re.sub(
            rf"(?<=[{CJK}])([\uff0c\uff1a\uff1b\uff1f\uff01]) (?=[{CJK}\ue000\ue001])", r"\1", text
        )
    return text


def _brackets(text: str) -> str:
    chars, opened = list(text), []
    for place, char in enumerate(chars):
        if char == "(":
            opened.append(place)
        elif char == ")" and opened:
            start = opened.pop()
            before = text[start - 1 : start]
            inside = text[start + 1 : place]
            touches = re.match(rf"[{CJK}”》]", before) or re.search(rf"[{CJK}]", inside)
            if touches and not re.match(r"[A-Za-z_\]$\\]", before) and "\n" not in inside:
                chars[start], chars[place] = "（", "）"
    return "".join(chars)


def _masked(
    text: str, pattern: str, *, inner: Callable[[str], str], outer: Callable[[str], str]
) -> str:
    """`outer` over the text with every match of `pattern` cut out, `inner` over each match."""
    pieces: list[str] = []
    # A level of its own where what is masked has holes already.
    hole = chr(ord(HOLE) + (HOLE in text))

    def cut(match: re.Match[str]) -> str:
        pieces.append(inner(match[0]))
        return hole

    masked = outer(re.sub(pattern, cut, text, flags=re.S))
    rest = iter(pieces)
    return re.sub(hole, lambda _: next(rest), masked)


def _quoted(text: str) -> str:
    """The strings in a piece of template code."""
    return re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", lambda m: widen(m[0]), text)


def _holes(body: str, spaced: bool) -> str:
    """An f-string's body: placeholders stay, the strings inside them are looked at."""
    out, depth, part, parts = [], 0, "", []
    place = 0
    while place < len(body):
        pair = body[place : place + 2]
        if depth == 0 and pair in ("{{", "}}"):
            part += pair
            place += 2
            continue
        char = body[place]
        if char == "{":
            if depth == 0:
                out.append(part)
                part = ""
            depth += 1
            part += char
        elif char == "}" and depth:
            depth -= 1
            part += char
            if depth == 0:
                parts.append(_quoted(part))
                out.append(HOLE)
                part = ""
        else:
            part += char
        place += 1
    kept = iter(parts)
    return re.sub(HOLE, lambda _: next(kept), widen("".join(out) + part, spaced))


def python(text: str) -> str:
    """A Python file: its strings but for docstrings and raw ones."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    edits: list[tuple[int, int, str]] = []
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL):
            continue
        statement = before in (
            tokenize.NEWLINE,
            tokenize.INDENT,
            tokenize.DEDENT,
            tokenize.ENCODING,
        )
        before = token.type
        if token.type != tokenize.STRING:
            continue
        # Docstrings are English; one in Chinese is a command's help.
        if statement and not re.match(rf'"""[{CJK}]', token.string):
            continue
        prefix = re.match(r"[A-Za-z]*", token.string)[0].lower()  # type: ignore[index]
        if (
            "r" in prefix
            or "b" in prefix
            or STORED in lines[token.start[0] - 1] + lines[token.end[0] - 1]
        ):
            continue
        new = _holes(token.string, False) if "f" in prefix else widen(token.string, False)
        if new != token.string:
            (row, column), (last, end) = token.start, token.end
            edits.append((starts[row - 1] + column, starts[last - 1] + end, new))
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


def html(text: str) -> str:
    """A template: text, attributes, strings of its code."""
    tags = r"<[!/a-zA-Z][^<>]*>"

    def attributes(tag: str) -> str:
        return re.sub(r'="[^"]*"', lambda m: widen(m[0]), tag)

    code = r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}"
    return _masked(
        text,
        code,
        inner=_quoted,
        outer=lambda rest: _masked(rest, tags, inner=attributes, outer=widen),
    )


def javascript(text: str) -> str:
    """A script: its strings."""
    pattern = r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|`(?:\\.|[^`\\])*`"

    def one(match: re.Match[str]) -> str:
        piece = match[0]
        if piece[0] == "`":
            return _masked(piece, r"\$\{[^}]*\}", inner=_quoted, outer=widen)
        return piece if piece[0] == "/" else widen(piece)

    return re.sub(pattern, one, text, flags=re.S)


def shell(text: str) -> str:
    """A shell script: its strings, line by line, but for what the shell puts in."""

    def one(match: re.Match[str]) -> str:
        return _masked(match[0], r"\$\([^)]*\)|\$\{[^}]*\}", inner=str, outer=widen)

    return "\n".join(
        line if line.lstrip().startswith("#") else re.sub(r'"[^"]*"|\'[^\']*\'', one, line)
        for line in text.split("\n")
    )


def typst(text: str) -> str:
    """A typeset document: marks between Chinese characters."""
    text = re.sub(rf"(?<=[{CJK}])[,:;?!](?=[{CJK}“])", lambda m: m[0].translate(WIDE), text)
    return re.sub(rf"(?<=[{CJK}])\(([{CJK}、，]+)\)", r"（\1）", text)


def markdown(text: str) -> str:
    """A page: what is neither code, link target, template code nor attribute list."""
    # An indented line is code, unless it goes on with a list.
    code = r"```.*?```|(?<=\n) {4}(?! *(?:[-*] (?!\{)|\d))[^\n]*|`[^`\n]*`|\]\([^)\n]*\)|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|\{:?[ #.][^}\n]*\}|<[^>\n]*>|https?://[^\s)）]*|〔[^〕\n]*〕"
    return _masked(
        text, code, inner=str, outer=lambda rest: "\n".join(map(widen, rest.split("\n")))
    )


def yaml(text: str) -> str:
    """A file of facts or questions: marks that are none of YAML's own (a comma or colon before a space is)."""
    return "\n".join(
        line if line.lstrip().startswith("#") else _yaml_line(line) for line in text.split("\n")
    )


def _yaml_line(line: str) -> str:
    if STORED in line:
        return line
    return _masked(
        line,
        r"\{%.*?%\}|\{\{.*?\}\}|〔[^〕]*〕|`[^`]*`|https?://\S*",
        inner=str,
        outer=lambda rest: widen(rest, False),
    )


MENDERS: dict[str, Callable[[str], str]] = {
    ".py": python,
    ".html": html,
    ".js": javascript,
    ".typ": typst,
    ".md": markdown,
    ".yaml": yaml,
    ".yml": yaml,
    ".sh": shell,
}


def files() -> Iterator[Path]:
    """The tracked files that hold texts."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()  # noqa: S603
    for name in listed.split("\0"):
        if name.endswith(tuple(MENDERS)) and not name.startswith(LEFT_OUT) and Path(name).exists():
            yield Path(name)


def main() -> int:
    fix, faults = "--fix" in sys.argv[1:], 0
    for path in files():
        text = path.read_text("utf-8")
        mended = MENDERS[path.suffix](text)
        if mended == text:
            continue
        if fix:
            path.write_text(mended, "utf-8")
            continue
        for number, (old, new) in enumerate(
            zip(text.split("\n"), mended.split("\n"), strict=True), 1
        ):
            if old != new:
                faults += 1
                print(f"{path}:{number}: half-width mark beside Chinese: {old.strip()[:100]}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
