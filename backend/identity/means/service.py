"""Linking cards, accounts and meters to their holders, one holder at a time."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people
from backend.identity.means import queries
from backend.identity.means.errors import (
    HeldInTheFuture,
    HoldingUnknown,
    LinkCodeWrong,
    MeansHeld,
    TooManyLinkAttempts,
    TooOftenTold,
    TripsWrong,
)
from backend.identity.means.numbers import check_names, link_code, means_token, means_tokens
from backend.identity.means.tables import Holding, Listed, Proof
from backend.identity.sealing import seal, unseal
from backend.kit import clock, ids
from backend.kit.settings import Keys

ATTEMPTS_A_DAY = (
    10  # by one participant, and on one number: eight digits are then guessed once in five million days
)
REACHES_BACK = timedelta(days=90)  # how long acts wait for whoever turns out to hold their means
TRIPS_REACH_BACK = timedelta(days=30)
ATTEMPTS_OF_TRIPS = (
    3  # of those a day that telling trips takes: whoever knows somebody's habits guesses better than at codes
)
TRIPS_TOLD_A_MONTH = 3  # of one number, by whomever: who watches somebody commute guesses again tomorrow
_HINT_CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class LinkedList:
    """What became of a partner's list; received = linked + already + held_by_others."""

    received: int
    linked: int
    already: int
    held_by_others: int


async def link(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    kind: str,
    operator: str,
    number: str,
    held_from: datetime,
    proof: Proof = Proof.PARTNER_LIST,
    proof_reference: str,
) -> Holding:
    """Record that the participant holds this means from `held_from` (aware) on.

    Linking again what the participant already holds answers the holding that stands.
    """
    check_names(kind, operator, number)
    if held_from > clock.now():
        raise HeldInTheFuture
    await people.participant_of(session, participant_id=participant_id)
    token = means_token(keys, kind, operator, number)
    data_key = await people.data_key(session, keys, participant_id=participant_id)
    hint = _seal_hint(data_key, number, participant_id)
    await queries.name_means(session, tokens=[token], kind=kind, operator=operator)
    await queries.hold_many(
        session,
        tokens=[token],
        participants=[participant_id],
        held_from=[held_from],
        hints=[hint],
        proof=proof.value,
        proof_reference=proof_reference,
        linked_at=clock.now(),
    )
    standing = await queries.open_holding(session, token=token)
    if standing is None or standing.participant_id != participant_id:
        raise MeansHeld
    return _holding(standing, data_key)


async def link_list(
    session: AsyncSession,
    keys: Keys,
    *,
    kind: str,
    operator: str,
    lines: Sequence[Listed],
    proof_reference: str,
) -> LinkedList:
    """Link every line of an operator's own list; sending the list again changes nothing."""
    check_names(kind, operator)
    for line in lines:
        check_names(kind, operator, line.number)
    if any(line.held_from > clock.now() for line in lines):
        raise HeldInTheFuture
    tokens = [
        UUID(bytes=token) for token in means_tokens(keys, kind, operator, [line.number for line in lines])
    ]
    participants = [line.participant_id for line in lines]
    if not await people.all_exist(session, participant_ids=participants):
        raise people.ParticipantUnknown
    await queries.name_means(session, tokens=tokens, kind=kind, operator=operator)
    linked = await queries.hold_many(
        session,
        tokens=tokens,
        participants=participants,
        held_from=[line.held_from for line in lines],
        hints=[None] * len(lines),
        proof=Proof.PARTNER_LIST.value,
        proof_reference=proof_reference,
        linked_at=clock.now(),
    )
    theirs = await queries.count_held_by_them(session, tokens=tokens, participants=participants)
    return LinkedList(
        received=len(lines),
        linked=len(linked),
        already=theirs - len(linked),
        held_by_others=len(lines) - theirs,
    )


async def count_link_attempt(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    kind: str,
    operator: str,
    number: str,
    times: int = 1,
) -> None:
    """Spend one of today's attempts, or several at once, before what is shown is looked at.

    The caller's transaction must be committed even when the code turns out wrong, or guessing is free.
    """
    check_names(kind, operator, number)
    for subject in sorted((participant_id, means_token(keys, kind, operator, number))):
        if (
            await queries.count_attempt(session, subject=subject, day=clock.today(), times=times)
            > ATTEMPTS_A_DAY
        ):
            raise TooManyLinkAttempts


async def count_trips_told(
    session: AsyncSession, keys: Keys, *, kind: str, operator: str, number: str
) -> None:
    """Spend one of the month's times that the trips of a number may be told, beside an attempt. Raises TooOftenTold.

    It is kept under the first day of the next month, and forgotten with that day's attempts.
    """
    subject = ids.derive(means_token(keys, kind, operator, number), "trips told")
    until = (clock.today().replace(day=1) + timedelta(days=32)).replace(day=1)
    if await queries.count_attempt(session, subject=subject, day=until, times=1) > TRIPS_TOLD_A_MONTH:
        raise TooOftenTold


