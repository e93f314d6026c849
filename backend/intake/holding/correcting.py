"""Corrections that a partner sends: an event is taken back, or stands from now on as it should have been sent.

An event is named by its key, or by the facts that were sent, from which the source's mapping makes the same key. What
was corrected before stays named by its first key: whatever stands in its place is what the correction is about.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake.holding import accepting, decisions, queries, service, standing, withdrawing
from backend.intake.holding.errors import ClaimStands, ConsentWithdrawn, OverlapStands, ProgrammeLeft
from backend.intake.holding.model import Facts, Held, NewHeld, Stored, Withdrawn
from backend.intake.holding.reported import read_events
from backend.intake.rows import RowFault
from backend.intake.screening import ScreenRules, rules_for
from backend.intake.sources import Source, source_of
from backend.kit import clock, ids
from backend.kit.db import Database, TransactionCollided
from backend.kit.settings import Keys, Settings
from backend.ledger import InsufficientBalance
from backend.packs import Library
from backend.programmes import programme_of

_TRIES = 5
MOST = 10_000

Outcome = Literal["corrected", "withdrawn", "repeated", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Correction:
    """What a partner asks of one event: `replacement` (the event as it should be) corrects it, None withdraws it.

    The event is named by `claim_key`, or else by `event`, as it was sent. `reference` is the partner's own name of this
    correction, if it has one: the same correction under another reference is another correction.
    """

    reason: str
    claim_key: UUID | None = None
    event: Mapping[str, Any] | None = None
    replacement: Mapping[str, Any] | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class CorrectionAnswer:
    """What became of one correction, by its place in the request.

    `corrected`, `withdrawn`: done now. `repeated`: it was done before. `unchanged`: the event stands like that already.
    `refused`: nothing changed, `code` says why, with `field` and `bound` when the replacement cannot be read:
    `event_unknown`, `withdrawn_before`, `claimed_elsewhere`, `overlaps` (the person travelled elsewhere then, says
    another source), `consent_withdrawn` (the person had said no to the scenario when it happened), `too_late` (the programme takes no act of that day any more), or the code of a row.
    `claim_key` is the key of the act that stands now, `grams` and `points` are its own.
    """

    index: int
    outcome: Outcome
    code: str = ""
    field: str = ""
    bound: str = ""
    claim_key: UUID | None = None
    grams: int = 0
    points: int = 0


async def correct_events(
    db: Database,
    settings: Settings,
    *,
    source: str,
    corrections: Sequence[Correction],
    library: Library,
) -> list[CorrectionAnswer]:
    """Correct or withdraw events that a source sent, each in a transaction of its own; one answer per correction, in order.

    The same request again answers `repeated` and changes nothing. The first report of a corrected event, sent again as an
    event, is a duplicate. An event that is still held is corrected or withdrawn where it waits. Only events of this very
    source are found. Raises SourceUnknown, and the refusals of packs and programme.
    """
    async with db.transaction() as session:
        feed = await source_of(session, source)
        rules = rules_for((await programme_of(session, code=feed.programme)).pack, library)
    named = [one.event for one in corrections if one.claim_key is None and one.event is not None]
    revised = [one.replacement for one in corrections if one.replacement is not None]
    read = iter(await read_events(db, settings, source=feed, events=[*named, *revised], library=library))
    before = [
        next(read) if one.claim_key is None and one.event is not None else one.claim_key
        for one in corrections
    ]
    after = [None if one.replacement is None else next(read) for one in corrections]
    answers = []
    for index, (one, old, new) in enumerate(zip(corrections, before, after, strict=True)):
        key = old.claim_key if isinstance(old, Facts) else old
        if not isinstance(key, UUID):
            answers.append(CorrectionAnswer(index, "refused", "event_unknown"))
        elif isinstance(new, RowFault):
            answers.append(CorrectionAnswer(index, "refused", new.code, new.field, new.bound))
        else:
            answers.append(await _patiently(db, settings.keys, feed, _Asked(index, key, new, one, rules)))
    return answers


@dataclass(frozen=True, slots=True)
class _Asked:
    """One correction, read: the key by which the event is named, and its new facts (None: withdraw)."""

    index: int
    key: UUID
    new: Facts | None
    told: Correction
    rules: ScreenRules | None

    @property
    def too_late(self) -> bool:
        """Whether the programme takes no act of the new day any more."""
        if self.new is None or self.rules is None or self.rules.late_days is None:
            return False
        return clock.day_of(self.new.happened_at) < clock.today() - dt.timedelta(days=self.rules.late_days)

    @property
    def kind(self) -> Literal["corrected", "withdrawn"]:
        return "withdrawn" if self.new is None else "corrected"

    @property
    def digest(self) -> str:
        """What makes it the same correction when it comes again."""
        facts = None
        if self.new is not None:
            new = self.new
            ended = None if new.ended_at is None else new.ended_at.isoformat()
            facts = [
                str(new.claim_key), new.happened_at.isoformat(), ended, str(new.means_token), new.covered,
                dict(new.inputs),
            ]  # fmt: skip
        told = json.dumps([self.kind, self.told.reference, facts], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def answer(self, outcome: Outcome, act: Stored | None = None) -> CorrectionAnswer:
        if act is None:
            return CorrectionAnswer(self.index, outcome)
        return CorrectionAnswer(
            self.index, outcome, claim_key=act.claim_key, grams=act.grams, points=act.points
        )

    def refused(self, code: str, bound: str = "") -> CorrectionAnswer:
        return CorrectionAnswer(self.index, "refused", code, bound=bound)


async def _patiently(db: Database, keys: Keys, feed: Source, asked: _Asked) -> CorrectionAnswer:
    for attempt in range(_TRIES):
        try:
            async with db.transaction() as session:
                return await _correct(session, keys, feed, asked)
        except ClaimStands:
            return asked.refused("claimed_elsewhere")
        except OverlapStands:
            return asked.refused("overlaps")
        except ConsentWithdrawn:
            return asked.refused("consent_withdrawn")
        except ProgrammeLeft:
            return asked.refused("programme_left")
        except (TransactionCollided, InsufficientBalance):
            if attempt == _TRIES - 1:
                raise
            await asyncio.sleep(0.05 * 2**attempt)
    raise AssertionError("unreachable")


async def _correct(session: AsyncSession, keys: Keys, feed: Source, asked: _Asked) -> CorrectionAnswer:
    await standing.lock(session, {asked.key} if asked.new is None else {asked.key, asked.new.claim_key})
    known = await session.execute(
        queries.CORRECTION, {"source": feed.id, "key": asked.key, "digest": asked.digest}
    )
    done = known.one_or_none()
    if done is not None:
        current = None
        if done.replaced_by is not None:
            current = (await standing.stored(session, [done.replaced_by]))[done.replaced_by]
        return asked.answer("repeated", current)
    first = await _first(session, feed, asked.key)
    if first is None:
        return await _correct_held(session, feed, asked)
    last = await standing.last_of_chain(session, first.claim_key)
    if last is None or last.withdrawn:
        return asked.refused("withdrawn_before")
    if (
        last.source_id != feed.id
    ):  # another source's better evidence stands instead: it is that source's to correct
        return asked.refused("claimed_elsewhere")
    await standing.lock(session, {last.claim_key})
    return await _correct_act(session, keys, feed, asked, last)


async def _correct_act(
    session: AsyncSession, keys: Keys, feed: Source, asked: _Asked, last: Stored
) -> CorrectionAnswer:
    """Correct or withdraw the act that stands."""
    if asked.new is None:
        return await _withdraw(session, feed, asked, last)
    if same(last, asked.new):
        return asked.answer("unchanged", last)
    if asked.too_late:
        return asked.refused("too_late", bound=str(asked.rules.late_days if asked.rules else ""))
    correction_id = ids.uuid7()
    new = await service.exchange(
        session,
        keys,
        facts=asked.new,
        label=f"correction:{correction_id}",
        give_way=[last],
        cause="corrected",
        reference=correction_id,
        travel=() if asked.rules is None else asked.rules.travel,
    )
    await _note(session, feed, asked, correction_id, withdrew=last.claim_key, replaced_by=new.claim_key)
    return CorrectionAnswer(
        asked.index, "corrected", claim_key=new.claim_key, grams=new.grams, points=new.points
    )


async def _first(session: AsyncSession, feed: Source, key: UUID) -> Stored | None:
    """The act that this source's event first became: that of the key, or among those that ever stood for the claim."""
    own = [act for act in await standing.family(session, key) if act.source_id == feed.id]
    named = next((act for act in own if act.claim_key == key), None)
    if named is not None:
        return named
    found = (await standing.stored(session, [key])).get(key)
    if found is not None and found.source_id == feed.id:
        return found
    return next((act for act in own if not act.withdrawn), own[-1] if own else None)


