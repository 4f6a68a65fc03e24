"""The scripts of the pages: their units, which node runs, and what their names promise."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from exam_app.config import ROOT
from exam_app.web.assets import FOR_GOOD, Assets, init_assets, slim
from tests.conftest import missing

STATIC = ROOT / "exam_app" / "static"
UNITS = sorted((Path(__file__).parent / "js").glob("*.test.mjs"))


@pytest.mark.parametrize("path", UNITS, ids=lambda p: p.name.removesuffix(".test.mjs"))
def test_units(path: Path):
    node = shutil.which("node")
    if node is None:
        missing("没有 node（Debian 包 nodejs）")
    done = subprocess.run([node, "--test", path], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js" / "lib").mkdir(parents=True)
    (tmp_path / "js" / "lib" / "dom.js").write_text("export const x = 1;\n")
    (tmp_path / "js" / "lib" / "api.js").write_text(
        'import { x } from "./dom.js";\nexport { x };\n'
    )
    (tmp_path / "js" / "page.js").write_text(
        'import { x } from "./lib/api.js";\nimport "./lib/dom.js";\nx;\n'
    )
    (tmp_path / "icons.svg").write_text("<svg/>")
    (tmp_path / "app.css").write_text('a { background: url("icons.svg#a") } b { color: url(#b) }')
    (tmp_path / "sw.js").write_text('const CACHE = "app-VERSION";\n')
    return tmp_path


def test_a_name_covers_all_that_a_file_loads(folder):
    before = Assets(folder)
    (folder / "js" / "lib" / "dom.js").write_text("export const x = 2;\n")
    after = Assets(folder)
    for name in ("js/lib/dom.js", "js/lib/api.js", "js/page.js"):
        assert before.name(name) != after.name(name)
    assert before.name("app.css") == after.name("app.css")
    assert before.worker() != after.worker() and b"VERSION" not in after.worker()


def test_imports_and_references_are_rewritten_to_hashed_names(folder):
    assets = Assets(folder)
    page = assets["js/page.js"].content.decode()
    assert f'"./{assets.name("js/lib/api.js")[3:]}"' in page
    assert f'"./{assets.name("js/lib/dom.js")[3:]}"' in page
    css = assets["app.css"].content.decode()
    assert f'url("./{assets.name("icons.svg")}#a")' in css and "url(#b)" in css
    assert assets.modules("js/page.js") == ["js/lib/dom.js", "js/lib/api.js", "js/page.js"]


def test_what_only_readers_need_is_not_sent():
    script = "// @ts-check\n/** @param {x} y */\nconst a = /** @type {any} */ (b); // c\n\n  if (a)\n    d();\n"
    assert slim(script) == "const a = (b); // c\nif (a)\nd();\n"
    for path in STATIC.rglob("*.js"):
        lines = path.read_text("utf-8").splitlines()
        assert all(line.count("`") % 2 == 0 for line in lines), path


def test_what_is_sent_is_a_script(tmp_path):
    node = shutil.which("node")
    if node is None:
        missing("没有 node（Debian 包 nodejs）")
    assets = Assets(STATIC)
    for path in STATIC.rglob("*.js"):
        sent = tmp_path / f"{path.stem}.mjs"
        sent.write_bytes(assets[path.relative_to(STATIC).as_posix()].content)
        done = subprocess.run([node, "--check", sent], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_a_ring_of_imports_is_refused(folder):
    (folder / "js" / "lib" / "dom.js").write_text('import "./api.js";\n')
    with pytest.raises(ValueError, match="ring"):
        Assets(folder)


@pytest.fixture
def client(folder):
    app = Flask("static-files", static_folder=str(folder), static_url_path="/static")
    init_assets(app)

    @app.get("/")
    def page() -> str:
        return str(app.jinja_env.globals["modules"]("js/page.js"))  # type: ignore[operator]

    return app.test_client()


def test_a_page_names_its_modules_and_browsers_keep_them_for_good(client):
    tags = client.get("/").text
    named = re.findall(r'"(/static/[^"]+)"', tags)
    assert tags.count("modulepreload") == 2 and len(named) == 3
    for address in named:
        answer = client.get(address, headers={"Accept-Encoding": "br"})
        assert answer.status_code == 200 and answer.mimetype == "text/javascript"
        assert answer.headers["Cache-Control"] == FOR_GOOD
        assert answer.headers["Content-Encoding"] == "br"
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert client.get(named[0]).data == b"export const x = 1;\n"


def test_another_release_s_name_is_not_answered_with_this_one_s_file(client):
    assert client.get("/static/js/page.0123456789.js").status_code == 404
    assert client.get("/static/nothing.js").status_code == 404
    assert client.get("/static/../secret").status_code == 404
    plain = client.get("/static/js/page.js")
    assert plain.status_code == 200 and plain.headers["Cache-Control"] == "no-cache"


def test_the_scripts_are_checked():
    """Every script of ours is read by the type checker, and no module is too much for one reading."""
    for path in STATIC.rglob("*.js"):
        lines = path.read_text("utf-8").splitlines()
        assert lines[0] == "// @ts-check", path
        assert len(lines) < 400, path


def test_the_lock_file_names_no_registry():
    text = (ROOT / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in text and "registry" not in text
