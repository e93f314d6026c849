"""A small amount that the operator charged to an account proves who sees its bill.

The operator draws the amount, uniformly from 1 to 999 fen, charges it, reports it here and gives it back. Only a keyed digest is kept.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.identity.means import queries, service
from backend.identity.means.errors import ChargeWrong, TooManyCharges
from backend.identity.means.numbers import check_names, means_token
from backend.identity.means.tables import Holding, Proof
from backend.kit import clock, ids
from backend.kit.settings import Keys

MOST_FEN = 999
TRIES = 3  # at one charge, by whomever
CHARGE_LASTS = timedelta(hours=72)  # a bill shows it the next day
CHARGES_IN = ((timedelta(days=30), 3), (timedelta(days=365), 6))  # of one number
CHARGE_REACHES_BACK = timedelta(days=30)
ATTEMPTS_OF_CHARGE = 3  # of the ten a day that telling an amount takes


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge whose amount may be told until then."""

    id: UUID
    expires_at: datetime


async def report(
    session: AsyncSession, keys: Keys, *, kind: str, operator: str, number: str, amount_fen: int
) -> Charge:
    """An operator charged this amount to one of its accounts; an earlier charge proves nothing from now on.

    Raises MeansMisnamed, and TooManyCharges for more than three a month or six a year of one number.
    """
    check_names(kind, operator, number)
    assert 0 < amount_fen <= MOST_FEN
    token, now, charge_id = means_token(keys, kind, operator, number), clock.now(), ids.uuid7()
    await take_turns(session, f"charge:{token}")
    for within, most in CHARGES_IN:
        if await queries.count_charges(session, token=token, since=now - within) >= most:
            raise TooManyCharges
    until = now + CHARGE_LASTS
    await queries.add_charge(
        session,
        id=charge_id,
        token=token,
        digest=_digest(keys, charge_id, amount_fen),
        charged_at=now,
        expires_at=until,
    )
    return Charge(charge_id, until)


async def link_by_charge(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    kind: str,
    operator: str,
    number: str,
    amount_fen: int,
) -> Holding:
    """Link a means to whoever tells what was charged last: theirs for 30 days, or since its last holder.

    Spend attempts first, and commit when it is refused: the try stays counted. Raises ChargeWrong also where nothing was charged, where its
    tries or days are over, and for what was lost, which takes its operator's code.
    """
    check_names(kind, operator, number)
    token, now = means_token(keys, kind, operator, number), clock.now()
    await take_turns(session, f"charge:{token}")
    charge = await queries.last_charge(session, token=token)
    if charge is None or charge.used_at is not None or charge.expires_at <= now or charge.tries >= TRIES:
        raise ChargeWrong
    await queries.try_charge(session, charge_id=charge.id)
    right = hmac.compare_digest(charge.digest, _digest(keys, charge.id, amount_fen))
    if not right or await queries.is_lost(session, token=token):
        raise ChargeWrong
    await queries.use_charge(session, charge_id=charge.id, now=now)
    begins, last = now - CHARGE_REACHES_BACK, await queries.last_held_until(session, token=token)
    return await service.link(
        session,
        keys,
        participant_id=participant_id,
        kind=kind,
        operator=operator,
        number=number,
        held_from=max(begins, last) if last is not None else begins,
        proof=Proof.SMALL_CHARGE,
        proof_reference=f"charge {charge.id}",
    )


async def forget_old_charges(session: AsyncSession) -> None:
    """Remove charges that no limit counts any more."""
    await queries.forget_charges(session, before=clock.now() - max(within for within, _ in CHARGES_IN))


def _digest(keys: Keys, charge_id: UUID, amount_fen: int) -> bytes:
    return hmac.digest(keys.derive("means/charge"), charge_id.bytes + amount_fen.to_bytes(4), hashlib.sha256)
