"""Clerks, tills, shifts and software keys of a merchant."""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import Field, StringConstraints

from backend.kit import idempotency
from backend.kit import problems as kit_problems
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession, database
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from merchant.access import AnyTill, MerchantStaff, merchant_of
from merchant.shops import ShopUnknown
from merchant.tills import service, software
from merchant.tills.errors import (
    ClerkLabelTaken,
    ClerkUnknown,
    EnrolmentRefused,
    PinWeak,
    SoftwareKeyUnknown,
    TillRefused,
    TillUnknown,
    TooManySoftwareKeys,
)
from merchant.tills.service import Clerk, Shift, Till
from merchant.tills.software import SoftwareKey

router = Router(tags=["tills"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
Label = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
Pin = Annotated[str, StringConstraints(pattern="^[0-9]{6}$")]
Assertion = Annotated[str, StringConstraints(min_length=20, max_length=2000)]
Bytes = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9+/_=-]{1,100}$")]


class ClerkMade(Asked):
    """A clerk by the shop's own label, such as a number; no name of a person is needed."""

    label: Label
    pin: Pin


class PinSaid(Asked):
    """Another PIN."""

    pin: Pin


class ClerkTold(Told):
    """A clerk. `locked_until` after five wrong PINs; another PIN unlocks."""

    clerk_id: UUID
    shop_id: UUID
    label: str
    active: bool
    locked_until: datetime | None

    @classmethod
    def of(cls, one: Clerk) -> ClerkTold:
        return cls(
            clerk_id=one.id,
            shop_id=one.shop_id,
            label=one.label,
            active=one.active,
            locked_until=one.locked_until,
        )


class Invitation(Asked):
    """What the new till is to be called."""

    label: Label


class InvitationTold(Told):
    """The code for the device, good once and for fifteen minutes."""

    code: str
    expires_at: datetime


class Enrolment(Asked):
    """The code, the device's Ed25519 public key (32 bytes), and its signature of `puhui-till:` and the code; in base64."""

    code: Annotated[str, StringConstraints(min_length=12, max_length=20)]
    public_key: Bytes
    signature: Bytes


class TillTold(Told):
    """A till of a shop."""

    till_id: UUID
    shop_id: UUID
    label: str
    enrolled_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, one: Till) -> TillTold:
        return cls(
            till_id=one.id,
            shop_id=one.shop_id,
            label=one.label,
            enrolled_at=one.enrolled_at,
            last_seen_at=one.last_seen_at,
            revoked_at=one.revoked_at,
        )


class ShiftBegun(Asked):
    """What the till signed, and the clerk with the PIN."""

    assertion: Assertion = Field(
        description="A JWT (EdDSA) of type `puhui-till-assertion+jwt`: `iss` the till, `aud` this platform, `iat`, `exp` at most 60 s "
        "later, and a `jti` that is used once."
    )
    clerk_id: UUID
    pin: Pin


class ShiftGoesOn(Asked):
    """What the till signed, and the shift that goes on."""

    assertion: Assertion
    session_id: UUID


class ShiftTold(Told):
    """A token for the next ten minutes; ask for another before, up to the end of the shift."""

    session_id: UUID
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of the scheme
    access_expires_at: datetime
    ends_at: datetime

    @classmethod
    def of(cls, one: Shift) -> ShiftTold:
        return cls(
            session_id=one.session_id,
            access_token=one.access_token,
            access_expires_at=one.access_expires_at,
            ends_at=one.ends_at,
        )


class StandingTold(Told):
    """Who stands where: `by_id` is a member of staff, a clerk or a software key."""

    by_id: UUID
    shop_id: UUID | None
    till_id: UUID | None
    sandbox: bool


class KeyMade(Asked):
    """A key for a shop's own software. A sandbox key never moves anything."""

    label: Label
    sandbox: bool = False
    scopes: list[Literal["capture", "refund", "read"]] = Field(min_length=1, max_length=3)


