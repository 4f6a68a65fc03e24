"""Security keys for the second step (WebAuthn level 2): nothing to type, and phishing-resistant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from exam_app.core.lazy import LazyModule
from exam_app.identity.models import Account, SecurityKey
from training_records.database import now
from training_records.errors import NotFound, Refused

if TYPE_CHECKING:
    import webauthn
    from webauthn.helpers import structs
else:
    webauthn = LazyModule("webauthn")
    structs = LazyModule("webauthn.helpers.structs")

MAX_KEYS = 10
SITE_NAME = "儿童主任学堂"


@dataclass(frozen=True)
class Site:
    """The relying party that credentials are bound to: `name`, its host, and `origin`."""

    name: str
    origin: str


@dataclass(frozen=True)
class Asked:
    """Options for the browser's credential call (JSON), and the challenge that the response must sign."""

    options: dict[str, object]
    challenge: str


def site_of(public_url: str) -> Site | None:
    """The relying party of a public URL.

    None where browsers offer no WebAuthn: without TLS (other than localhost), or for an IP address.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        if parts.scheme == "https" or host == "localhost":
            return Site(host, f"{parts.scheme}://{parts.netloc}")
    return None


def need_site(public_url: str) -> Site:
    """The relying party of a public URL; NotFound where WebAuthn is unavailable."""
    site = site_of(public_url)
    if site is None:
        raise NotFound("这个网址不能用设备登录：要有 https 和域名")
    return site


def keys_of(session: Session, account_id: int) -> Sequence[SecurityKey]:
    """An account's keys, oldest first."""
    query = select(SecurityKey).where(SecurityKey.account_id == account_id)
    return session.scalars(query.order_by(SecurityKey.created_at)).all()


def ask_to_make(session: Session, account: Account, site: Site) -> Asked:
    """Options for registering a credential. `Refused` when the account has `MAX_KEYS` already."""
    registered = keys_of(session, account.id)
    if len(registered) >= MAX_KEYS:
        raise Refused(f"最多 {MAX_KEYS} 把，请先删掉不用的")
    options = webauthn.generate_registration_options(
        rp_id=site.name,
        rp_name=SITE_NAME,
        user_id=f"account:{account.id}".encode(),
        user_name=account.name,
        exclude_credentials=_described(registered),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.DISCOURAGED
        ),
    )
    return _asked(options)


def make(
    session: Session, account: Account, site: Site, *, challenge: str, answer: object, name: str
) -> SecurityKey:
    """Registers a credential. `Refused` when the response doesn't match the challenge and site."""
    try:
        verified = webauthn.verify_registration_response(
            credential=_credential(answer),
            expected_challenge=webauthn.helpers.base64url_to_bytes(challenge),
            expected_rp_id=site.name,
            expected_origin=site.origin,
        )
    except _no_answer():
        raise Refused("没有加上，请再试一次") from None
    key = SecurityKey(
        credential_id=webauthn.helpers.bytes_to_base64url(verified.credential_id),
        account_id=account.id,
        public_key=webauthn.helpers.bytes_to_base64url(verified.credential_public_key),
        name=" ".join(name.split())[:40] or "这台设备",
        sign_count=verified.sign_count,
    )
    if session.get(SecurityKey, key.credential_id) is not None:
        raise Refused("这把已经加过了")
    session.add(key)
    session.flush()
    return key


def ask_to_sign(session: Session, account_id: int, site: Site) -> Asked:
    """Options for an assertion by one of the account's keys. NotFound when it has none."""
    registered = keys_of(session, account_id)
    if not registered:
        raise NotFound("这个账号没有加过设备")
    return _asked(
        webauthn.generate_authentication_options(
            rp_id=site.name, allow_credentials=_described(registered)
        )
    )


def passes(
    session: Session, account_id: int, site: Site, *, challenge: str, answer: object
) -> bool:
    """Whether one of the account's keys signed the challenge for this site.

    The library refuses a signature counter that did not advance: a sign of a cloned authenticator.
    """
    credential_id = answer.get("id") if isinstance(answer, dict) else None
    key = session.get(SecurityKey, credential_id) if isinstance(credential_id, str) else None
    if key is None or key.account_id != account_id:
        return False
    try:
        verified = webauthn.verify_authentication_response(
            credential=_credential(answer),
            expected_challenge=webauthn.helpers.base64url_to_bytes(challenge),
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=webauthn.helpers.base64url_to_bytes(key.public_key),
            credential_current_sign_count=key.sign_count,
        )
    except _no_answer():
        return False
    key.sign_count, key.used_at = verified.new_sign_count, now()
    return True


def remove(session: Session, account_id: int, handle: str) -> None:
    """Removes a key by the first 16 characters of its id. NotFound when there is none."""
    key = next((k for k in keys_of(session, account_id) if k.credential_id[:16] == handle), None)
    if key is None:
        raise NotFound("没有这把")
    session.delete(key)


def remove_all(session: Session, account_id: int) -> None:
    """Removes all keys of an account."""
    session.execute(delete(SecurityKey).where(SecurityKey.account_id == account_id))


def _described(keys: Sequence[SecurityKey]) -> list[structs.PublicKeyCredentialDescriptor]:
    return [
        structs.PublicKeyCredentialDescriptor(
            id=webauthn.helpers.base64url_to_bytes(k.credential_id)
        )
        for k in keys
    ]


def _no_answer() -> tuple[type[Exception], ...]:
    """What the library raises for malformed or invalid responses."""
    from webauthn.helpers.exceptions import WebAuthnException

    return (WebAuthnException, ValueError, TypeError, KeyError, AttributeError)


def _credential(answer: object) -> dict[str, object]:
    if not isinstance(answer, dict):
        raise TypeError("a key answers with an object")
    return answer


def _asked(
    options: structs.PublicKeyCredentialCreationOptions | structs.PublicKeyCredentialRequestOptions,
) -> Asked:
    return Asked(
        json.loads(webauthn.options_to_json(options)),
        webauthn.helpers.bytes_to_base64url(options.challenge),
    )