async def _withdraw(session: AsyncSession, feed: Source, asked: _Asked, last: Stored) -> CorrectionAnswer:
    correction_id = ids.uuid7()
    await withdrawing.withdraw(session, keys=[last.claim_key], cause="withdrawn", reference=correction_id)
    await _note(session, feed, asked, correction_id, withdrew=last.claim_key)
    return asked.answer("withdrawn")


async def _correct_held(session: AsyncSession, feed: Source, asked: _Asked) -> CorrectionAnswer:
    """An event that waits for a decision is refused where it waits; what it should have been waits in its place."""
    rows = await session.execute(queries.HELD_BY_CLAIM, {"claim_key": asked.key, "source": feed.id})
    waiting = [service.held_of(row) for row in rows]
    if not waiting:
        return asked.refused("event_unknown")
    correction_id = ids.uuid7()
    for row in waiting:
        await decisions.note(
            session, row, ids.uuid7(), outcome="refused", claim_key=None, by_rule=asked.kind, reason=""
        )
    await _note(session, feed, asked, correction_id, held=waiting[0])
    if asked.new is not None:
        await _hold_again(session, asked.new, waiting[0], correction_id)
    return asked.answer("withdrawn" if asked.new is None else "corrected")


async def _hold_again(session: AsyncSession, new: Facts, old: Held, correction_id: UUID) -> None:
    found = await session.execute(queries.HOLDER, {"token": new.means_token, "at": new.happened_at})
    holder = found.scalar_one_or_none()
    named = (await session.execute(queries.ACTIVITIES, {"methods": [new.method_id]})).one()
    await accepting.check_consent(
        session, participant_id=holder, activity=named.activity, happened_at=new.happened_at
    )
    await accepting.check_part(
        session, participant_id=holder, source_id=new.source_id, happened_at=new.happened_at
    )
    moved = old.kind == "claim" and new.claim_key != old.facts.claim_key  # it no longer claims what stands
    row = NewHeld(
        line=1,
        kind="screen" if moved else old.kind,
        code="corrected" if moved else old.code,
        bound=old.bound,
        claim_key=new.claim_key,
        against=None if moved else old.against,
        method_id=new.method_id,
        means_token=new.means_token,
        participant_id=holder,
        happened_at=new.happened_at,
        ended_at=new.ended_at,
        inputs=new.inputs,
        grams=new.grams,
        points=old.points,
        barrier="covered_boundary" if new.covered else None,
    )
    await service.hold_apart(
        session,
        source_id=new.source_id,
        mapping_sha256=new.mapping_sha256,
        label=f"correction:{correction_id}",
        rows=[row],
    )


