"""Partners' keys, registered by two of their people, and how much partners may send."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, Field, StrictBool, StringConstraints

from backend.identity import approvals, organisations, partners
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.identity.partners import PartnerKey, Quota
from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from operator_api.access import OperatorOrAuthority, Partner, PartnerOrAbove
from operator_api.scope import partner_in_sight

router = Router(tags=["partners"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_UNSOUND = (partners.PartnerKeyUnsound, partners.PartnerKeyTaken, partners.PartnerKeyTimes)
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
PartnerCode = Annotated[Code, Path(description="The code of a partner.")]


class NewKey(Asked):
    """An Ed25519 public key that is to sign for my organisation."""

    public_key: Annotated[str, StringConstraints(min_length=44, max_length=44)] = Field(
        description="Base64 of the 32 bytes.", examples=["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
    )
    sandbox: StrictBool = Field(default=False, description="True for a key of the sandbox.")
    valid_from: AwareDatetime | None = Field(
        default=None, description="At most 30 days ahead; null, or earlier than the approval: from that on."
    )
    valid_until: AwareDatetime = Field(description="At most 400 days after it begins.")
    overlap_days: int = Field(
        default=7, strict=True, ge=0, le=30, description="How long the key before it stays good beside it."
    )


class KeyTold(Told):
    """A key. It is good from `valid_from` until `ends_at`, whatever ends it."""

    key_id: UUID
    public_key: str
    sandbox: bool
    valid_from: datetime
    valid_until: datetime
    ends_at: datetime
    revoked_at: datetime | None
    replaces: UUID | None
    act_id: UUID

    @classmethod
    def of(cls, one: PartnerKey) -> KeyTold:
        shown = {
            name: getattr(one, name) for name in cls.model_fields if name not in {"key_id", "public_key"}
        }
        return cls(key_id=one.id, public_key=partners.written_key(one.public_key), **shown)


class Revocation(Asked):
    """Why a key is to be good no longer."""

    reason: Reason


class NewQuota(Asked):
    """How much a partner may send from its next request on, and why."""

    events_per_day: int = Field(strict=True, ge=0, le=1_000_000_000)
    requests_per_minute: int = Field(strict=True, ge=1, le=1_000_000)
    reason: Reason


class QuotaSetTold(Told):
    """A quota that was set, by whom and why."""

    events_per_day: int
    requests_per_minute: int
    reason: str
    set_by: UUID
    set_at: datetime


class QuotaTold(Told):
    """What a partner may send, what it sent today, and the quotas that were set, the latest first."""

    events_per_day: int
    requests_per_minute: int
    events_today: int
    history: list[QuotaSetTold]


@router.get("/partner-keys", responses=problems(*_NOT_LET_IN))
async def list_own_keys(person: Partner, session: ReadSession) -> list[KeyTold]:
    """Every key that my organisation ever had, the one that begins last first."""
    assert person.organisation_id is not None
    keys = await partners.keys_of(session, organisation_id=person.organisation_id)
    return [KeyTold.of(one) for one in keys]


@router.get("/partner-keys/proposals", responses=problems(*_NOT_LET_IN))
async def list_key_proposals(person: Partner, session: ReadSession) -> list[ActTold]:
    """Keys of my organisation that wait for a second person, oldest first."""
    assert person.organisation_id is not None
    acts = await partners.open_proposals(session, organisation_id=person.organisation_id)
    return [ActTold.of(act) for act in acts]


@router.post(
    "/partner-keys/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, *_UNSOUND, partners.NotAPartner, approvals.ActNeedsRole, *idempotency.REFUSALS
    ),
)
async def propose_key(asked: NewKey, person: Partner, session: WriteSession, _: IdempotencyKey) -> ActTold:
    """Ask for a public key to be registered: a second person of my organisation has to agree to the same fingerprint."""
    act = await partners.propose_key(
        session,
        proposed_by=person.id,
        public_key=asked.public_key,
        sandbox=asked.sandbox,
        valid_from=asked.valid_from,
        valid_until=asked.valid_until,
        overlap_days=asked.overlap_days,
    )
    return ActTold.of(act)


@router.post(
    "/partner-keys/proposals/{act_id}/approval",
    responses=problems(*_NOT_LET_IN, *UNDECIDABLE, *_UNSOUND, partners.PartnerKeysOverlap),
)
async def approve_key(act_id: UUID, shown: Shown, person: Partner, session: WriteSession) -> KeyTold:
    """Agree, as the second person, to exactly the key that was proposed; its `key_id` is what signatures name."""
    registered = await partners.approve_key(
        session, act_id=act_id, approved_by=person.id, subject_sha256=bytes.fromhex(shown.subject_sha256)
    )
    return KeyTold.of(registered)


@router.post("/partner-keys/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_key(act_id: UUID, shown: Shown, person: Partner, session: WriteSession) -> ActTold:
    """Turn a proposed key down, as the second person."""
    act = await partners.reject_key(
        session, act_id=act_id, rejected_by=person.id, subject_sha256=bytes.fromhex(shown.subject_sha256)
    )
    return ActTold.of(act)


@router.post(
    "/partner-keys/{key_id}/revocation",
    responses=problems(*_NOT_LET_IN, partners.PartnerKeyUnknown, partners.PartnerKeyRevoked),
)
async def revoke_key(
    key_id: UUID, asked: Revocation, person: PartnerOrAbove, session: WriteSession
) -> KeyTold:
    """Let a key be good no longer, from the next request on. One person of the partner, its operator or the authority."""
    known = await partners.key(session, key_id=key_id)
    owner = await organisations.organisation(session, organisation_id=known.organisation_id)
    try:
        await partner_in_sight(session, person, owner.code)
    except organisations.OrganisationUnknown:
        raise partners.PartnerKeyUnknown from None
    revoked = await partners.revoke_key(session, key_id=key_id, revoked_by=person.id, reason=asked.reason)
    return KeyTold.of(revoked)


@router.get("/partners/{code}/keys", responses=problems(*_NOT_LET_IN, organisations.OrganisationUnknown))
async def list_partner_keys(
    code: PartnerCode, person: OperatorOrAuthority, session: ReadSession
) -> list[KeyTold]:
    """Every key that a partner ever had."""
    found = await partner_in_sight(session, person, code)
    return [KeyTold.of(one) for one in await partners.keys_of(session, organisation_id=found.id)]


@router.get("/partners/{code}/quota", responses=problems(*_NOT_LET_IN, organisations.OrganisationUnknown))
async def get_partner_quota(code: PartnerCode, person: PartnerOrAbove, session: ReadSession) -> QuotaTold:
    """What a partner may send, and what it sent today."""
    found = await partner_in_sight(session, person, code)
    return await _quota_told(session, found.id)


@router.put(
    "/partners/{code}/quota",
    responses=problems(*_NOT_LET_IN, organisations.OrganisationUnknown),
)
async def set_partner_quota(
    code: PartnerCode, asked: NewQuota, person: OperatorOrAuthority, session: WriteSession
) -> QuotaTold:
    """Give a partner another quota, from its next request on."""
    found = await partner_in_sight(session, person, code)
    await partners.set_quota(
        session,
        organisation_id=found.id,
        quota=Quota(events_per_day=asked.events_per_day, requests_per_minute=asked.requests_per_minute),
        reason=asked.reason,
        set_by=person.id,
    )
    return await _quota_told(session, found.id)


async def _quota_told(session: ReadSession, organisation_id: UUID) -> QuotaTold:
    usage = await partners.usage_of(session, organisation_id=organisation_id)
    history = await partners.quotas_set(session, organisation_id=organisation_id)
    return QuotaTold(
        events_per_day=usage.quota.events_per_day,
        requests_per_minute=usage.quota.requests_per_minute,
        events_today=usage.events,
        history=[
            QuotaSetTold(
                events_per_day=one.quota.events_per_day,
                requests_per_minute=one.quota.requests_per_minute,
                reason=one.reason,
                set_by=one.set_by,
                set_at=one.set_at,
            )
            for one in history
        ],
    )
