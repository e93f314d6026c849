"""Opening, committing, entering, closing, revealing, drawing. Each takes the lottery's lock first and appends to the log last."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.engagement import rewards
from backend.engagement.lotteries import drawing, queries
from backend.engagement.lotteries.drawing import Prize
from backend.engagement.lotteries.errors import (
    CommitmentRefused,
    EntriesExhausted,
    LotteryUnknown,
    NotEntering,
    RevealRefused,
    SecondPartyUnfit,
    TimesOutOfOrder,
)
from backend.engagement.lotteries.model import Entry, Lottery, Party, Won
from backend.identity import Role, guardians, organisations, staff
from backend.kit import clock, ids, logging
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.programmes import Registered, programme_of, spending

Position = tuple[dt.datetime, UUID]

OPENED, COMMITTED, LISTED = "lottery.opened", "lottery.committed", "lottery.entries"
CLOSED, REVEALED, DRAWN, FAILED = "lottery.closed", "lottery.revealed", "lottery.drawn", "lottery.failed"
LISTED_AT_ONCE = 5_000  # labels in one log entry
SECONDS = (Role.AUTHORITY, Role.VERIFICATION_BODY, Role.PARTNER)
PARTIES: tuple[Party, ...] = ("operator", "second")

_log = logging.get("puhui.lotteries")


async def open_lottery(
    session: AsyncSession,
    *,
    programme: Registered,
    reward_id: str,
    second: str,
    enter_from: dt.datetime,
    enter_until: dt.datetime,
    reveal_until: dt.datetime,
    one_prize_per_person: bool,
    opened_by: UUID,
) -> Lottery:
    """Open a lottery for a reward of the pack, and say in the log everything that decides its result but the secrets.

    `second` is the code of the organisation that commits beside the operator. Price, prizes and limits are the pack's of
    this moment, and stay. Raises RewardUnknown, RewardElsewhere, ParameterUnknown, SecondPartyUnfit, TimesOutOfOrder.
    """
    reward = rewards.reward_of(programme, reward_id=reward_id, kinds={"lottery"})
    now = clock.now()
    if not (max(now, enter_from) < enter_until < reveal_until):
        raise TimesOutOfOrder
    operator = await organisations.organisation_by_code(session, code=programme.operator_code)
    other = await organisations.organisation_by_code(session, code=second)
    if other.id == operator.id or other.roles.isdisjoint(SECONDS):
        raise SecondPartyUnfit
    lottery = Lottery(
        id=ids.uuid7(),
        programme=programme.code,
        reward=reward.id,
        operator_id=operator.id,
        operator=operator.code,
        second_id=other.id,
        second=other.code,
        points=rewards.price_of(programme, reward),
        most_per_person=reward.most_per_person,
        most_entries=reward.stock,
        one_prize_per_person=one_prize_per_person,
        prizes=tuple(Prize(one.id, one.title.zh, one.title.en, one.count) for one in reward.prizes),
        enter_from=enter_from,
        enter_until=enter_until,
        reveal_until=reveal_until,
        opened_by=opened_by,
        opened_at=now,
        log_index=-1,
        commitments={},
        secrets={},
        closed_at=None,
        entries_sha256=None,
        outcome=None,
        failed_by=(),
        decided_at=None,
    )
    stated = lottery.stated()
    index = await log.append(session, kind=OPENED, body=stated)
    row = {name: getattr(lottery, name) for name in Lottery.__slots__}
    given = row | {
        "programme_id": programme.id,
        "prizes": json.dumps(stated["prizes"], ensure_ascii=False),
        "log_index": index,
    }
    await session.execute(queries.ADD, given)
    return await lottery_of(session, lottery_id=lottery.id)


async def commit(session: AsyncSession, *, lottery_id: UUID, staff_id: UUID, commitment: bytes) -> Lottery:
    """Publish a party's commitment: SHA-256(secret || lottery id), 32 bytes; the secret stays with the party.

    Raises LotteryUnknown for staff of neither party, CommitmentRefused.
    """
    lottery, party, organisation_id = await _party(session, lottery_id, staff_id)
    now = clock.now()
    if (
        now >= lottery.enter_until
        or lottery.closed_at is not None
        or party in lottery.commitments
        or commitment in lottery.commitments.values()
    ):
        raise CommitmentRefused
    body = {"lottery": str(lottery.id), "party": party, "by": lottery.organisation(party)}
    index = await log.append(session, kind=COMMITTED, body=body | {"commitment": commitment.hex()})
    given = {
        "lottery": lottery.id,
        "party": party,
        "organisation": organisation_id,
        "commitment": commitment,
        "by": staff_id,
        "at": now,
        "log_index": index,
    }
    await session.execute(queries.COMMIT, given)
    return await lottery_of(session, lottery_id=lottery_id)


async def enter(
    session: AsyncSession, *, programme: Registered, lottery_id: UUID, participant_id: UUID
) -> Entry:
    """Spend a lottery's points on one entry. It stands from then on, also where acts are withdrawn later.

    Raises LotteryUnknown, NotEntering, EntriesExhausted, InsufficientBalance, NotAllowedByGuardian, NotRedeemable.
    """
    await guardians.require(session, participant_id=participant_id, scope="lottery")
    await _lock(session, lottery_id)
    lottery, now = await lottery_of(session, lottery_id=lottery_id, programme=programme.code), clock.now()
    if lottery.state_at(now) != "entering" or lottery.closed_at is not None:
        raise NotEntering(lottery.enter_from, lottery.enter_until, len(lottery.commitments))
    given = {"lottery": lottery.id, "participant": participant_id}
    counted = (await session.execute(queries.COUNTED, given)).one()
    if counted.entries == lottery.most_entries or counted.own == lottery.most_per_person:
        raise EntriesExhausted
    entry = Entry(
        id=ids.uuid7(),
        lottery_id=lottery.id,
        participant_id=participant_id,
        number=counted.own + 1,
        handle=counted.handle or secrets.token_hex(8),
        points=lottery.points,
        entered_at=now,
    )
    await session.execute(queries.ENTER, {name: getattr(entry, name) for name in Entry.__slots__})
    if entry.points:
        await spending.spend(
            session,
            participant_id=participant_id,
            programme=programme.code,
            points=entry.points,
            posting_id=entry.id,
            happened_at=now,
        )
    return entry


async def close(session: AsyncSession, *, lottery_id: UUID) -> Lottery:
    """Fix the entries of a lottery whose time for entering is over, and log them; again, or too early, changes nothing."""
    await _lock(session, lottery_id)
    lottery, now = await lottery_of(session, lottery_id=lottery_id), clock.now()
    if lottery.closed_at is not None or now < lottery.enter_until:
        return lottery
    labels = sorted(one.label for one in await _entries(session, lottery_id))
    digest = drawing.digest_of(labels)
    parts = closing_entries(lottery, labels)
    first = await log.append_many(session, entries=parts)
    given = {
        "lottery": lottery.id,
        "entries": len(labels),
        "sha256": digest,
        "at": now,
        "log_index": first + len(parts) - 1,
        "log_count": len(parts),
    }
    await session.execute(queries.CLOSE, given)
    return await lottery_of(session, lottery_id=lottery_id)


def closing_entries(lottery: Lottery, labels: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """What the log says when entries are fixed: all labels, in order, in parts, and then their number and hash."""
    named = {"lottery": str(lottery.id)}
    pieces = [labels[low : low + LISTED_AT_ONCE] for low in range(0, len(labels), LISTED_AT_ONCE)]
    closed = named | {"entries": len(labels), "entries_sha256": drawing.digest_of(labels).hex()}
    return [(LISTED, named | {"labels": piece}) for piece in pieces] + [(CLOSED, closed)]


async def reveal(session: AsyncSession, *, lottery_id: UUID, staff_id: UUID, secret: bytes) -> Lottery:
    """Publish a party's secret after the entries were fixed; with the second one the lottery is drawn.

    Raises LotteryUnknown for staff of neither party, RevealRefused.
    """
    await close(session, lottery_id=lottery_id)
    lottery, party, _ = await _party(session, lottery_id, staff_id)
    now = clock.now()
    if (
        lottery.closed_at is None
        or lottery.outcome is not None
        or now >= lottery.reveal_until
        or party in lottery.secrets
        or drawing.commitment_to(secret, lottery.id) != lottery.commitments.get(party)
    ):
        raise RevealRefused
    body = {
        "lottery": str(lottery.id),
        "party": party,
        "by": lottery.organisation(party),
        "secret": secret.hex(),
    }
    index = await log.append(session, kind=REVEALED, body=body)
    given = {
        "lottery": lottery.id,
        "party": party,
        "secret": secret,
        "by": staff_id,
        "at": now,
        "log_index": index,
    }
    await session.execute(queries.REVEAL, given)
    return await settle(session, lottery_id=lottery_id)


async def settle(session: AsyncSession, *, lottery_id: UUID) -> Lottery:
    """Give a closed lottery its one result as soon as it has one: drawn from both secrets, or failed without them.

    It fails where a party did not commit, or did not reveal in time: that party is named in the log, and the points of all
    entries go back. Called again, or by several at once, it changes nothing.
    """
    await _lock(session, lottery_id)
    closed_before = (await lottery_of(session, lottery_id=lottery_id)).closed_at is not None
    lottery = await close(session, lottery_id=lottery_id)
    if lottery.closed_at is None or lottery.outcome is not None:
        return lottery
    if len(lottery.secrets) == len(PARTIES):
        await _draw(session, lottery)
    else:
        uncommitted = [one for one in PARTIES if one not in lottery.commitments]
        silent = uncommitted or [one for one in PARTIES if one not in lottery.secrets]
        if not closed_before or (not uncommitted and clock.now() < lottery.reveal_until):
            return (
                lottery  # points go back before anything is logged: locks of accounts come before the log's
            )
        await _fail(session, lottery, silent)
    return await lottery_of(session, lottery_id=lottery_id)


async def _draw(session: AsyncSession, lottery: Lottery) -> None:
    now = clock.now()
    programme = await programme_of(session, code=lottery.programme)
    entries = {one.label: one for one in await _entries(session, lottery.id)}
    seed, found = recompute(lottery, sorted(entries))
    rows = []
    for one in found:
        entry = entries[one.label]
        grant = await rewards.give_prize(
            session,
            programme=programme,
            reward=f"{lottery.reward}/{one.prize}",
            participant_id=entry.participant_id,
            at=now,
        )
        rows.append(
            {"lottery": lottery.id, "place": one.place, "prize": one.prize, "entry": entry.id, "grant": grant}
        )
    index = await log.append(session, kind=DRAWN, body=drawn_body(lottery, seed, found))
    given = {
        "lottery": lottery.id,
        "outcome": "drawn",
        "seed": seed,
        "failed_by": [],
        "at": now,
        "log_index": index,
    }
    await session.execute(queries.RESULT, given)
    if rows:
        await session.execute(queries.WIN, rows)


def recompute(lottery: Lottery, labels: list[str]) -> tuple[bytes, list[drawing.Winner]]:
    """The seed and the winners that a lottery's secrets and sorted entries give."""
    seed = drawing.seed_of(
        operator=lottery.secrets["operator"],
        second=lottery.secrets["second"],
        entries_sha256=drawing.digest_of(labels),
        lottery_id=lottery.id,
    )
    found = drawing.winners(seed, labels, lottery.prizes, one_prize_per_person=lottery.one_prize_per_person)
    return seed, found


