"""What an account that closes gives up: points to breakage, money to what was forgone; debts stay noted and are asked of nobody.

What comes late (an act that happened before, a refund) is given up by a sweep.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.identity import closing, joining
from backend.kit import clock, ids
from backend.kit.db import Database, errors_from_database
from backend.ledger import InsufficientBalance, Line, Lot, Posting
from backend.programmes import codes

log.register(log.Sealed("account_forfeit", key=("posting_id",)))

REASONS = {"wallet": "points.forfeited", "pending": "points.forfeited", "benefit": "benefit.forfeited"}
_STATES = {"wallet": "spendable", "pending": "to_collect"}
_OWED = ("debt", "overpaid")
_TRIES = 5
_NOTE = text("""
    INSERT INTO account_forfeit (posting_id, participant_id, programme_id, amount)
    SELECT :posting, :participant, p.id, :amount FROM programme p WHERE p.code = :programme
""")
_LATE = text("""
    SELECT c.participant_id FROM account_closed c
    WHERE EXISTS (
        SELECT FROM unnest(CAST(:kinds AS text[])) AS k(kind)
        JOIN ledger_account a ON a.code >= (k.kind || ':' || c.participant_id || ':') COLLATE "C"
            AND a.code < (k.kind || ':' || c.participant_id || ';') COLLATE "C"
        WHERE a.balance <> 0)
""")


async def told(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """What would be given up, by programme: points, money in fen, and what is owed of either."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for lot in await _lots(session, participant_id, (*REASONS, *_OWED)):
        sums[codes.programme_of(lot.code)][lot.kind] += lot.balance
    return [
        {
            "programme": programme,
            "points_forfeited": own["wallet"] + own["pending"],
            "benefit_fen_forgone": own["benefit"],
            "points_owed": -own["debt"],
            "benefit_fen_owed": -own["overpaid"],
        }
        for programme, own in sorted(sums.items())
    ]


async def told_lots(session: AsyncSession, participant_id: UUID) -> list[closing.Facts]:
    """The points that would be given up, by programme and the day until which they are good ("" for ever)."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for lot in await _lots(session, participant_id, ("wallet", "pending")):
        day = "" if lot.due is None else lot.due.isoformat()
        sums[codes.programme_of(lot.code), day, lot.kind] += lot.balance
    return [
        {"programme": programme, "good_until": day, "points": points, "state": _STATES[kind]}
        for (programme, day, kind), points in sorted(sums.items())
    ]


async def _stays(session: AsyncSession, participant_id: UUID) -> None:
    """Nothing: `forfeit` gives them up."""
    del session, participant_id


async def forfeit(session: AsyncSession, participant_id: UUID) -> int:
    """Give up everything that is in the account now; how much, points and fen alike. Again gives up what came since."""
    for turn in range(_TRIES):
        lots = await _lots(session, participant_id, tuple(REASONS))
        if not lots:
            return 0
        try:
            with errors_from_database():
                async with session.begin_nested():
                    return await _give_up(session, participant_id, lots)
        except InsufficientBalance:  # a lot was swept between looking and moving
            if turn == _TRIES - 1:
                raise
    return 0


async def forfeit_late(db: Database) -> int:
    """Give up what came to closed accounts since, a transaction for each; how many had something."""
    async with db.transaction() as session:
        late = list((await session.execute(_LATE, {"kinds": list(REASONS)})).scalars())
    for participant_id in late:
        async with db.transaction() as session:
            await forfeit(session, participant_id)
    return len(late)


async def _lots(session: AsyncSession, participant_id: UUID, kinds: tuple[str, ...]) -> list[Lot]:
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    return [
        lot
        for who in people
        for kind in kinds
        for lot in await ledger.lots(session, prefix=f"{kind}:{who}:")
        if lot.balance
    ]


async def _give_up(session: AsyncSession, participant_id: UUID, lots: list[Lot]) -> int:
    by_programme: dict[tuple[str, str], list[Lot]] = defaultdict(list)
    for lot in lots:
        by_programme[codes.programme_of(lot.code), REASONS[lot.kind]].append(lot)
    targets = {
        key: codes.forgone(key[0]) if key[1] == "benefit.forfeited" else codes.breakage(key[0])
        for key in by_programme
    }
    opened = await ledger.open_accounts(session, targets.values())
    now, postings = clock.now(), []
    for (programme, reason), own in sorted(by_programme.items()):
        posting_id = ids.uuid7()
        to = opened[targets[programme, reason].code]
        lines = tuple(Line(debit=lot.id, credit=to, amount=lot.balance) for lot in own)
        postings.append(Posting(posting_id, reason, now, lines))
        await session.execute(
            _NOTE,
            {
                "posting": posting_id,
                "participant": participant_id,
                "programme": programme,
                "amount": sum(lot.balance for lot in own),
            },
        )
    await ledger.post(session, postings)
    return sum(lot.balance for lot in lots)


closing.register(closing.Part("wallets", 20, told, forfeit))
closing.register(closing.Part("points", 21, told_lots, _stays))
