"""Encryption of secrets at rest with keys kept outside the database; supports key rotation."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from exam_app.config import Config
from training_records.errors import Refused


class Seal:
    """Encrypts with the first key, decrypts with any (AES-128-CBC with HMAC-SHA-256, Fernet)."""

    def __init__(self, keys: list[str]) -> None:
        self._fernets = MultiFernet([Fernet(_derived(key)) for key in keys])

    def close(self, text: str) -> str:
        """The encrypted text."""
        return self._fernets.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The decrypted text. `Refused` when none of the keys fits."""
        try:
            return self._fernets.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Refused(
                "密钥对不上，打不开加密的内容。请检查 ACADEMY_FIELD_KEYS 是不是少了原来的密钥"
            ) from None

    def renew(self, sealed: str) -> str:
        """The same secret, re-encrypted with the first key. `Refused` when none of the keys fits."""
        try:
            return self._fernets.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise Refused(
                "有内容用现有的密钥打不开，没有换。请把原来的密钥接在 ACADEMY_FIELD_KEYS 后面"
            ) from None


def _derived(key: str) -> bytes:
    hkdf = HKDF(SHA256(), 32, salt=None, info=b"academy field encryption")
    return base64.urlsafe_b64encode(hkdf.derive(key.encode()))


def seal_of(config: Config) -> Seal:
    """The seal of an installation: `ACADEMY_FIELD_KEYS` (newest first), else its secret key."""
    keys = [key.strip() for key in config.field_keys.split(",") if key.strip()]
    return Seal(keys or [config.secret_key])
