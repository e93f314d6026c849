"""Lotteries of a programme: what can be won, entering, and who won, by handle."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, programmes
from backend.engagement import lotteries
from backend.engagement.lotteries import Entry, Lottery, Won
from backend.identity.guardians import NotAllowedByGuardian
from backend.identity.proving import NotRedeemable
from backend.kit import clock, i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, Registered
from mobile_api import names

router = Router(prefix="/programmes/{programme}/lotteries", tags=["lotteries"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff)


class PrizeTold(Told):
    """A prize, and how many of it there are, in the order of drawing."""

    id: str
    title: str
    count: int


class EntryTold(Told):
    """An entry of mine: `label` is what others see of it."""

    label: str
    points: int
    entered_at: datetime

    @classmethod
    def of(cls, one: Entry) -> EntryTold:
        return cls(label=one.label, points=one.points, entered_at=one.entered_at)


class WinnerTold(Told):
    """Who won what. `name` is there only where the winner agreed to be shown."""

    place: int
    prize: str
    label: str
    mine: bool
    name: str | None


class LotteryTold(Told):
    """A lottery. Its whole proof is public, at `/public/v1/lotteries/<id>`."""

    id: UUID
    reward: str
    operator: str
    second_party: str
    price_points: int
    most_per_person: int | None
    one_prize_per_person: bool
    prizes: list[PrizeTold]
    enter_from: datetime
    enter_until: datetime
    reveal_until: datetime
    state: str = Field(
        description="`committing` and `waiting`: not open yet; `entering`; `revealing`: entries are fixed; `drawn`; `failed`: "
        "a party stayed silent, and all points went back."
    )
    failed_by: list[str]

    @classmethod
    def of(cls, one: Lottery) -> LotteryTold:
        chinese = i18n.language() == "zh"
        return cls(
            id=one.id,
            reward=one.reward,
            operator=one.operator,
            second_party=one.second,
            price_points=one.points,
            most_per_person=one.most_per_person,
            one_prize_per_person=one.one_prize_per_person,
            prizes=[
                PrizeTold(id=prize.id, title=prize.zh if chinese else prize.en, count=prize.count)
                for prize in one.prizes
            ],
            enter_from=one.enter_from,
            enter_until=one.enter_until,
            reveal_until=one.reveal_until,
            state=one.state_at(clock.now()),
            failed_by=[one.organisation(party) for party in one.failed_by],
        )


class LotteryWhole(LotteryTold):
    """A lottery with its entries counted, mine, and the winners once it is drawn."""

    entries: int
    mine: list[EntryTold]
    winners: list[WinnerTold]


async def _running(session: AsyncSession, code: str) -> Registered:
    running = await programmes.programme_of(session, code=code)
    programmes.require(running, "lotteries")
    return running


@router.get("", responses=problems(*_REFUSED, paging.CursorUnusable))
async def list_lotteries(
    programme: Code, _citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[LotteryTold]:
    """The programme's lotteries, the newest first."""
    running = await _running(session, programme)
    after = asked.after(datetime, UUID)
    rows = await lotteries.lotteries_of(
        session,
        programme=running.code,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.opened_at, row.id), show=LotteryTold.of)


@router.get("/{lottery_id}", responses=problems(*_REFUSED, lotteries.LotteryUnknown))
async def get_lottery(
    programme: Code, lottery_id: UUID, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession
) -> LotteryWhole:
    """One lottery, my entries, and who won: by handle, with a name only where the winner agreed to it."""
    running = await _running(session, programme)
    found = await lotteries.lottery_of(session, lottery_id=lottery_id, programme=running.code)
    mine = await lotteries.own_entries(session, lottery_id=found.id, participant_id=citizen.id)
    won = await lotteries.winners_of(session, lottery_id=found.id)
    shown = await names.shown(
        session, settings.keys, programme=running, participants=[one.participant_id for one in won]
    )

    def told(one: Won) -> WinnerTold:
        return WinnerTold(
            place=one.place,
            prize=one.prize,
            label=one.label,
            mine=one.participant_id == citizen.id,
            name=shown.get(one.participant_id),
        )

    return LotteryWhole(
        **LotteryTold.of(found).model_dump(),
        entries=await lotteries.entries_counted(session, lottery_id=found.id),
        mine=[EntryTold.of(one) for one in mine],
        winners=[told(one) for one in won],
    )


@router.post(
    "/{lottery_id}/entries",
    status_code=201,
    responses=problems(
        *_REFUSED,
        lotteries.LotteryUnknown,
        lotteries.NotEntering,
        lotteries.EntriesExhausted,
        NotAllowedByGuardian,
        NotRedeemable,
        ledger.InsufficientBalance,
        *idempotency.REFUSALS,
    ),
)
async def enter_lottery(
    programme: Code, lottery_id: UUID, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> EntryTold:
    """Spend the price on one entry. It stands, also where points are taken back from me later."""
    running = await _running(session, programme)
    entry = await lotteries.enter(
        session, programme=running, lottery_id=lottery_id, participant_id=citizen.id
    )
    return EntryTold.of(entry)
