"""The wheel brings along all that the product needs, and nothing of what only a checkout has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from exam_app.config import ROOT

NOT_BUILT_FROM = shutil.ignore_patterns(
    ".*", "build", "dist", "instance", "*.egg-info", "__pycache__"
)


def run(*command: str | Path, **options) -> subprocess.CompletedProcess[str]:
    """Without the checkout on the path and without this machine's settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ACADEMY_"))}
    return subprocess.run(
        [str(c) for c in command], env=kept, capture_output=True, text=True, **options
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    # From a copy: setuptools takes what an earlier build left in `build/` into the wheel.
    place = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, place / "code", ignore=NOT_BUILT_FROM)
    built = run(
        *(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place),
        place / "code",
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The commands of a virtual environment that holds the wheel and sees the dependencies of this one."""
    target = wheel.parent / "venv"
    assert run(sys.executable, "-m", "venv", "--without-pip", target).returncode == 0
    python = target / "bin" / "python"
    done = run(
        *(sys.executable, "-m", "pip", "--python", python, "install"),
        *("--quiet", "--no-deps", "--no-index", wheel),
    )
    assert done.returncode == 0, done.stderr
    # A folder named in a .pth is searched, but its own .pth files are not read: an editable install stays out.
    own = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout[:-1]
    )
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run(python, "-c", "import exam_app; print(exam_app.__file__)", cwd=target).stdout
    assert where.startswith(str(own))
    return target / "bin"


def test_the_wheel_holds_the_product_only(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == {
        "exam_app",
        "question_bank",
        "training_records",
    }
    tracked = subprocess.run(
        ["git", "ls-files", "exam_app", "question_bank", "training_records"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    missing = {n for n in tracked if n and (ROOT / n).exists()} - set(names)
    assert not missing


def test_the_demonstration_runs_from_an_empty_folder(installed, tmp_path):
    done = run(
        *(installed / "academy", "demo", "--people", "20", "--no-serve", "--json"), cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["accounts"]) >= 3
    assert [p.name for p in tmp_path.iterdir()] == ["instance"]
    assert (tmp_path / "instance" / "academy.db").exists()
    page = tmp_path / "instance" / "kb" / "services" / "visits" / "index.html"
    assert "每月至少 1 次" in page.read_text("utf-8")


def test_benchmarks_are_named_where_they_are(installed, tmp_path):
    done = run(installed / "academy", "bench", "exam", cwd=tmp_path)
    assert done.returncode == 1
    assert "性能测试不在安装包里" in done.stdout + done.stderr


def test_facts_are_recorded_in_a_checkout_only(installed, tmp_path):
    done = run(installed / "academy", "kb", "record", "改了", cwd=tmp_path)
    assert done.returncode == 1
    assert "源代码里" in done.stdout + done.stderr
