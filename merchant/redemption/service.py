"""The verbs of a redemption's citizen. Locks come in one order: the redemption, then accounts, then one pile of the stock.

`redeem` exists three times: for a session, for a hot connection, and as one call with its idempotency key.
"""

from __future__ import annotations

import datetime as dt
import json
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import joining
from backend.kit import clock, idempotency, ids, logging
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.keys import Keys
from backend.programmes import wallets
from merchant.redemption import codes, queries, telling
from merchant.redemption.errors import (
    QuestionOver,
    QuestionUnknown,
    RedemptionEnded,
    RedemptionUnknown,
)
from merchant.redemption.model import CODE_LIVES, STANDS_AT_MOST, Issued, Redemption, State, VoucherCode

Position = tuple[dt.datetime, UUID]

_log = logging.get("puhui.merchant")


async def redeem(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    offer_id: UUID,
    actor_id: UUID | None = None,
    stepped_up: bool = False,
    voucher: VoucherCode | None = None,
) -> Issued:
    """Set an offer's price aside, take one item, and give a code for the till. `actor_id` acts for a household or firm.

    `voucher` is for offers that give one, and is left alone by others. Raises OfferUnknown, OfferClosed, SoldOut, LimitReached,
    InsufficientBalance; AccountTooNew, StepUpWanted, RedeemingUnknown by what the programme asks; VoucherCodeWanted;
    CodeTaken (draw again).
    """
    redemption_id, now = ids.uuid7(), clock.now()
    until = now + CODE_LIVES
    code = codes.new_code(keys, expires_at=until)
    row = (
        await session.execute(
            queries.HOLD,
            {
                "id": redemption_id,
                "participant": participant_id,
                "offer": offer_id,
                "mac": code.mac,
                "now": now,
                "today": clock.day_of(now),
                "until": until,
                "actor": actor_id,
                "stepped_up": stepped_up,
                "voucher_mac": voucher and voucher.mac,
                "voucher_sealed": voucher and voucher.sealed,
            },
        )
    ).one()
    return Issued(redemption_id, row.points, code.text, code.number, until, row.confirm)


async def redeem_hot(
    connection: asyncpg.Connection[asyncpg.Record],
    keys: Keys,
    *,
    participant_id: UUID,
    offer_id: UUID,
    actor_id: UUID | None = None,
) -> Issued:
    """The same as `redeem` on a hot connection, for whoever did not step up."""
    redemption_id, now = ids.uuid7(), clock.now()
    until = now + CODE_LIVES
    code = codes.new_code(keys, expires_at=until)
    row = await connection.fetchrow(
        queries.HOLD_HOT,
        redemption_id, participant_id, offer_id, code.mac, now, clock.day_of(now), until, actor_id,
    )  # fmt: skip
    assert row is not None
    return Issued(redemption_id, row["points"], code.text, code.number, until, row["confirm"])


async def redeem_once(
    db: Database,
    keys: Keys,
    *,
    claim: idempotency.Claim,
    participant_id: UUID,
    offer_id: UUID,
    actor_id: UUID | None = None,
    session_id: UUID | None = None,
) -> tuple[Issued, bool] | None:
    """The same as `redeem_hot` under an idempotency key, all in one statement; True where it answers what was done before.

    With `session_id`, None where that session does not stand; without it, whoever calls has asked. An offer that gives a voucher is
    for `redeem`: here it raises VoucherCodeWanted.
    What is kept under the key is the code, sealed; points are read from the redemption. Raises also what `idempotency` refuses.
    """
    redemption_id, now = ids.uuid7(), clock.now()
    until = now + CODE_LIVES
    code = codes.new_code(keys, expires_at=until)
    facts = _facts(redemption_id, code.text, code.number, until)
    async with db.hot_statement() as connection:
        try:
            row = await connection.fetchrow(
                queries.HOLD_ONCE,
                claim.principal, claim.key, claim.fingerprint, idempotency.seal(keys, claim, facts),
                redemption_id, participant_id, offer_id, code.mac, now, clock.day_of(now), until, actor_id,
                session_id,
            )  # fmt: skip
        except asyncpg.LockNotAvailableError:
            raise idempotency.IdempotencyInFlight from None
        if row is None:
            return None
        if row["claimed"]:
            return Issued(redemption_id, row["points"], code.text, code.number, until, row["confirm"]), False
        kept = idempotency.opened(
            keys, claim, fingerprint=row["fingerprint"], status=row["status"], body=row["body"]
        )
        held = await connection.fetchrow(queries.HELD_AS_HOT, json.loads(kept)[0])
        assert held is not None
        return _issued(kept, held["points"], confirm=held["confirm"]), True


def remembered(issued: Issued) -> bytes:
    """What opens the same answer again: with `issued_before`."""
    return _facts(issued.redemption_id, issued.code, issued.number, issued.code_expires_at)


async def issued_before(session: AsyncSession, facts: bytes) -> Issued:
    """The answer that `remembered` was made of."""
    held = (await session.execute(queries.HELD_AS, {"id": UUID(json.loads(facts)[0])})).one()
    return _issued(facts, held.points, confirm=held.confirm)


def _facts(redemption_id: UUID, code: str, number: str, until: dt.datetime) -> bytes:
    return json.dumps([str(redemption_id), code, number, until.isoformat()]).encode()


def _issued(facts: bytes, points: int, *, confirm: bool) -> Issued:
    redemption_id, code, number, until = json.loads(facts)
    return Issued(UUID(redemption_id), points, code, number, dt.datetime.fromisoformat(until), confirm)


