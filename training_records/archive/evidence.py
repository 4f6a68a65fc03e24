"""Evidence files: type checked, stored once per content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy.orm import Session

from training_records.archive.models import Evidence
from training_records.errors import NotFound, Refused
from training_records.files import written_whole

MAX_BYTES = 10 * 2**20
# The first bytes decide the type, not the name.
KINDS = {
    b"%PDF-": ("application/pdf", ".pdf"),
    b"\xff\xd8\xff": ("image/jpeg", ".jpg"),
    b"\x89PNG\r\n\x1a\n": ("image/png", ".png"),
}


def keep(
    session: Session, folder: Path, data: bytes, *, name: str, division_code: str, by: str
) -> Evidence:
    """Stores a file, once per content. Raises `Refused` for other types and sizes."""
    if not data:
        raise Refused("附件是空的。请重新选择文件")
    if len(data) > MAX_BYTES:
        raise Refused(
            f"附件有 {len(data) / 2**20:.0f} MB，最多 {MAX_BYTES // 2**20} MB。请压缩后再传"
        )
    kind = next((kind for mark, kind in KINDS.items() if data.startswith(mark)), None)
    if kind is None:
        raise Refused("附件只能是 PDF、JPG 或 PNG。请另存为其中一种")
    digest = hashlib.sha256(data).hexdigest()
    existing = session.get(Evidence, digest)
    path = _path(folder, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as partial:
            partial.write_bytes(data)
    if existing is not None:
        return existing
    row = Evidence(
        sha256=digest,
        name=name[-100:] or f"附件{kind[1]}",
        media_type=kind[0],
        size=len(data),
        division_code=division_code,
        created_by=by,
    )
    session.add(row)
    session.flush()
    return row


def is_kept(session: Session, digest: str) -> bool:
    """Whether a file with this content is stored."""
    return session.get(Evidence, digest) is not None


def read(session: Session, folder: Path, digest: str) -> tuple[Evidence, bytes]:
    """Returns a stored file. Raises NotFound if it is missing, `Refused` if its content no longer matches its hash."""
    row = session.get(Evidence, digest) if len(digest) == 64 and digest.isalnum() else None
    path = _path(folder, digest)
    if row is None or not path.is_file():
        raise NotFound("没有这个附件")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise Refused("附件的内容被改过，和登记时不一样。请告诉管理员")
    return row, data


def _path(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest
