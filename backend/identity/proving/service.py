"""Proving that an account is a person's, by a digest of what identifies that person at a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.identity.people import participant_of
from backend.identity.proving import queries
from backend.identity.proving.errors import AnotherPerson, Because, NotRedeemable
from backend.identity.sealing import blind_index
from backend.kit import clock, ids
from backend.kit.settings import Keys


class RealNames(Protocol):
    """A provider of real names: turns a fresh token of its own app into what always names the same person there.

    `subject` is told of nobody and kept nowhere; raises ProofRefused.
    """

    provider: str

    async def subject(self, token: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof came to: whether this account may redeem."""

    redeemable: bool


async def prove(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, provider: str, subject: str
) -> Proved:
    """Note that an account is the person's whom a provider knows as `subject`. Raises AnotherPerson, ParticipantUnknown."""
    await participant_of(session, participant_id=participant_id)
    index = blind_index(keys.derive("person/proof-index"), f"{provider}\n{subject}")
    await take_turns(session, "proof:" + index.hex())
    given = {"participant": participant_id, "provider": provider}
    await session.execute(queries.ADD, {**given, "id": ids.uuid7(), "subject": index, "at": clock.now()})
    if (await session.execute(queries.OF, given)).scalar_one() != index:
        raise AnotherPerson
    return Proved(await may_redeem(session, participant_id=participant_id))


@dataclass(frozen=True, slots=True)
class Proof:
    """That a provider said who this account's holder is; not who that is."""

    provider: str
    proved_at: datetime


async def proofs_of(session: AsyncSession, *, participant_id: UUID) -> list[Proof]:
    """By which providers this account was proved, oldest first."""
    rows = await session.execute(queries.PROOFS, {"participant": participant_id})
    return [Proof(row.provider, row.proved_at) for row in rows]


async def barred(session: AsyncSession, *, participant_id: UUID) -> Because | None:
    """Why nothing can be spent from an account; None where it can, as far as who its holder is decides it."""
    because: Because | None = (
        await session.execute(queries.BARRED, {"participant": participant_id})
    ).scalar_one()
    return because


async def require_redeemable(session: AsyncSession, *, participant_id: UUID) -> None:
    """Refuse whoever may not spend. Raises NotRedeemable."""
    if not await may_redeem(session, participant_id=participant_id):
        raise NotRedeemable


async def may_redeem(session: AsyncSession, *, participant_id: UUID) -> bool:
    """Whether what this participant holds may be redeemed, as far as who they are decides it."""
    return bool((await session.execute(queries.REDEEMABLE, {"participant": participant_id})).scalar_one())