def drawn_body(lottery: Lottery, seed: bytes, found: list[drawing.Winner]) -> dict[str, Any]:
    """What the log says of a draw."""
    return {
        "lottery": str(lottery.id),
        "seed": seed.hex(),
        "winners": [{"place": one.place, "prize": one.prize, "entry": one.label} for one in found],
    }


def failed_body(lottery: Lottery, silent: list[Party]) -> dict[str, Any]:
    """What the log says of a lottery that failed: who is the cause."""
    return {"lottery": str(lottery.id), "failed_by": [lottery.organisation(one) for one in silent]}


def back_id(entry_id: UUID) -> UUID:
    """The id of the posting that gives an entry's points back."""
    return ids.derive(entry_id, "back")


async def _fail(session: AsyncSession, lottery: Lottery, silent: list[Party]) -> None:
    now = clock.now()
    undo = {back_id(one.id): one.id for one in await _entries(session, lottery.id) if one.points}
    if undo:
        await spending.give_back_many(session, undo=undo, happened_at=now)
    index = await log.append(session, kind=FAILED, body=failed_body(lottery, silent))
    given = {
        "lottery": lottery.id,
        "outcome": "failed",
        "seed": None,
        "failed_by": silent,
        "at": now,
        "log_index": index,
    }
    await session.execute(queries.RESULT, given)


