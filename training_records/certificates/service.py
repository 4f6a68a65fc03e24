"""Operations on certificates."""

from __future__ import annotations

import secrets
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from question_bank.clean import clean_certificate_number, clean_search
from training_records.archive.counting import TRAINING_KINDS, is_passed_exam_sql
from training_records.archive.models import ArchiveEntry, effective
from training_records.archive.service import NewEntry, append, void
from training_records.certificates.models import Certificate, CertificateTemplate
from training_records.database import now
from training_records.divisions import prefix_of
from training_records.errors import Refused
from training_records.ledger.models import Person
from training_records.ledger.service import ids_in

# Without 0 O 1 I L: numbers are typed from paper.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_number(issued_on: date, prefix: str = "QD") -> str:
    """Returns ``QD2026-XXXX-XXXX-XXXX``, with 59 random bits so that numbers can't be guessed."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(12))
    return f"{prefix}{issued_on.year}-{random[:4]}-{random[4:8]}-{random[8:]}"


def issue(
    session: Session,
    person: Person,
    passed: ArchiveEntry,
    *,
    title: str,
    organiser: str,
    by: str,
    template: CertificateTemplate | None = None,
) -> Certificate:
    """Issues the certificate for an archive entry. A second call returns the existing one that is not void."""
    existing = session.scalar(
        select(Certificate).where(
            Certificate.entry_id == passed.id, Certificate.voided_at.is_(None)
        )
    )
    return existing or _issue(
        session, person, passed, title=title, organiser=organiser, by=by, template=template
    )


def _issue(
    session: Session,
    person: Person,
    passed: ArchiveEntry,
    *,
    title: str,
    organiser: str,
    by: str,
    template: CertificateTemplate | None,
) -> Certificate:
    certificate = Certificate(
        no=new_number(passed.date, template.prefix if template else "QD"),
        person_id=person.id,
        entry_id=passed.id,
        template_id=template.id if template else None,
        holder=person.name,
        title=title,
        organiser=organiser,
        issued_on=passed.date,
        valid_until=_months_later(passed.date, template.valid_months) if template else None,
    )
    session.add(certificate)
    append(
        session,
        NewEntry(
            person.id,
            "certificate",
            passed.date,
            title,
            organiser=organiser,
            certificate_no=certificate.no,
            evidence={"entry": passed.id},
            source_key=f"certificate:{certificate.no}",
        ),
        by,
    )
    return certificate


def _months_later(day: date, months: int | None) -> date | None:
    """Returns the last day of a period of `months` that begins on `day`."""
    if not months:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last)) - timedelta(days=1)


def make_template(session: Session, division_code: str, **values: object) -> CertificateTemplate:
    """Creates a kind of certificate. Raises `Refused` if the text lacks the holder's name or has other placeholders, or
    if the prefix or the validity is invalid."""
    body, prefix = str(values["body"]), str(values["prefix"]).upper()
    try:
        body.format(holder="", place="", title="")
    except (KeyError, IndexError, ValueError):
        raise Refused("正文里只能用 {holder}、{place}、{title} 这三个空") from None
    if "{holder}" not in body:
        raise Refused("正文里要有 {holder}（姓名）")
    if not prefix.isascii() or not prefix.isalpha() or not 2 <= len(prefix) <= 6:
        raise Refused("编号开头用 2 到 6 个英文字母")
    months = values.get("valid_months")
    if months is not None and not (isinstance(months, int) and 1 <= months <= 600):
        raise Refused("有效期填 1 到 600 个月，长期有效就空着")
    template = CertificateTemplate(
        division_code=division_code,
        **{**values, "body": body[:200], "prefix": prefix},
    )
    session.add(template)
    session.flush()
    return template


def templates_in(session: Session, prefix: str) -> list[CertificateTemplate]:
    """The kinds of certificate of a division, of those above it and of those within it."""
    templates = session.scalars(select(CertificateTemplate).order_by(CertificateTemplate.id))
    return [
        t
        for t in templates
        if prefix.startswith(prefix_of(t.division_code)) or t.division_code.startswith(prefix)
    ]


def issue_for_training(
    session: Session,
    prefix: str,
    title: str,
    *,
    on: date,
    template: CertificateTemplate,
    by: str,
) -> tuple[int, int]:
    """Issues certificates to everyone in a division with an entry of this title and day. Returns (issued, had one
    already)."""
    entries = session.scalars(
        select(ArchiveEntry)
        .where(
            effective(),
            ArchiveEntry.title == title,
            ArchiveEntry.date == on,
            or_(ArchiveEntry.kind.in_(TRAINING_KINDS), is_passed_exam_sql()),
            ArchiveEntry.person_id.in_(ids_in(prefix)),
        )
        .order_by(ArchiveEntry.id)
    ).all()
    if not entries:
        raise Refused(f"{on} 没有叫“{title}”的培训记录，请核对名称和日期")
    had = set(
        session.scalars(
            select(Certificate.entry_id).where(
                Certificate.entry_id.in_([e.id for e in entries]), Certificate.voided_at.is_(None)
            )
        )
    )
    for entry in entries:
        if entry.id not in had:
            person = session.get_one(Person, entry.person_id)
            _issue(
                session,
                person,
                entry,
                title=title,
                organiser=entry.organiser or "",
                by=by,
                template=template,
            )
    session.flush()
    return len(entries) - len(had), len(had)


def void_certificate(session: Session, certificate: Certificate, reason: str, *, by: str) -> None:
    """Voids a certificate and its archive entry; both stay readable."""
    if certificate.voided_at is not None:
        raise Refused("这张证书已经作废过了")
    if not reason.strip():
        raise Refused("请写明作废的原因")
    certificate.voided_at, certificate.void_reason = now(), reason.strip()[:200]
    entry = session.scalar(
        select(ArchiveEntry.id).where(
            effective(),
            ArchiveEntry.person_id == certificate.person_id,
            ArchiveEntry.kind == "certificate",
            ArchiveEntry.certificate_no == certificate.no,
        )
    )
    if entry is not None:
        void(session, entry, reason, by=by)
    session.flush()


def reissue(session: Session, certificate: Certificate, reason: str, *, by: str) -> Certificate:
    """Voids a certificate and issues another for the same entry, under the holder's current name."""
    void_certificate(session, certificate, reason, by=by)
    person = session.get_one(Person, certificate.person_id)
    entry = session.get_one(ArchiveEntry, certificate.entry_id)
    template = (
        session.get(CertificateTemplate, certificate.template_id)
        if certificate.template_id
        else None
    )
    new = _issue(
        session,
        person,
        entry,
        title=certificate.title,
        organiser=certificate.organiser,
        by=by,
        template=template,
    )
    certificate.replaced_by = new.no
    session.flush()
    return new


