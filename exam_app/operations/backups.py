"""Backups of a whole installation: database, evidence, recordings, anchors; encrypted, rotated and verified.

A bundle is a tar file with `manifest.json` (time, engine, SHA-256 of each file). With recipients it
is encrypted to their public keys (age, https://age-encryption.org/v1), and the server itself can't
read it.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypedDict
from uuid import uuid4

import pyrage
from sqlalchemy import Engine, func, select, text

from exam_app.archive.anchors import FILE as ANCHORS
from exam_app.archive.anchors import outside
from exam_app.audit.service import verify as verify_audit
from exam_app.config import Config
from exam_app.migrations.metadata import metadata
from exam_app.migrations.running import is_current, upgrade
from exam_app.operations.dumps import dump, is_sqlite, load
from exam_app.operations.partitions import dangling
from training_records.archive import evidence
from training_records.archive.models import Evidence
from training_records.archive.service import verify as verify_archive
from training_records.database import engine_url, make_engine, make_session_factory, now, read_only
from training_records.errors import RecordsError, Refused
from training_records.files import written_whole

DATABASE, MANIFEST = "database", "manifest.json"
FOLDERS = ("evidence", "media")
FILES = (ANCHORS, "published.json")
NAME = re.compile(r"academy-(\d{8}T\d{6})Z\.tar(\.age)?")
# Retention: the number of latest days, weeks and months of which a bundle is kept.
KEEP = (7, 5, 12)
SPOT = 20


def make_bundle(config: Config, folder: Path, recipients: Sequence[str] = ()) -> Path:
    """Writes a bundle of the current state. `Refused` for an invalid recipient."""
    keys = [_recipient(r) for r in recipients]
    folder.mkdir(parents=True, exist_ok=True)
    at = now()
    target = folder / f"academy-{at:%Y%m%dT%H%M%S}Z.tar{'.age' if keys else ''}"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as temporary:
        work = Path(temporary)
        # Dump the database first: the files it refers to exist already and are never deleted.
        dump(config.database_url, work / DATABASE)
        files = {DATABASE: work / DATABASE, **_files(config.instance)}
        manifest: Manifest = {
            "made_at": at.isoformat(),
            "engine": "sqlite" if is_sqlite(config.database_url) else "postgresql",
            "files": {name: _sha256(path) for name, path in files.items()},
        }
        (work / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
        tar_path = work / "bundle.tar"
        with tarfile.open(tar_path, "w") as out:
            for name, path in {MANIFEST: work / MANIFEST, **files}.items():
                out.add(path, name)
        with written_whole(target) as partial:
            if keys:
                with tar_path.open("rb") as source, partial.open("wb") as sealed:
                    pyrage.encrypt_io(source, sealed, keys)
            else:
                tar_path.replace(partial)
    target.chmod(0o600)
    return target


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except Exception:
        raise Refused(f"“{text[:20]}…”不是 age 公钥。它以 age1 开头，用 age-keygen 生成") from None


def _files(instance: Path) -> dict[str, Path]:
    files = {name: instance / name for name in FILES if (instance / name).is_file()}
    for folder in FOLDERS:
        for path in sorted((instance / folder).rglob("*")):
            if path.is_file() and path.suffix != ".half":
                files[path.relative_to(instance).as_posix()] = path
    return files


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bundles_in(folder: Path) -> list[tuple[datetime, Path]]:
    """(time, path) of the bundles in a folder, latest first."""
    bundles = []
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := NAME.fullmatch(path.name):
            bundles.append((datetime.strptime(match[1], "%Y%m%dT%H%M%S"), path))
    return sorted(bundles, reverse=True)


def superfluous(
    bundles: Iterable[tuple[datetime, Path]], keep: tuple[int, int, int] = KEEP
) -> list[Path]:
    """The bundles to delete under the retention rule.

    Kept is the last bundle of each of the latest days, weeks and months that have one, and always
    the latest bundle.
    """
    ordered, kept = sorted(bundles, reverse=True), set()
    formats = ("%Y-%m-%d", "%G-%V", "%Y-%m")
    for format_, count in zip(formats, keep, strict=True):
        seen: dict[str, Path] = {}
        for at, path in ordered:
            seen.setdefault(at.strftime(format_), path)
        kept |= set(list(seen.values())[:count])
    return [path for _, path in ordered[1:] if path not in kept]


@dataclass(frozen=True)
class Proof:
    """The result of a drill: rows by table, checked archive and audit entries, checked evidence files, problems."""

    bundle: str
    made_at: str
    rows: dict[str, int]
    archive: int
    audit: int
    evidence: int
    problems: list[str]


class Manifest(TypedDict):
    """A bundle's time and engine, and the SHA-256 of each file in it."""

    made_at: str
    engine: str
    files: dict[str, str]