async def settle_due(db: Database) -> int:
    """Close every lottery whose time has come, and then settle it; answers how many were looked at."""
    async with db.transaction() as session:
        due = (await session.execute(queries.DUE, {"now": clock.now()})).scalars().all()
    for verb in (close, settle):
        for lottery_id in due:
            try:
                async with db.transaction() as session:
                    await verb(session, lottery_id=lottery_id)
            except DomainError as error:  # one that cannot be settled does not hold up the others
                _log.error("lottery does not settle", lottery=str(lottery_id), exc_info=error)
    return len(due)


async def lottery_of(session: AsyncSession, *, lottery_id: UUID, programme: str | None = None) -> Lottery:
    """One lottery; one of another programme is unknown. Raises LotteryUnknown."""
    row = (await session.execute(queries.ONE, {"id": lottery_id})).one_or_none()
    if row is None or programme not in {None, row.programme}:
        raise LotteryUnknown
    return lottery_from(row)


async def lotteries_of(
    session: AsyncSession, *, programme: str, limit: int = 50, after: Position | None = None
) -> list[Lottery]:
    """A programme's lotteries, the newest first."""
    given = {"programme": programme, **_page(limit, after)}
    return [lottery_from(row) for row in await session.execute(queries.OF_PROGRAMME, given)]


