"""Where all of my grams went: in pools, in batches, in numbered tonnes and with whom, or taken out.

The sums are those of the acts' own journeys, each gram once. What is told of numbers is in the public log; how many of
the grams are mine is told to me alone.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.certification.whereabouts import Inside, Whereabouts, whereabouts
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.quantities import Grams
from backend.kit.schemas import Told
from backend.transparency import Status, mine
from backend.transparency.access import Followed
from mobile_api.acts import WHY_NOT_POOLED

router = Router(prefix="/journeys", tags=["acts"])


class State(enum.StrEnum):
    """Where grams can be; the last six are those of numbered tonnes."""

    UNCREDITED = "uncredited"
    WITHDRAWN = "withdrawn"
    POOLED = "pooled"
    FROZEN = "frozen"
    REJECTED = "rejected"
    CARRIED = "carried"
    ISSUED = "issued"
    HELD = "held"
    LOCKED = "locked"
    BRIDGED = "bridged"
    PLEDGED = "pledged"
    SURRENDERED = "surrendered"
    CANCELLED = "cancelled"


TEXTS: dict[State, tuple[str, str]] = {
    State.UNCREDITED: ("没有进入核证池。", "In no pool."),
    State.WITHDRAWN: ("所属行为已不再计算。", "The acts no longer count."),
    State.POOLED: ("在核证池中，等待监测期结束。", "In a pool; its period is not closed yet."),
    State.FROZEN: ("已进入批次，正在核查。", "In a batch that is being verified."),
    State.REJECTED: ("核查时被剔除或扣减。", "Taken out when the batch was verified."),
    State.CARRIED: ("不足一吨的余量，结转至下一批次。", "Less than a tonne was left over: carried to the next batch."),
    State.ISSUED: ("已签发，公开日志尚未说明其去向。", "Issued; the public log does not say yet with whom."),
    State.HELD: ("已签发，由持有人持有。", "Issued, and held by the owner."),
    State.LOCKED: ("已签发，正在转入交易市场登记簿。", "Issued, on the way to a market's book."),
    State.BRIDGED: ("已转入交易市场登记簿。", "In a market's book."),
    State.PLEDGED: ("已预留用于履约。", "Set aside for a compliance year."),
    State.SURRENDERED: ("已用于企业清缴。", "Surrendered by an enterprise."),
    State.CANCELLED: ("已注销。", "Cancelled, for good."),
}  # fmt: skip


class ShareTold(Told):
    """Grams that stand alike. `holder` and `compliance_year` are told of numbered tonnes, `because` of what is in no pool."""

    state: State
    text: str
    because: str | None
    because_text: str | None
    holder: str | None = Field(
        description="The organisation that holds, surrendered or cancelled the tonnes."
    )
    compliance_year: int | None
    reduction_g: Grams
    tonnes: int = Field(
        description="In how many numbered tonnes these grams are; others have a part in them."
    )


class BatchTold(Told):
    """What one batch has of mine: `frozen_g` of my acts, and what became of them and of what was carried here."""

    batch: UUID
    project: str
    methodology: str
    vintage_year: int
    demo: bool
    state: Literal["frozen", "issued"]
    acts: int
    frozen_g: int
    open_g: int = Field(description="Waiting to be verified and issued.")
    rejected_g: int
    carried_g: int = Field(description="Behind the last whole tonne, and in no later batch that was issued.")
    numbered_g: int = Field(
        description="In numbered tonnes of this batch, with what an earlier one carried here."
    )


class JourneysTold(Told):
    """Where all of my grams are, each gram once: `total_g` is the sum of `shares`."""

    total_g: int
    shares: list[ShareTold]
    batches: list[BatchTold]
    as_of_entries: int = Field(description="How many entries of the log this answer knows.")


class SerialTold(Told):
    """One numbered tonne that has grams of mine."""

    serial: str
    batch: UUID
    reduction_g: Grams = Field(description="How many of its million grams are mine.")
    state: State
    book: str
    market: str | None
    holder: str | None
    compliance_year: int | None
    methodology: str | None
    vintage_year: int | None


@dataclass
class _Share:
    grams: int = 0
    numbers: set[tuple[str, int]] = field(default_factory=set)


_Kind = tuple[State, str | None, str | None, int | None]


@router.get("", responses=problems(Unauthenticated))
async def follow_grams(citizen: SignedInCitizen, session: Followed) -> JourneysTold:
    """Where all of my grams went: pools, batches, tonnes, by whom and for which year they were used, and what was taken out."""
    found = await whereabouts(session, participant_id=citizen.id)
    shares = await _shares(session, found)
    return JourneysTold(
        total_g=sum(share.grams for share in shares.values()),
        shares=[
            ShareTold(
                state=state,
                text=_in_words(TEXTS[state]),
                because=because,
                because_text=None
                if because is None
                else _in_words(WHY_NOT_POOLED.get(because, (because, because))),
                holder=holder,
                compliance_year=year,
                reduction_g=share.grams,
                tonnes=len(share.numbers),
            )
            for (state, because, holder, year), share in sorted(shares.items(), key=_order)
        ],
        batches=[_batch_told(one) for one in found.inside],
        as_of_entries=await mine.as_of(session),
    )


@router.get("/serials", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_serials(citizen: SignedInCitizen, session: Followed, asked: Paging) -> Page[SerialTold]:
    """The numbered tonnes that have grams of mine, and how each stands: batch by batch, in the order of their numbers."""
    after = asked.after(datetime, UUID, int)
    found = await whereabouts(session, participant_id=citizen.id)
    rows: list[_Row] = []
    for one in found.inside:
        if len(rows) < asked.fetch and (after is None or (one.batch.closed_at, one.batch.id) >= after[:2]):
            standings = await mine.standing_of(session, batch=str(one.batch.id), grams=dict(one.by_number))
            rows += [
                (one, standing) for standing in standings if after is None or _place((one, standing)) > after
            ]
    return asked.page(rows[: asked.fetch], position=_place, show=_serial_told)


_Row = tuple[Inside, mine.Standing]


def _place(row: _Row) -> tuple[datetime, UUID, int]:
    one, standing = row
    return one.batch.closed_at, one.batch.id, standing.number


async def _shares(session: AsyncSession, found: Whereabouts) -> dict[_Kind, _Share]:
    shares: dict[_Kind, _Share] = defaultdict(_Share)
    for outside in found.outside:
        shares[State(outside.state), outside.because, None, None].grams += outside.grams
    for one in found.inside:
        for state, grams in (
            (State.FROZEN, one.open_g),
            (State.REJECTED, one.rejected_g),
            (State.CARRIED, one.carried_g),
        ):
            if grams:
                shares[state, None, None, None].grams += grams
        untold = sum(one.by_number.values())
        for standing in await mine.standing_of(session, batch=str(one.batch.id), grams=dict(one.by_number)):
            run = standing.run
            share = shares[_state(run.status), None, run.holder, run.compliance_year]
            share.grams += standing.grams
            share.numbers.add((run.line, standing.number))
            untold -= standing.grams
        if untold:
            shares[State.ISSUED, None, None, None].grams += untold
    return shares


def _batch_told(one: Inside) -> BatchTold:
    series = one.batch.series
    return BatchTold(
        batch=one.batch.id,
        project=series.project,
        methodology=series.methodology,
        vintage_year=series.vintage_year,
        demo=series.demo,
        state="frozen" if one.issuance is None else "issued",
        acts=one.acts,
        frozen_g=one.frozen_g,
        open_g=one.open_g,
        rejected_g=one.rejected_g,
        carried_g=one.carried_g,
        numbered_g=sum(one.by_number.values()),
    )


def _serial_told(row: _Row) -> SerialTold:
    one, standing = row
    run = standing.run
    return SerialTold(
        serial=standing.serial,
        batch=one.batch.id,
        reduction_g=standing.grams,
        state=_state(run.status),
        book=run.book,
        market=run.market,
        holder=run.holder,
        compliance_year=run.compliance_year,
        methodology=run.methodology,
        vintage_year=run.vintage_year,
    )


def _state(status: Status) -> State:
    return State(status.value)


def _order(item: tuple[_Kind, _Share]) -> tuple[int, str, str, int]:
    (state, because, holder, year), _ = item
    return list(State).index(state), because or "", holder or "", year or 0


def _in_words(texts: tuple[str, str]) -> str:
    zh, en = texts
    return zh if i18n.language() == "zh" else en
