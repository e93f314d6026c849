"""Writing an application, handing it in, and what two people of the operator make of it."""

from __future__ import annotations

import base64
import datetime as dt
import enum
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.identity import Role, approvals, credit_codes, organisations, sealing, staff
from backend.identity.approvals import ActKind, TwoPersonAct
from backend.identity.locks import take_turns
from backend.identity.organisations import Organisation
from backend.identity.staff import NewStaff
from backend.kit import clock, files, ids
from backend.kit.keys import Keys
from merchant.onboarding import queries
from merchant.onboarding.errors import (
    AnotherWaits,
    ApplicationStands,
    ApplicationUnknown,
    CreditCodeTaken,
    CreditCodeUnsound,
    DocumentMissing,
    DocumentTooLarge,
    DocumentUnknown,
    DocumentUnreadable,
    ManagerMadeAlready,
    TooManyDocuments,
)

ADMISSION = ActKind("merchant.admission", Role.OPERATOR)
MOST_BYTES, MOST_DOCUMENTS = 5_000_000, 10
DRAFTS_FORGOTTEN_AFTER = dt.timedelta(days=30)  # what was never handed in
FORGOTTEN_AFTER = dt.timedelta(days=180)
_SEALING = "merchant/application"

Position = tuple[dt.datetime, UUID]


class Stands(enum.StrEnum):
    """How far an application is."""

    OPEN = "open"
    SUBMITTED = "submitted"
    SENT_BACK = "sent_back"
    ADMITTED = "admitted"