async def lotteries_of_party(
    session: AsyncSession, *, organisation_id: UUID, limit: int = 50, after: Position | None = None
) -> list[Lottery]:
    """Lotteries of which an organisation is one of the two parties, the newest first."""
    given = {"organisation": organisation_id, **_page(limit, after)}
    return [lottery_from(row) for row in await session.execute(queries.OF_PARTY, given)]


async def own_entries(session: AsyncSession, *, lottery_id: UUID, participant_id: UUID) -> list[Entry]:
    """A participant's entries of a lottery, in order."""
    given = {"lottery": lottery_id, "participant": participant_id}
    return [Entry(**row._mapping) for row in await session.execute(queries.OWN_ENTRIES, given)]  # noqa: SLF001


async def entries_counted(session: AsyncSession, *, lottery_id: UUID) -> int:
    """How many entries a lottery has."""
    given = {"lottery": lottery_id, "participant": None}
    return int((await session.execute(queries.COUNTED, given)).one().entries)


async def winners_of(session: AsyncSession, *, lottery_id: UUID) -> list[Won]:
    """Who won what, by place; nobody before the draw."""
    rows = await session.execute(queries.WINNERS, {"lottery": lottery_id})
    return [Won(**row._mapping) for row in rows]  # noqa: SLF001


async def _party(session: AsyncSession, lottery_id: UUID, staff_id: UUID) -> tuple[Lottery, Party, UUID]:
    await _lock(session, lottery_id)
    lottery = await lottery_of(session, lottery_id=lottery_id)
    person = await staff.staff_member(session, staff_id=staff_id)
    party = lottery.party_of(person.organisation_id)
    if party is None or not person.active:
        raise LotteryUnknown
    return lottery, party, person.organisation_id


async def _entries(session: AsyncSession, lottery_id: UUID) -> list[Entry]:
    rows = await session.execute(queries.ENTRIES, {"lottery": lottery_id})
    return [Entry(**row._mapping) for row in rows]  # noqa: SLF001


async def _lock(session: AsyncSession, lottery_id: UUID) -> None:
    await session.execute(queries.LOCK, {"lottery": str(lottery_id)})


def lottery_from(row: Any) -> Lottery:
    """A lottery as its row says."""
    fields = dict(row._mapping)  # noqa: SLF001
    return Lottery(
        **fields
        | {
            "prizes": tuple(Prize(**one) for one in row.prizes),
            "commitments": {party: bytes.fromhex(one) for party, one in (row.commitments or {}).items()},
            "secrets": {party: bytes.fromhex(one) for party, one in (row.secrets or {}).items()},
            "failed_by": tuple(row.failed_by),
        }
    )


def _page(limit: int, after: Position | None) -> dict[str, object]:
    at, lottery_id = after or (None, None)
    return {"limit": limit, "before": at, "before_id": lottery_id}