async def _note(
    session: AsyncSession,
    feed: Source,
    asked: _Asked,
    correction_id: UUID,
    *,
    withdrew: UUID | None = None,
    replaced_by: UUID | None = None,
    held: Held | None = None,
) -> None:
    await session.execute(
        queries.ADD_CORRECTION,
        {
            "id": correction_id,
            "source": feed.id,
            "kind": asked.kind,
            "staff": None,
            "asked_key": asked.key,
            "withdrew": withdrew,
            "held_job": None if held is None else held.job_id,
            "held_line": None if held is None else held.line,
            "replaced_by": replaced_by,
            "digest": asked.digest,
            "reason": asked.told.reason,
            "at": clock.now(),
        },
    )


async def take_back(session: AsyncSession, *, key: UUID, staff_id: UUID, reason: str) -> Withdrawn | None:
    """Withdraw an accepted act as a person of the operator who found that it should not count. None when it was before.

    Raises ActUnknown.
    """
    await standing.lock(session, {key})
    correction_id = ids.uuid7()
    done = await withdrawing.withdraw(session, keys=[key], cause="withdrawn", reference=correction_id)
    if not done:
        return None
    act = (await standing.stored(session, [key]))[key]
    await session.execute(
        queries.ADD_CORRECTION,
        {
            "id": correction_id,
            "source": act.source_id,
            "kind": "withdrawn",
            "staff": staff_id,
            "asked_key": key,
            "withdrew": key,
            "held_job": None,
            "held_line": None,
            "replaced_by": None,
            "digest": hashlib.sha256(f"withdrawn by {staff_id}".encode()).hexdigest(),
            "reason": reason,
            "at": clock.now(),
        },
    )
    return done[0]


def same(act: Stored, new: Facts) -> bool:
    """Whether an act already is what these facts say."""
    own = act.facts
    return (
        (own.claim_key, own.happened_at, own.ended_at, own.means_token, own.method_id)
        == (new.claim_key, new.happened_at, new.ended_at, new.means_token, new.method_id)
        and dict(own.inputs) == dict(new.inputs)
        and (not new.covered or own.covered)
    )