class KeyTold(Told):
    """A key of a shop's software."""

    key_id: UUID
    shop_id: UUID
    label: str
    sandbox: bool
    scopes: list[str]
    made_at: datetime
    last_used_on: date | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, one: SoftwareKey) -> KeyTold:
        return cls(
            key_id=one.id,
            shop_id=one.shop_id,
            label=one.label,
            sandbox=one.sandbox,
            scopes=list(one.scopes),
            made_at=one.made_at,
            last_used_on=one.last_used_on,
            revoked_at=one.revoked_at,
        )


class KeyWritten(KeyTold):
    """A new key as it is written: `Authorization: Bearer <key>`. It is told here and never again."""

    key: str


# --- clerks


@router.get("/shops/{shop_id}/clerks", responses=problems(*_NOT_LET_IN, ShopUnknown))
async def list_clerks(shop_id: UUID, person: MerchantStaff, session: ReadSession) -> list[ClerkTold]:
    """The clerks of a shop."""
    found = await service.clerks_of(session, merchant_id=merchant_of(person), shop_id=shop_id)
    return [ClerkTold.of(one) for one in found]


@router.post(
    "/shops/{shop_id}/clerks",
    status_code=201,
    responses=problems(*_NOT_LET_IN, ShopUnknown, PinWeak, ClerkLabelTaken, *idempotency.REFUSALS),
)
async def add_clerk(
    shop_id: UUID, made: ClerkMade, person: MerchantStaff, session: WriteSession, _: IdempotencyKey
) -> ClerkTold:
    """A clerk who may stand at the tills of a shop."""
    clerk = await service.add_clerk(
        session,
        merchant_id=merchant_of(person),
        shop_id=shop_id,
        label=made.label,
        pin=made.pin,
        made_by=person.id,
    )
    return ClerkTold.of(clerk)


@router.put("/clerks/{clerk_id}/pin", responses=problems(*_NOT_LET_IN, ClerkUnknown, PinWeak))
async def set_pin(clerk_id: UUID, said: PinSaid, person: MerchantStaff, session: WriteSession) -> ClerkTold:
    """Give a clerk another PIN, which unlocks too."""
    clerk = await service.set_pin(session, merchant_id=merchant_of(person), clerk_id=clerk_id, pin=said.pin)
    return ClerkTold.of(clerk)


@router.post("/clerks/{clerk_id}/suspension", responses=problems(*_NOT_LET_IN, ClerkUnknown))
async def suspend_clerk(clerk_id: UUID, person: MerchantStaff, session: WriteSession) -> ClerkTold:
    """Keep a clerk out, from the next request on."""
    return ClerkTold.of(
        await service.let_in(session, merchant_id=merchant_of(person), clerk_id=clerk_id, active=False)
    )


@router.post("/clerks/{clerk_id}/reinstatement", responses=problems(*_NOT_LET_IN, ClerkUnknown))
async def reinstate_clerk(clerk_id: UUID, person: MerchantStaff, session: WriteSession) -> ClerkTold:
    """Let a clerk in again."""
    return ClerkTold.of(
        await service.let_in(session, merchant_id=merchant_of(person), clerk_id=clerk_id, active=True)
    )


# --- tills