def find(session: Session, number: str) -> Certificate | None:
    """The certificate with this number, in any of the shapes that `clean_certificate_number` reads."""
    number = clean_certificate_number(number[:80])
    return session.get(Certificate, number) if len(number) <= 40 else None


def of_person(session: Session, person_id: int) -> list[Certificate]:
    """A person's certificates, latest first."""
    return list(
        session.scalars(
            select(Certificate)
            .where(Certificate.person_id == person_id)
            .order_by(Certificate.issued_on.desc())
        )
    )


def mask_phone(phone: str) -> str:
    """138****0001: enough to tell people apart."""
    return f"{phone[:3]}****{phone[7:]}"


def mask_name(name: str) -> str:
    """王*, for viewers outside the scope."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def groups_in(session: Session, prefix: str, limit: int = 50) -> Sequence[Row[str, date, int, int]]:
    """Certificates issued in a division, latest first: title, day (`issued_on`), `number`, `voided`."""
    return session.execute(
        select(
            Certificate.title,
            Certificate.issued_on,
            func.count().label("number"),
            func.count(Certificate.voided_at).label("voided"),
        )
        .where(Certificate.person_id.in_(ids_in(prefix)))
        .group_by(Certificate.title, Certificate.issued_on)
        .order_by(Certificate.issued_on.desc(), Certificate.title)
        .limit(limit)
    ).all()


def held_by(session: Session, prefix: str, name: str, *, limit: int = 50) -> list[Certificate]:
    """Certificates in a division that were issued under this name."""
    query = select(Certificate).where(
        Certificate.person_id.in_(ids_in(prefix)), Certificate.holder == clean_search(name)
    )
    return list(session.scalars(query.limit(limit)))


def valid_numbers(
    session: Session, prefix: str, title: str, *, issued_on: date, limit: int
) -> list[str]:
    """Numbers of the certificates of one title and day in a division that are not void."""
    query = (
        select(Certificate.no)
        .where(
            Certificate.title == title,
            Certificate.issued_on == issued_on,
            Certificate.voided_at.is_(None),
            Certificate.person_id.in_(ids_in(prefix)),
        )
        .order_by(Certificate.person_id)
        .limit(limit)
    )
    return list(session.scalars(query))