class DocumentKind(enum.StrEnum):
    """What a document shows."""

    LICENCE = "licence"  # 营业执照
    AUTHORISATION = "authorisation"  # 授权书
    ACCOUNT = "account"  # 开户证明
    PERMIT = "permit"  # 行业许可
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """Who wants to take points, of which programmes (none named: any). `code` is the organisation's name here; `contact` is
    kept sealed.
    """

    code: str
    name_zh: str
    name_en: str
    credit_code: str
    contact: Mapping[str, str]
    programmes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is told: everything but its content."""

    id: UUID
    kind: DocumentKind
    media_type: str
    size_bytes: int
    sha256: bytes
    added_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Application:
    """An application as it stands. `subject_sha256` is the fingerprint of what was submitted last."""

    id: UUID
    particulars: Particulars
    documents: Sequence[Document]
    stands: Stands
    reason: str | None
    number: int
    subject_sha256: bytes | None
    submitted_at: dt.datetime | None
    organisation_id: UUID | None
    manager_made: bool
    made_at: dt.datetime


async def apply(session: AsyncSession, keys: Keys, *, about: Particulars) -> tuple[UUID, str]:
    """A new application, and the secret by which its writer goes on with it, told now and never again.

    Raises CreditCodeUnsound, OrganisationMisnamed, ProgrammeUnknown.
    """
    await _check(session, about)
    application_id, secret = ids.uuid7(), secrets.token_urlsafe(32)
    given = {"digest": _digest(keys, secret), **_written(keys, application_id, about)}
    await session.execute(queries.ADD, given)
    return application_id, secret


async def application_of(
    session: AsyncSession, keys: Keys, *, application_id: UUID, secret: str | None = None
) -> Application:
    """An application: for its writer with the secret, for the operator without. Raises ApplicationUnknown."""
    row = (await session.execute(queries.ONE, {"id": application_id})).one_or_none()
    if row is None or (
        secret is not None and not hmac.compare_digest(row.secret_digest, _digest(keys, secret))
    ):
        raise ApplicationUnknown
    return await _told(session, keys, row)


async def change(
    session: AsyncSession, keys: Keys, *, application_id: UUID, secret: str, about: Particulars
) -> Application:
    """Say something else, before it is submitted or once it was sent back. Raises what `apply` raises, ApplicationStands."""
    await _check(session, about)
    await _writable(session, keys, application_id, secret)
    await session.execute(queries.CHANGE, _written(keys, application_id, about))
    return await application_of(session, keys, application_id=application_id, secret=secret)


async def add_document(
    session: AsyncSession,
    keys: Keys,
    *,
    application_id: UUID,
    secret: str,
    kind: DocumentKind,
    content: bytes,
) -> Document:
    """Add a document, kept sealed. Raises DocumentTooLarge, DocumentUnreadable, TooManyDocuments, ApplicationStands."""
    if len(content) > MOST_BYTES:
        raise DocumentTooLarge(most_bytes=MOST_BYTES)
    media_type = files.media_type_of(content)
    if media_type is None:
        raise DocumentUnreadable
    standing = await _writable(session, keys, application_id, secret)
    if len(standing.documents) >= MOST_DOCUMENTS:
        raise TooManyDocuments(most=MOST_DOCUMENTS)
    document_id = ids.uuid7()
    made = Document(
        document_id, kind, media_type, len(content), hashlib.sha256(content).digest(), clock.now()
    )
    await session.execute(
        queries.ADD_DOCUMENT,
        {
            "id": made.id,
            "application": application_id,
            "kind": made.kind,
            "media_type": made.media_type,
            "size_bytes": made.size_bytes,
            "sha256": made.sha256,
            "content": sealing.seal(keys.sealing(_SEALING), content, belongs_to=document_id.bytes),
            "at": made.added_at,
        },
    )
    await session.execute(queries.TOUCH, {"id": application_id, "at": clock.now()})
    return made


async def remove_document(
    session: AsyncSession, keys: Keys, *, application_id: UUID, secret: str, document_id: UUID
) -> None:
    """Take a document out again. Raises DocumentUnknown, ApplicationStands."""
    await _writable(session, keys, application_id, secret)
    given = {"application": application_id, "id": document_id}
    if (await session.execute(queries.REMOVE_DOCUMENT, given)).one_or_none() is None:
        raise DocumentUnknown


async def submit(session: AsyncSession, keys: Keys, *, application_id: UUID, secret: str) -> Application:
    """Hand the application in as it stands: nothing of it changes until it is decided.

    One application of a credit code waits at a time. Raises DocumentMissing, CreditCodeTaken, AnotherWaits.
    """
    standing = await _writable(session, keys, application_id, secret)
    if DocumentKind.LICENCE not in {one.kind for one in standing.documents}:
        raise DocumentMissing(missing=DocumentKind.LICENCE)
    code = {"credit_code": standing.particulars.credit_code}
    await take_turns(session, f"credit-code:{code['credit_code']}")
    await _check_free(session, code["credit_code"])
    if (await session.execute(queries.WAITING_CODE, code)).one_or_none() is not None:
        raise AnotherWaits
    submission_id = ids.uuid7()
    body = _body(submission_id, standing)
    await session.execute(
        queries.SUBMIT,
        {
            "id": submission_id,
            "application": application_id,
            "number": standing.number + 1,
            "body": json.dumps(body, ensure_ascii=False),
            "sha256": approvals.sha256_of(body),
            "at": clock.now(),
        },
    )
    return await application_of(session, keys, application_id=application_id, secret=secret)


async def waiting(
    session: AsyncSession, keys: Keys, *, limit: int = 50, after: Position | None = None
) -> list[Application]:
    """Applications that wait for the operator, the longest waiting first."""
    at, application_id = after or (None, None)
    given = {"limit": limit, "after_at": at, "after_id": application_id}
    return [await _told(session, keys, row) for row in (await session.execute(queries.WAITING, given)).all()]


async def document_content(
    session: AsyncSession, keys: Keys, *, application_id: UUID, document_id: UUID
) -> tuple[Document, bytes]:
    """A document, opened: for the operator. Raises DocumentUnknown."""
    given = {"application": application_id, "id": document_id}
    row = (await session.execute(queries.DOCUMENT, given)).one_or_none()
    if row is None:
        raise DocumentUnknown
    content = sealing.unseal_any(
        keys.opening(_SEALING), bytes(row.content_sealed), belongs_to=document_id.bytes
    )
    return _document(row), content


async def propose(
    session: AsyncSession, *, application_id: UUID, proposed_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Ask, as the first person, for what was submitted to be admitted: with the fingerprint of what was looked at.

    Raises ApplicationStands where something else was submitted meanwhile or nothing waits.
    """
    row = await _waiting_row(session, application_id)
    if not hmac.compare_digest(bytes(row.subject_sha256), subject_sha256):
        raise approvals.ActShownDiffers
    await _check_free(session, row.body["credit_code"])
    return await approvals.propose(
        session, ADMISSION, proposed_by=proposed_by, subject_sha256=bytes(row.subject_sha256), body=row.body
    )