@router.post(
    "/shops/{shop_id}/till-enrolments",
    status_code=201,
    responses=problems(*_NOT_LET_IN, ShopUnknown, *idempotency.REFUSALS),
)
async def invite_till(
    shop_id: UUID,
    asked: Invitation,
    person: MerchantStaff,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> InvitationTold:
    """A code with which one device becomes a till of the shop."""
    code, expires_at = await service.invite_till(
        session,
        settings.keys,
        merchant_id=merchant_of(person),
        shop_id=shop_id,
        label=asked.label,
        made_by=person.id,
    )
    return InvitationTold(code=code, expires_at=expires_at)


@router.post("/tills", status_code=201, responses=problems(EnrolmentRefused))
async def enrol_till(given: Enrolment, settings: AppSettings, session: WriteSession) -> TillTold:
    """A device becomes a till, by the code that a manager gave and a signature of the device's own key."""
    try:
        key, signature = (_decoded(one) for one in (given.public_key, given.signature))
    except (binascii.Error, ValueError):
        raise EnrolmentRefused from None
    till = await service.enrol(session, settings.keys, code=given.code, public_key=key, signature=signature)
    return TillTold.of(till)


def _decoded(written: str) -> bytes:
    plain = written.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


@router.get("/tills", responses=problems(*_NOT_LET_IN))
async def list_tills(person: MerchantStaff, session: ReadSession) -> list[TillTold]:
    """My organisation's tills, revoked ones too."""
    return [TillTold.of(one) for one in await service.tills_of(session, merchant_id=merchant_of(person))]


@router.post("/tills/{till_id}/revocation", responses=problems(*_NOT_LET_IN, TillUnknown))
async def revoke_till(till_id: UUID, person: MerchantStaff, session: WriteSession) -> TillTold:
    """A lost device is no till any more, from the next request on. Again changes nothing."""
    till = await service.revoke_till(
        session, merchant_id=merchant_of(person), till_id=till_id, revoked_by=person.id
    )
    return TillTold.of(till)


@router.post("/till-sessions", status_code=201, responses=problems(TillRefused))
async def begin_shift(
    given: ShiftBegun, request: Request, settings: AppSettings, session: WriteSession
) -> ShiftTold:
    """A clerk begins at a till. Five wrong PINs in a row lock the clerk for fifteen minutes."""
    db = database(request)
    async with db.transaction() as proving:  # what the till signed stays used, whatever comes of it
        till = await service.prove(proving, settings, assertion=given.assertion)
    async with db.transaction() as counting:  # and the try counted
        await service.count_pin(counting, till=till, clerk_id=given.clerk_id)
    shift = await service.begin(session, settings, till=till, clerk_id=given.clerk_id, pin=given.pin)
    return ShiftTold.of(shift)


@router.post("/till-sessions/renewal", response_model=ShiftTold, responses=problems(TillRefused))
async def go_on(given: ShiftGoesOn, settings: AppSettings, session: WriteSession) -> ShiftTold | Response:
    """Another token for a shift that stands, by what the same till signed."""
    try:
        shift = await service.go_on(session, settings, assertion=given.assertion, session_id=given.session_id)
    except TillRefused as refused:
        return kit_problems.answer(refused)
    return ShiftTold.of(shift)


@router.post("/till-sessions/end", status_code=204, responses=problems(*_NOT_LET_IN))
async def end_shift(till: AnyTill, session: WriteSession) -> None:
    """The clerk leaves the till; the token is worthless at once."""
    if till.session_id is not None and not till.staff:
        await service.end(session, session_id=till.session_id)


@router.get("/till-sessions/me", responses=problems(*_NOT_LET_IN))
async def get_standing(till: AnyTill) -> StandingTold:
    """Who I am here: a clerk at a till, a shop's software, or staff."""
    return StandingTold(by_id=till.by, shop_id=till.shop_id, till_id=till.till_id, sandbox=till.sandbox)


# --- software


@router.get("/software-keys", responses=problems(*_NOT_LET_IN))
async def list_software_keys(person: MerchantStaff, session: ReadSession) -> list[KeyTold]:
    """My organisation's keys for its own till software, revoked ones too."""
    return [KeyTold.of(one) for one in await software.keys_of(session, merchant_id=merchant_of(person))]


@router.post(
    "/shops/{shop_id}/software-keys",
    status_code=201,
    responses=problems(*_NOT_LET_IN, ShopUnknown, TooManySoftwareKeys, *idempotency.REFUSALS),
)
async def make_software_key(
    shop_id: UUID,
    made: KeyMade,
    person: MerchantStaff,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> KeyWritten:
    """A key for a shop's own software, told once."""
    key, written = await software.make_key(
        session,
        settings.keys,
        merchant_id=merchant_of(person),
        shop_id=shop_id,
        label=made.label,
        sandbox=made.sandbox,
        scopes=made.scopes,
        made_by=person.id,
    )
    return KeyWritten(**KeyTold.of(key).model_dump(), key=written)


@router.post("/software-keys/{key_id}/revocation", responses=problems(*_NOT_LET_IN, SoftwareKeyUnknown))
async def revoke_software_key(key_id: UUID, person: MerchantStaff, session: WriteSession) -> KeyTold:
    """Let a key be worthless from the next request on. Again changes nothing."""
    key = await software.revoke_key(
        session, merchant_id=merchant_of(person), key_id=key_id, revoked_by=person.id
    )
    return KeyTold.of(key)