async def renew(session: AsyncSession, keys: Keys, *, participant_id: UUID, redemption_id: UUID) -> Issued:
    """Another code for a redemption that stands, which then stands as long as the code; ten minutes in all at most.

    Codes given before stay good for the rest of their minute. Raises RedemptionUnknown, RedemptionEnded.
    """
    now = clock.now()
    standing = await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)
    until = min(now + CODE_LIVES, standing.made_at + STANDS_AT_MOST)
    code = codes.new_code(keys, expires_at=until)
    given = {
        "redemption": redemption_id,
        "participant": participant_id,
        "mac": code.mac,
        "now": now,
        "until": until,
        "made_after": now - STANDS_AT_MOST,
    }
    if not (await session.execute(queries.RENEW, given)).scalar_one():
        raise RedemptionEnded(how=await _how(session, participant_id, redemption_id))
    return Issued(redemption_id, standing.points, code.text, code.number, until, standing.confirm)


async def answer(
    session: AsyncSession,
    *,
    participant_id: UUID,
    redemption_id: UUID,
    scan_id: UUID,
    yes: bool,
    by: UUID | None = None,
) -> Redemption:
    """Say yes or no to what a till asks: a yes is the capture, a no leaves the redemption standing. Again changes nothing.

    `by` is who acts, where that is not the participant. Raises QuestionUnknown, or QuestionOver when the till asks no more.
    """
    given = {
        "redemption": redemption_id,
        "participant": participant_id,
        "asked": scan_id,
        "yes": yes,
        "by": by or participant_id,
        "posting": ids.derive(scan_id, "capture"),
        "now": clock.now(),
    }
    became = (await session.execute(queries.ANSWER, given)).scalar_one()
    if became is None:
        raise QuestionUnknown
    if became != ("confirmed" if yes else "refused"):
        raise QuestionOver(how=became)
    return await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)


async def cancel(session: AsyncSession, *, participant_id: UUID, redemption_id: UUID) -> Redemption:
    """Give a redemption up: its points go back to the exact lots, its item to the stock. Again changes nothing.

    Raises RedemptionUnknown, or RedemptionEnded when a till was first or it has lapsed.
    """
    await _close(session, redemption_id=redemption_id, participant_id=participant_id)
    found = await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)
    if found.ended == "captured":
        raise RedemptionEnded(how=found.state_at(clock.now()))
    return found


async def lapse(session: AsyncSession, *, redemption_id: UUID) -> bool:
    """Give back what a redemption set aside whose time is over, and tell its citizen; False when it stands or has ended."""
    points = await _close(session, redemption_id=redemption_id, participant_id=None)
    if points is None:
        return False
    await telling.tell(
        session, telling.LAPSED, redemption_id=redemption_id, refers_to=redemption_id, points=points
    )
    return True


async def _close(session: AsyncSession, *, redemption_id: UUID, participant_id: UUID | None) -> int | None:
    """The points that were given back; None where it stands or has ended."""
    posting_id, now = ids.derive(redemption_id, "release"), clock.now()
    given = {
        "redemption": redemption_id,
        "participant": participant_id,
        "posting": posting_id,
        "now": now,
    }
    closed = (await session.execute(queries.CLOSE, given)).one_or_none()
    if closed is None:
        return None
    await wallets.release(session, hold=redemption_id, posting_id=posting_id, happened_at=now)
    if closed.limited:
        await session.execute(queries.PUT_BACK, {"offer": closed.offer_id})
    await session.execute(queries.GIVE_BACK, {"redemption": redemption_id, "points": closed.price_points})
    return int(closed.price_points)


async def lapse_due(db: Database, *, participant_id: UUID | None = None, batch: int = 200) -> int:
    """Let everything lapse whose time is over, of one citizen or of all, a transaction each; answers how many did."""
    lapsed = 0
    while True:
        async with db.transaction() as session:
            given = {"now": clock.now(), "participant": participant_id, "limit": batch}
            due = (await session.execute(queries.DUE, given)).scalars().all()
        before = lapsed
        for redemption_id in due:
            try:
                async with db.transaction() as session:
                    lapsed += await lapse(session, redemption_id=redemption_id)
            except DomainError as error:  # one that cannot be given back does not hold up the others
                _log.error("redemption does not lapse", redemption_id=str(redemption_id), exc_info=error)
        if len(due) < batch or lapsed == before:
            return lapsed


async def redemption_of(session: AsyncSession, *, participant_id: UUID, redemption_id: UUID) -> Redemption:
    """One redemption of a citizen, or of an account that ended in theirs; another's is unknown. Raises RedemptionUnknown."""
    given = {"people": await _people(session, participant_id), "redemption": redemption_id}
    row = (await session.execute(queries.ONE_OF_CITIZEN, given)).one_or_none()
    if row is None:
        raise RedemptionUnknown
    return Redemption(**row._mapping)  # noqa: SLF001


async def redemptions_of(
    session: AsyncSession, *, participant_id: UUID, limit: int = 50, after: Position | None = None
) -> list[Redemption]:
    """A citizen's redemptions and those of accounts that ended in theirs, newest first, behind the position of the last one seen."""
    given = {"people": await _people(session, participant_id), "limit": limit, **_position(after)}
    return [Redemption(**row._mapping) for row in await session.execute(queries.OF_CITIZEN, given)]  # noqa: SLF001


async def _people(session: AsyncSession, participant_id: UUID) -> list[UUID]:
    return [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]


async def _how(session: AsyncSession, participant_id: UUID, redemption_id: UUID) -> State:
    """How a redemption ended that does not stand; one that stood long enough has lapsed for whoever asks for a code."""
    found = await redemption_of(session, participant_id=participant_id, redemption_id=redemption_id)
    state = found.state_at(clock.now())
    return State.LAPSED if state is State.HELD else state


def _position(after: Position | None) -> dict[str, object]:
    at, redemption_id = after or (None, None)
    return {"after_at": at, "after_id": redemption_id}
