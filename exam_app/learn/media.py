"""Media files of courses (recordings, pictures, subtitles, documents) in content-addressed storage."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.orm import Session
from tinytag import TinyTag, TinyTagException

from exam_app.learn.models import MediaFile
from training_records.errors import NotFound, Refused
from training_records.files import written_whole

MAX_BYTES = 300 * 2**20
CHUNK = 2**20
# Offset and bytes of the file signature, media type, file name extension.
KINDS = (
    (4, b"ftypM4A", "audio/mp4", ".m4a"),
    (4, b"ftyp", "video/mp4", ".mp4"),
    (0, b"ID3", "audio/mpeg", ".mp3"),
    (0, b"\xff\xfb", "audio/mpeg", ".mp3"),
    (0, b"\xff\xf3", "audio/mpeg", ".mp3"),
    (0, b"%PDF-", "application/pdf", ".pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (0, b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (0, b"WEBVTT", "text/vtt", ".vtt"),
    (0, b"\xef\xbb\xbfWEBVTT", "text/vtt", ".vtt"),
)
PLAYED = ("video/mp4", "audio/mp4", "audio/mpeg")


@dataclass(frozen=True)
class Staged:
    """A stored file without a database row yet."""

    sha256: str
    name: str
    media_type: str
    size: int
    seconds: int | None


def stage(folder: Path, file: BinaryIO, name: str) -> Staged:
    """Stores a file under its hash, once per content, and measures a recording's length. Needs no database, so that no
    write lock is held meanwhile. Raises `Refused` for other file types, for large files and unreadable recordings."""
    head = file.read(16)
    kind = next((k for k in KINDS if head[k[0] :].startswith(k[1])), None)
    if kind is None:
        raise Refused(
            "只能用 MP4 视频、MP3 或 M4A 音频、PDF、PNG 或 JPG 图片、VTT 字幕。请另存为其中一种"
        )
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        size += len(chunk)
        if size > MAX_BYTES:
            raise Refused(f"文件超过 {MAX_BYTES // 2**20} MB。请压缩，或分成几段")
        digest.update(chunk)
    sha = digest.hexdigest()
    path = path_of(folder, sha)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        file.seek(0)
        with written_whole(path) as partial, partial.open("wb") as out:
            shutil.copyfileobj(file, out, CHUNK)
    seconds = _seconds(path, kind[3]) if kind[2] in PLAYED else None
    return Staged(sha, name[-100:] or f"文件{kind[3]}", kind[2], size, seconds)


def keep(session: Session, staged: Staged, by: str) -> MediaFile:
    """Returns the database row of a stored file, inserted if new."""
    row = session.get(MediaFile, staged.sha256)
    if row is None:
        row = MediaFile(**asdict(staged), created_by=by)
        session.add(row)
        session.flush()
    return row


def _seconds(path: Path, extension: str) -> int:
    try:
        with path.open("rb") as file:
            length = TinyTag.get(filename=f"recording{extension}", file_obj=file).duration
    except (TinyTagException, ValueError, KeyError, IndexError, OSError):
        length = None
    if not length or length < 1:
        raise Refused("读不出这段录像（录音）有多长，可能没有传完整。请重新导出后再传")
    return int(length)


def get(session: Session, sha: str) -> MediaFile:
    """Returns the row of a stored file. Raises `NotFound` otherwise."""
    row = session.get(MediaFile, sha)
    if row is None:
        raise NotFound("没有这个文件")
    return row


def path_of(folder: Path, sha: str) -> Path:
    """Returns the path of a stored file."""
    return folder / "media" / sha[:2] / sha


def ending_of(row: MediaFile) -> str:
    """Returns the file name extension of its media type."""
    return next(end for _, _, kind, end in KINDS if kind == row.media_type)
