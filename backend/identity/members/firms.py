"""Which firm an account is: a manager says its unified social credit code, a person of the operator checks it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import credit_codes, people
from backend.identity.locks import take_turns
from backend.identity.members import queries, service
from backend.identity.members.errors import (
    CreditCodeWrong,
    FirmCheckedAlready,
    FirmClaimUnknown,
    FirmClaimWaits,
    NotAFirm,
)
from backend.identity.people import ParticipantKind
from backend.identity.sealing import blind_index
from backend.kit import clock, ids
from backend.kit.settings import Keys


@dataclass(frozen=True, slots=True)
class FirmClaim:
    """The code that a firm's manager said, and what was found. `code` is None once the firm's key is destroyed."""

    id: UUID
    group_id: UUID
    name: str | None
    code: str | None
    claimed_at: datetime
    state: Literal["waiting", "confirmed", "refused"]
    reason: str | None
    checked_at: datetime | None


async def claim(session: AsyncSession, keys: Keys, *, group_id: UUID, code: str, by: UUID) -> FirmClaim:
    """Say which firm this account is. The same code again, while it waits, changes nothing.

    Raises GroupUnknown, OnlyManagers, NotAFirm, CreditCodeWrong, FirmCheckedAlready, FirmClaimWaits.
    """
    await service.check_manager(session, group_id=group_id, member_id=by)
    if (await people.participant_of(session, participant_id=group_id)).kind is not ParticipantKind.FIRM:
        raise NotAFirm
    if not credit_codes.is_sound(code):
        raise CreditCodeWrong
    await take_turns(session, f"firm:{group_id}")
    for said in await claims_of(session, keys, group_id=group_id):
        if said.state == "confirmed":
            raise FirmCheckedAlready
        if said.state == "waiting" and said.code == code:
            return said
        if said.state == "waiting":
            raise FirmClaimWaits
    claim_id, now = ids.uuid7(), clock.now()
    await queries.claim_firm(
        session,
        id=claim_id,
        group_id=group_id,
        code_index=blind_index(keys.derive("firm/credit-code"), code),
        code_sealed=await people.seal_words(session, keys, participant_id=group_id, words=code),
        claimed_by=by,
        claimed_at=now,
    )
    return (await claims_of(session, keys, group_id=group_id))[-1]


async def claims_of(session: AsyncSession, keys: Keys, *, group_id: UUID) -> list[FirmClaim]:
    """What was said of one firm, in that order."""
    return await _read(session, keys, await queries.firm_claims_of(session, group_id))


async def told_to(session: AsyncSession, keys: Keys, *, group_id: UUID, asked_by: UUID) -> list[FirmClaim]:
    """The same, told to its members. Raises GroupUnknown."""
    await service.check_member(session, group_id=group_id, member_id=asked_by)
    return await claims_of(session, keys, group_id=group_id)


async def waiting(session: AsyncSession, keys: Keys, *, after: UUID | None, limit: int) -> list[FirmClaim]:
    """What waits for a check, the oldest first."""
    return await _read(session, keys, await queries.firm_claims_waiting(session, after=after, limit=limit))


async def check(
    session: AsyncSession, keys: Keys, *, claim_id: UUID, confirmed: bool, reason: str, by: UUID
) -> FirmClaim:
    """What a person of the operator found. Raises FirmClaimUnknown, FirmCheckedAlready, CreditCodeTaken."""
    found = await queries.firm_claim(session, claim_id)
    if found is None:
        raise FirmClaimUnknown
    await queries.check_firm(
        session,
        claim_id=claim_id,
        group_id=found.group_id,
        code_index=found.code_index,
        confirmed=confirmed,
        reason=reason,
        checked_by=by,
        checked_at=clock.now(),
    )
    stands = await queries.firm_claim(session, claim_id)
    return (await _read(session, keys, [stands] if stands else []))[0]


async def _read(session: AsyncSession, keys: Keys, rows: Any) -> list[FirmClaim]:
    codes = await people.read_many(session, keys, sealed=[(row.group_id, row.code_sealed) for row in rows])
    names = await people.read_many(session, keys, sealed=[(row.group_id, row.name_sealed) for row in rows])
    return [_told(row, code, name) for row, code, name in zip(rows, codes, names, strict=True)]


def _told(row: Row[Any], code: str | None, name: str | None) -> FirmClaim:
    states: dict[bool | None, Literal["waiting", "confirmed", "refused"]]
    states = {None: "waiting", True: "confirmed", False: "refused"}
    state = states[row.confirmed]
    return FirmClaim(row.id, row.group_id, name, code, row.claimed_at, state, row.reason, row.checked_at)