def unpack(bundle: Path, folder: Path, identity: Path | None) -> Manifest:
    """Unpacks a bundle, verifies every file against the manifest, and returns the manifest.

    `Refused` when the bundle is encrypted for another key, damaged or incomplete.
    """
    tar_path = bundle
    if bundle.suffix == ".age":
        tar_path = folder / "bundle.tar"
        if identity is None:
            raise Refused("备份是加密的，请用 --identity 给出私钥文件")
        try:
            lines = identity.read_text("utf-8").splitlines()
            keys = [
                pyrage.x25519.Identity.from_str(x.strip())
                for x in lines
                if x.strip() and not x.startswith("#")
            ]
            with bundle.open("rb") as sealed, tar_path.open("wb") as out:
                pyrage.decrypt_io(sealed, out, keys)
        except Exception as error:
            raise Refused(
                f"{bundle.name} 打不开：私钥不对，或文件坏了（{type(error).__name__}）"
            ) from None
    try:
        with tarfile.open(tar_path) as packed:
            packed.extractall(folder, filter="data")
        manifest: Manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, tarfile.TarError, ValueError):
        raise Refused(f"{bundle.name} 不是备份，或没有写完。请换一份") from None
    for name, digest in manifest["files"].items():
        path = folder / name
        if not path.is_file() or _sha256(path) != digest:
            raise Refused(f"{bundle.name} 里的 {name} 少了或坏了。请换一份")
    return manifest


def drill(config: Config, bundle: Path, identity: Path | None = None) -> Proof:
    """Restores a bundle next to the running installation, upgrades and verifies it.

    It is restored to a SQLite file, or to a separate database on the same server, and deleted
    afterwards. Checked are the engine's own integrity, the hash chains, and a sample of the
    evidence.
    """
    with tempfile.TemporaryDirectory(prefix="academy-drill-") as temporary:
        folder = Path(temporary)
        manifest = unpack(bundle, folder, identity)
        with _elsewhere(config, folder, manifest["engine"]) as url:
            load(url, folder / DATABASE)
            engine = make_engine(url)
            try:
                return _prove(config, engine, folder, bundle=bundle, manifest=manifest)
            finally:
                engine.dispose()


def _prove(
    config: Config, engine: Engine, folder: Path, *, bundle: Path, manifest: Manifest
) -> Proof:
    if not is_current(engine):
        upgrade(engine)
    problems = check_database(engine)
    restored = replace(config, instance=folder)
    with make_session_factory(engine)() as session:
        read_only(session)
        rows = count_rows(engine)
        anchors = outside(restored)
        entries, breaks = verify_archive(session, anchors)
        problems += [f"档案链 {b.chain} 第 {b.seq} 条：{b.reason}" for b in breaks]
        audit_entries, breaks = verify_audit(session, anchors)
        problems += [f"操作记录第 {b.seq} 条：{b.reason}" for b in breaks]
        digests = list(session.scalars(select(Evidence.sha256)))
        sample = random.sample(digests, min(SPOT, len(digests)))
        for digest in sample:
            try:
                evidence.read(session, restored.evidence, digest)
            except RecordsError:
                problems.append(f"附件 {digest[:12]}… 少了或坏了")
    return Proof(
        bundle.name, manifest["made_at"], rows, entries, audit_entries, len(sample), problems
    )


def check_database(engine: Engine) -> list[str]:
    """Problems found by the engine itself (Chinese)."""
    problems = []
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.execute(text("PRAGMA integrity_check"))
            problems += [row[0] for row in rows if row[0] != "ok"]
            broken = connection.execute(text("PRAGMA foreign_key_check"))
            problems += [f"外键断了：{row[0]} 第 {row[1]} 行" for row in broken]
        else:
            query = text(
                "SELECT conrelid::regclass::text FROM pg_constraint WHERE NOT convalidated"
            )
            problems += [f"约束没有验证：{row[0]}" for row in connection.execute(query)]
            problems += dangling(connection)
    if not is_current(engine):
        problems.append("表不是最新版本，请运行 academy db upgrade")
    return problems


def count_rows(engine: Engine) -> dict[str, int]:
    """The number of rows of every table."""
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def _beside(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return engine_url(url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def _elsewhere(config: Config, folder: Path, engine: str) -> Iterator[str]:
    """A temporary database to restore into, separate from the running one; dropped afterwards."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'restored.db'}"
        return
    if is_sqlite(config.database_url):
        raise Refused("这是 PostgreSQL 的备份，请在用 PostgreSQL 的机器上演练")
    name = f"academy_drill_{uuid4().hex[:12]}"
    _on_server(config.database_url, f"CREATE DATABASE {name}")
    try:
        yield _beside(config.database_url, name)
    finally:
        _on_server(config.database_url, f"DROP DATABASE IF EXISTS {name}")


def _on_server(url: str, statement: str) -> None:
    engine = make_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def restore_bundle(config: Config, bundle: Path, identity: Path | None = None) -> None:
    """Restores a bundle over the installation: database and files. Existing files are not overwritten."""
    with tempfile.TemporaryDirectory(prefix="academy-restore-") as temporary:
        folder = Path(temporary)
        manifest = unpack(bundle, folder, identity)
        if (manifest["engine"] == "sqlite") != is_sqlite(config.database_url):
            raise Refused(
                f"备份是 {manifest['engine']} 的，和 ACADEMY_DATABASE_URL 不是一种。"
                "先恢复到同一种数据库，再用 academy db copy 搬"
            )
        config.instance.mkdir(parents=True, exist_ok=True)
        load(config.database_url, folder / DATABASE)
        for name in manifest["files"].keys() - {DATABASE}:
            target = config.instance / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(folder / name, target)