async def forget_old_attempts(session: AsyncSession) -> None:
    """Remove the counts of past days."""
    await queries.forget_attempts(session, before=clock.today())


def day_of_code(keys: Keys, *, kind: str, operator: str, number: str, code: str) -> date | None:
    """Today or yesterday, whichever the operator's code is of; None when it is no code of this number."""
    check_names(kind, operator, number)
    for days_ago in (0, 1):
        day = clock.today() - timedelta(days=days_ago)
        right = link_code(keys, kind=kind, operator=operator, number=number, day=day)
        if hmac.compare_digest(right.encode(), code.encode()):
            return day
    return None


async def link_with_code(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    kind: str,
    operator: str,
    number: str,
    code: str,
) -> Holding:
    """Link a means by the operator's code of today or yesterday. Spend an attempt with `count_link_attempt` first.

    Whoever can show the code is taken to have held the means for 90 days, or since its last holder let it go; one that was
    lost, from now on, so that nobody earns by what its finder did.
    """
    day = day_of_code(keys, kind=kind, operator=operator, number=number, code=code)
    if day is None:
        raise LinkCodeWrong
    begins = datetime.combine(day, time(), tzinfo=clock.SHANGHAI) - REACHES_BACK
    token = means_token(keys, kind, operator, number)
    if await queries.is_lost(session, token=token):
        begins = clock.now()
    last = await queries.last_held_until(session, token=token)
    return await link(
        session,
        keys,
        participant_id=participant_id,
        kind=kind,
        operator=operator,
        number=number,
        held_from=max(begins, last) if last is not None else begins,
        proof=Proof.PARTNER_CODE,
        proof_reference=f"code of {day.isoformat()}",
    )


async def link_by_trips(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, kind: str, operator: str, number: str
) -> Holding:
    """Link a means to whoever told rightly when its last trips were: theirs for 30 days, or since its last holder.

    Spend attempts first. Raises TripsWrong for one that was lost: that takes its operator's word.
    """
    check_names(kind, operator, number)
    token = means_token(keys, kind, operator, number)
    if await queries.is_lost(session, token=token):
        raise TripsWrong
    begins = clock.now() - TRIPS_REACH_BACK
    last = await queries.last_held_until(session, token=token)
    return await link(
        session,
        keys,
        participant_id=participant_id,
        kind=kind,
        operator=operator,
        number=number,
        held_from=max(begins, last) if last is not None else begins,
        proof=Proof.LAST_TRIPS,
        proof_reference="the last three trips",
    )


async def close_holding(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, holding_id: int
) -> Holding:
    """End a holding now; ending it again answers the same. Another's holding is unknown."""
    found = await queries.one_holding(session, holding_id=holding_id, participant_id=participant_id)
    if found is None:
        raise HoldingUnknown
    if found.held_until is None:
        await queries.close(session, ids=[holding_id], now=clock.now())
        found = await queries.one_holding(session, holding_id=holding_id, participant_id=participant_id)
        assert found is not None
    return _holding(found, await people.data_key(session, keys, participant_id=participant_id))


async def close_all(session: AsyncSession, *, participant_id: UUID) -> None:
    """End every holding of a participant now."""
    ids = await queries.open_ids_of(session, participant_id=participant_id)
    await queries.close(session, ids=ids, now=clock.now())


async def holdings_of(
    session: AsyncSession, keys: Keys, *, participant_id: UUID, after: int = 0, limit: int = 100
) -> list[Holding]:
    """The participant's holdings, past ones too, in the order linked; at most `limit` after the id `after`."""
    data_key = await people.data_key(session, keys, participant_id=participant_id)
    rows = await queries.holdings_of(session, participant_id=participant_id, after=after, limit=limit)
    return [_holding(row, data_key) for row in rows]


async def holder_at(session: AsyncSession, *, token: UUID, at: datetime) -> UUID | None:
    """Who held the means with this token at that moment; None when nobody did."""
    return await queries.holder_at(session, token=token, at=at)


def _seal_hint(data_key: bytes | None, number: str, participant_id: UUID) -> bytes | None:
    if data_key is None or len(number.strip()) <= _HINT_CHARACTERS:
        return None
    hint = number.strip()[-_HINT_CHARACTERS:]
    return seal(data_key, hint.encode(), belongs_to=b"hint" + participant_id.bytes)


def _holding(row: Row[Any], data_key: bytes | None) -> Holding:
    hint = None
    if data_key is not None and row.hint_sealed is not None:
        hint = unseal(data_key, row.hint_sealed, belongs_to=b"hint" + row.participant_id.bytes).decode()
    return Holding(
        id=row.id,
        kind=row.kind,
        operator=row.operator,
        participant_id=row.participant_id,
        held_from=row.held_from,
        held_until=row.held_until,
        proof=Proof(row.proof),
        linked_at=row.linked_at,
        hint=hint,
    )