async def approve(
    session: AsyncSession, *, application_id: UUID, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Organisation:
    """Agree as a second person: the merchant is there from now on, and its writer can make its first manager.

    Raises ApplicationStands, CreditCodeTaken, OrganisationCodeTaken, and what `approvals.approve` raises.
    """
    await _own(session, application_id, act_id)
    act = await approvals.approve(
        session, ADMISSION, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    row = await _waiting_row(session, application_id)
    if str(row.submission_id) != act.body["submission_id"]:
        raise ApplicationStands(stands=Stands.SUBMITTED)
    await take_turns(session, f"credit-code:{row.body['credit_code']}")
    await _check_free(session, row.body["credit_code"])
    made = await organisations.create_organisation(
        session,
        code=row.body["code"],
        name_zh=row.body["name_zh"],
        name_en=row.body["name_en"],
        roles=[Role.MERCHANT],
    )
    await _end(
        session,
        row.submission_id,
        Stands.ADMITTED,
        by=approved_by,
        organisation=made.id,
        credit_code=row.body["credit_code"],
        act=act.id,
    )
    return made


async def reject(
    session: AsyncSession, *, application_id: UUID, act_id: UUID, rejected_by: UUID, subject_sha256: bytes
) -> TwoPersonAct:
    """Turn the first person's proposal down, as the second; the application goes on waiting."""
    await _own(session, application_id, act_id)
    return await approvals.reject(
        session, ADMISSION, act_id=act_id, rejected_by=rejected_by, subject_sha256=subject_sha256
    )


async def send_back(
    session: AsyncSession, keys: Keys, *, application_id: UUID, sent_back_by: UUID, reason: str
) -> Application:
    """Send an application back with a reason; its writer may mend it and hand it in again. Raises ApplicationStands."""
    row = await _waiting_row(session, application_id)
    await _end(session, row.submission_id, Stands.SENT_BACK, by=sent_back_by, reason=reason)
    return await application_of(session, keys, application_id=application_id)


async def make_manager(
    session: AsyncSession, keys: Keys, *, application_id: UUID, secret: str, login: str
) -> tuple[NewStaff, str]:
    """The first manager of an admitted merchant, and their first password: told to the writer, once.

    Raises ApplicationStands, ManagerMadeAlready, LoginMisnamed, LoginTaken.
    """
    await take_turns(session, f"application:{application_id}")
    standing = await application_of(session, keys, application_id=application_id, secret=secret)
    if standing.organisation_id is None:
        raise ApplicationStands(stands=standing.stands)
    if standing.manager_made:
        raise ManagerMadeAlready
    merchant = await organisations.organisation(session, organisation_id=standing.organisation_id)
    password = secrets.token_urlsafe(18)
    new = await staff.create_staff(
        session,
        keys,
        organisation_code=merchant.code,
        login=login,
        password=password,
        roles=[Role.MERCHANT],
    )
    await session.execute(queries.MANAGER, {"id": application_id, "manager": new.staff.id})
    return new, password


async def forget(session: AsyncSession) -> None:
    """Forget applications that nobody went on with, documents included: after a month what was never handed in, after half a
    year what was sent back; not those that wait or were admitted.
    """
    now = clock.now()
    given = {"before": now - DRAFTS_FORGOTTEN_AFTER, "handed_in_before": now - FORGOTTEN_AFTER}
    await session.execute(queries.FORGET, given)


async def _check(session: AsyncSession, about: Particulars) -> None:
    if not credit_codes.is_sound(about.credit_code):
        raise CreditCodeUnsound
    organisations.check_names(code=about.code, name_zh=about.name_zh, name_en=about.name_en)
    for programme in about.programmes:
        await programmes.programme_of(session, code=programme)


async def _check_free(session: AsyncSession, credit_code: str) -> None:
    if (await session.execute(queries.ADMITTED_CODE, {"credit_code": credit_code})).one_or_none() is not None:
        raise CreditCodeTaken


async def _writable(session: AsyncSession, keys: Keys, application_id: UUID, secret: str) -> Application:
    """The application, for its writer alone and until this transaction ends."""
    await take_turns(session, f"application:{application_id}")
    standing = await application_of(session, keys, application_id=application_id, secret=secret)
    if standing.stands not in {Stands.OPEN, Stands.SENT_BACK}:
        raise ApplicationStands(stands=standing.stands)
    return standing


async def _waiting_row(session: AsyncSession, application_id: UUID) -> Any:
    await take_turns(session, f"application:{application_id}")
    row = (await session.execute(queries.ONE, {"id": application_id})).one_or_none()
    if row is None:
        raise ApplicationUnknown
    if _stands(row) is not Stands.SUBMITTED:
        raise ApplicationStands(stands=_stands(row))
    return row


async def _own(session: AsyncSession, application_id: UUID, act_id: UUID) -> None:
    act = await approvals.act(session, ADMISSION, act_id=act_id)
    if act.body["application_id"] != str(application_id):
        raise approvals.ActUnknown


async def _end(
    session: AsyncSession,
    submission_id: UUID,
    ended: Stands,
    *,
    by: UUID,
    reason: str | None = None,
    organisation: UUID | None = None,
    credit_code: str | None = None,
    act: UUID | None = None,
) -> None:
    given = {
        "submission": submission_id,
        "ended": ended,
        "reason": reason,
        "organisation": organisation,
        "credit_code": credit_code,
        "act": act,
        "by": by,
        "at": clock.now(),
    }
    if (await session.execute(queries.END, given)).one_or_none() is None:
        raise CreditCodeTaken


def _body(submission_id: UUID, standing: Application) -> dict[str, Any]:
    """What two people are shown and agree to: names and fingerprints, no contact."""
    about = standing.particulars
    return {
        "application_id": str(standing.id),
        "submission_id": str(submission_id),
        "code": about.code,
        "name_zh": about.name_zh,
        "name_en": about.name_en,
        "credit_code": about.credit_code,
        "programmes": list(about.programmes),
        "documents": [
            {"id": str(one.id), "kind": one.kind.value, "sha256": one.sha256.hex()}
            for one in standing.documents
        ],
    }


def _digest(keys: Keys, secret: str) -> bytes:
    return hmac.digest(keys.derive("merchant/application-secret"), secret.encode(), hashlib.sha256)


def _written(keys: Keys, application_id: UUID, about: Particulars) -> dict[str, Any]:
    contact = json.dumps(dict(about.contact), ensure_ascii=False).encode()
    return {
        "id": application_id,
        "code": about.code,
        "name_zh": about.name_zh.strip(),
        "name_en": about.name_en.strip(),
        "credit_code": about.credit_code,
        "programmes": sorted(set(about.programmes)),
        "contact": sealing.seal(keys.sealing(_SEALING), contact, belongs_to=application_id.bytes),
        "at": clock.now(),
    }


def _stands(row: Any) -> Stands:
    if row.submission_id is None:
        return Stands.OPEN
    return Stands.SUBMITTED if row.ended is None else Stands(row.ended)


async def _told(session: AsyncSession, keys: Keys, row: Any) -> Application:
    contact = sealing.unseal_any(keys.opening(_SEALING), bytes(row.contact_sealed), belongs_to=row.id.bytes)
    documents = await session.execute(queries.DOCUMENTS, {"application": row.id})
    return Application(
        id=row.id,
        particulars=Particulars(
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            credit_code=row.credit_code,
            programmes=tuple(row.programmes),
            contact=json.loads(contact),
        ),
        documents=[_document(one) for one in documents],
        stands=_stands(row),
        reason=row.reason,
        number=row.number or 0,
        subject_sha256=None if row.subject_sha256 is None else bytes(row.subject_sha256),
        submitted_at=row.submitted_at,
        organisation_id=row.organisation_id,
        manager_made=row.manager_id is not None,
        made_at=row.made_at,
    )


def _document(row: Any) -> Document:
    return Document(
        row.id, DocumentKind(row.kind), row.media_type, row.size_bytes, bytes(row.sha256), row.added_at
    )


def decoded(content_base64: str) -> bytes:
    """The bytes that were sent as base64. Raises DocumentUnreadable."""
    try:
        return base64.b64decode(content_base64, validate=True)
    except ValueError:
        raise DocumentUnreadable from None
