"""A means that somebody else holds passes to whoever shows its operator's code, unless the holder objects within a week.

What was done while it was held stays its holder's. If they object, a person of the operator decides. It is about one holding: when that
ends in any other way (let go, lost, replaced, closed, joined), there is nothing left to take over, and whoever asked links it like anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.locks import take_turns
from backend.identity.means import queries, service
from backend.identity.means.errors import (
    HoldingUnknown,
    LinkCodeWrong,
    TakeoverEnded,
    TakeoverNotYet,
    TakeoverUnknown,
    TakeoverWaits,
    TooManyLinkAttempts,
)
from backend.identity.means.numbers import means_token
from backend.identity.means.tables import Holding, Proof
from backend.kit import clock, ids
from backend.kit.settings import Keys

MAY_OBJECT = timedelta(days=7)
MOST_TAKEOVERS = 3  # of one holding
COMPLETED_WITHIN = timedelta(days=30)  # once it can be; others may ask then
State = Literal["waiting", "objected", "granted", "refused", "withdrawn", "ended", "done"]
_OVER = frozenset({"refused", "withdrawn", "ended", "done"})


@dataclass(frozen=True, slots=True)
class Takeover:
    """Somebody wants to hold what another one holds. `holder_id` and `taker_id` are for telling each of them, never of each other.

    It has `ended` when the holding ended in another way, or nobody completed it in time.
    """

    id: UUID
    holding_id: int
    holder_id: UUID
    taker_id: UUID
    kind: str
    operator: str
    asked_at: datetime
    objects_until: datetime
    state: State
    objection: str | None


async def ask(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    kind: str,
    operator: str,
    number: str,
    code: str,
) -> Takeover:
    """Ask for what somebody else holds. Asking again answers the one that stands. Spend an attempt first.

    Raises LinkCodeWrong, HoldingUnknown where nobody else holds it, TakeoverWaits, TooManyLinkAttempts after three of one holding.
    """
    if service.day_of_code(keys, kind=kind, operator=operator, number=number, code=code) is None:
        raise LinkCodeWrong
    standing = await queries.open_holding(session, token=means_token(keys, kind, operator, number))
    if standing is None or standing.participant_id == participant_id:
        raise HoldingUnknown
    await take_turns(session, f"takeover:{standing.id}")
    if not await queries.keep_holding(session, holding_id=standing.id):
        raise HoldingUnknown
    last = await queries.last_takeover(session, holding_id=standing.id)
    if last is not None and _state(last) not in _OVER:
        if last.taker_id != participant_id:
            raise TakeoverWaits
        return _takeover(last)
    if last is not None and last.number >= MOST_TAKEOVERS:
        raise TooManyLinkAttempts
    now = clock.now()
    await queries.add_takeover(
        session,
        id=ids.uuid7(),
        holding_id=standing.id,
        number=1 if last is None else last.number + 1,
        taker_id=participant_id,
        asked_at=now,
        objects_until=now + MAY_OBJECT,
    )
    return _takeover(await queries.last_takeover(session, holding_id=standing.id))


async def object_to(session: AsyncSession, *, participant_id: UUID, holding_id: int, reason: str) -> Takeover:
    """The holder objects, within the week: a person decides. Again changes nothing. Raises TakeoverUnknown, TakeoverEnded."""
    await take_turns(session, f"takeover:{holding_id}")
    found = await queries.last_takeover(session, holding_id=holding_id)
    if found is None or found.participant_id != participant_id:
        raise TakeoverUnknown
    state = _state(found)
    if state in _OVER:
        raise TakeoverEnded
    if state == "waiting":
        if clock.now() >= found.objects_until:
            raise TakeoverEnded
        await _step(session, found.id, "objected", reason)
    return _takeover(await queries.last_takeover(session, holding_id=holding_id))


async def withdraw(session: AsyncSession, *, takers: Sequence[UUID], takeover_id: UUID) -> Takeover:
    """Whoever asked for it does no more. Again changes nothing. Raises TakeoverUnknown, TakeoverEnded."""
    found = await _locked(session, takeover_id)
    if found.taker_id not in takers:
        raise TakeoverUnknown
    state = _state(found)
    if state in _OVER - {"withdrawn"}:
        raise TakeoverEnded
    if state != "withdrawn":
        await _step(session, takeover_id, "withdrawn", "")
    return _takeover(await queries.takeover(session, takeover_id))


async def withdraw_all(session: AsyncSession, *, taker_id: UUID, holder_id: UUID | None = None) -> None:
    """Withdraw everything that somebody asked for who leaves, or what they asked for of one holder: the two turned out to be one."""
    undecided = await queries.undecided_of(session, taker=taker_id, holder=holder_id)
    await take_turns(session, *(f"takeover:{one.holding_id}" for one in undecided))
    for one in await queries.undecided_of(session, taker=taker_id, holder=holder_id):
        await _step(session, one.id, "withdrawn", "")


async def decide(
    session: AsyncSession, *, takeover_id: UUID, granted: bool, reason: str, by: UUID
) -> Takeover:
    """A person of the operator decides after an objection. Raises TakeoverUnknown, TakeoverNotYet, TakeoverEnded."""
    found = await _locked(session, takeover_id)
    state = _state(found)
    if state == "waiting":
        raise TakeoverNotYet
    if state != "objected" or not await queries.keep_holding(session, holding_id=found.holding_id):
        raise TakeoverEnded
    await _step(session, takeover_id, "granted" if granted else "refused", reason, by=by)
    return _takeover(await queries.takeover(session, takeover_id))


async def complete(
    session: AsyncSession,
    keys: Keys,
    *,
    participant_id: UUID,
    takeover_id: UUID,
    kind: str,
    operator: str,
    number: str,
    also: Sequence[UUID] = (),
) -> tuple[Holding, Takeover]:
    """Hold it from now on, once the week is over without objection or a person granted it; the holder's holding ends now.

    `also`: accounts that ended in the participant's, and may have asked. Raises TakeoverUnknown, TakeoverNotYet, TakeoverEnded.
    """
    found = await _locked(session, takeover_id)
    if found.taker_id not in {participant_id, *also} or found.token != means_token(
        keys, kind, operator, number
    ):
        raise TakeoverUnknown
    state = _state(found)
    if state in _OVER:
        raise TakeoverEnded
    if state == "objected" or (state == "waiting" and clock.now() < found.objects_until):
        raise TakeoverNotYet
    if found.participant_id == participant_id or not await queries.keep_holding(
        session, holding_id=found.holding_id
    ):
        raise TakeoverEnded
    await queries.close(session, ids=[found.holding_id], now=clock.now())
    last = await queries.last_held_until(session, token=found.token)
    assert last is not None
    made = await service.link(
        session,
        keys,
        participant_id=participant_id,
        kind=kind,
        operator=operator,
        number=number,
        held_from=last,
        proof=Proof.PARTNER_CODE,
        proof_reference=f"takeover {takeover_id}",
    )
    await _step(session, takeover_id, "done", "")
    return made, _takeover(await queries.takeover(session, takeover_id))


async def asked_by(
    session: AsyncSession, *, takers: Sequence[UUID], before: UUID | None, limit: int
) -> list[Takeover]:
    """What these accounts asked for, the newest first."""
    return [
        _takeover(row)
        for row in await queries.takeovers_of(session, takers=takers, before=before, limit=limit)
    ]


async def objected(session: AsyncSession, *, after: UUID | None, limit: int) -> list[Takeover]:
    """What waits for a decision, the oldest first."""
    return [_takeover(row) for row in await queries.takeovers_objected(session, after=after, limit=limit)]


async def _locked(session: AsyncSession, takeover_id: UUID) -> Row[Any]:
    found = await queries.takeover(session, takeover_id)
    if found is None:
        raise TakeoverUnknown
    await take_turns(session, f"takeover:{found.holding_id}")
    stands = await queries.takeover(session, takeover_id)
    assert stands is not None
    return stands


async def _step(
    session: AsyncSession, takeover_id: UUID, step: str, reason: str, *, by: UUID | None = None
) -> None:
    await queries.step_takeover(
        session, takeover_id=takeover_id, step=step, reason=reason, decided_by=by, stepped_at=clock.now()
    )


def _state(row: Row[Any]) -> State:
    if row.step in _OVER:
        said: State = row.step
        return said
    ready = {None: row.objects_until, "granted": row.granted_at}.get(row.step)
    if row.held_until is not None or (ready is not None and clock.now() >= ready + COMPLETED_WITHIN):
        return "ended"
    return row.step or "waiting"


def _takeover(row: Row[Any] | None) -> Takeover:
    assert row is not None
    return Takeover(
        id=row.id,
        holding_id=row.holding_id,
        holder_id=row.participant_id,
        taker_id=row.taker_id,
        kind=row.kind,
        operator=row.operator,
        asked_at=row.asked_at,
        objects_until=row.objects_until,
        state=_state(row),
        objection=row.objection,
    )
