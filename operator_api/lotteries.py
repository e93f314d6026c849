"""Opening lotteries, and what their two parties do: commit before entries close, reveal after."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from backend import packs, programmes
from backend.engagement import lotteries, rewards
from backend.engagement.lotteries import Lottery
from backend.identity import Role
from backend.identity.organisations import OrganisationUnknown
from backend.kit import clock, idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated, requires
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Sha256, Told
from backend.programmes import FeatureOff, ProgrammeUnknown
from operator_api.access import Operator
from operator_api.moments import Moment
from operator_api.scope import programme_in_sight

router = Router(tags=["lotteries"])

Party = Annotated[Principal, requires(Role.OPERATOR, Role.AUTHORITY, Role.VERIFICATION_BODY, Role.PARTNER)]
_NOT_LET_IN = (Unauthenticated, Forbidden)


class LotteryStart(Asked):
    """A lottery for a reward of the programme's pack. `second_party` commits beside us, so that neither can choose who wins."""

    reward: Code
    second_party: Code = Field(description="The code of an authority, a verification body or a partner.")
    enter_from: Moment
    enter_until: Moment = Field(description="Both commitments have to be there before anybody enters.")
    reveal_until: Moment = Field(
        description="Who has not revealed its secret by then is named, and points go back."
    )
    one_prize_per_person: bool = True


class CommitmentGiven(Asked):
    """SHA-256 of 32 secret random bytes followed by the 16 bytes of the lottery's id, in hex. Keep the secret to yourself."""

    commitment: Sha256


class SecretGiven(Asked):
    """The 32 secret bytes, in hex. They become public."""

    secret: Sha256


class LotteryTold(Told):
    """A lottery, and who has committed and revealed so far."""

    id: UUID
    programme: str
    reward: str
    operator: str
    second_party: str
    price_points: int
    enter_from: datetime
    enter_until: datetime
    reveal_until: datetime
    one_prize_per_person: bool
    state: str
    committed: list[str]
    revealed: list[str]
    failed_by: list[str]

    @classmethod
    def of(cls, one: Lottery) -> LotteryTold:
        return cls(
            id=one.id,
            programme=one.programme,
            reward=one.reward,
            operator=one.operator,
            second_party=one.second,
            price_points=one.points,
            enter_from=one.enter_from,
            enter_until=one.enter_until,
            reveal_until=one.reveal_until,
            one_prize_per_person=one.one_prize_per_person,
            state=one.state_at(clock.now()),
            committed=[one.organisation(party) for party in sorted(one.commitments)],
            revealed=[one.organisation(party) for party in sorted(one.secrets)],
            failed_by=[one.organisation(party) for party in one.failed_by],
        )


@router.post(
    "/programmes/{code}/lotteries",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        ProgrammeUnknown,
        FeatureOff,
        rewards.RewardUnknown,
        rewards.RewardElsewhere,
        packs.ParameterUnknown,
        OrganisationUnknown,
        lotteries.SecondPartyUnfit,
        lotteries.TimesOutOfOrder,
        *idempotency.REFUSALS,
    ),
)
async def open_lottery(
    code: Code, asked: LotteryStart, person: Operator, session: WriteSession, _: IdempotencyKey
) -> LotteryTold:
    """Open a lottery. Its price, prizes and limits are the pack's of this moment; all of it is public at once."""
    programme = await programme_in_sight(session, person, code)
    programmes.require(programme, "lotteries")
    made = await lotteries.open_lottery(
        session,
        programme=programme,
        reward_id=asked.reward,
        second=asked.second_party,
        enter_from=asked.enter_from,
        enter_until=asked.enter_until,
        reveal_until=asked.reveal_until,
        one_prize_per_person=asked.one_prize_per_person,
        opened_by=person.id,
    )
    return LotteryTold.of(made)


@router.get("/lotteries", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_lotteries(person: Party, session: ReadSession, asked: Paging) -> Page[LotteryTold]:
    """Lotteries of which my organisation is one of the two parties, the newest first."""
    assert person.organisation_id is not None
    after = asked.after(datetime, UUID)
    rows = await lotteries.lotteries_of_party(
        session,
        organisation_id=person.organisation_id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.opened_at, row.id), show=LotteryTold.of)


@router.get("/lotteries/{lottery_id}", responses=problems(*_NOT_LET_IN, lotteries.LotteryUnknown))
async def get_lottery(lottery_id: UUID, person: Party, session: ReadSession) -> LotteryTold:
    """One lottery of which my organisation is a party. Everything else about it is public."""
    found = await lotteries.lottery_of(session, lottery_id=lottery_id)
    if found.party_of(person.organisation_id) is None:
        raise lotteries.LotteryUnknown
    return LotteryTold.of(found)


@router.post(
    "/lotteries/{lottery_id}/commitment",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, lotteries.LotteryUnknown, lotteries.CommitmentRefused, *idempotency.REFUSALS
    ),
)
async def commit_to_lottery(
    lottery_id: UUID, asked: CommitmentGiven, person: Party, session: WriteSession, _: IdempotencyKey
) -> LotteryTold:
    """Publish my organisation's commitment, once."""
    found = await lotteries.commit(
        session, lottery_id=lottery_id, staff_id=person.id, commitment=bytes.fromhex(asked.commitment)
    )
    return LotteryTold.of(found)


@router.post(
    "/lotteries/{lottery_id}/secret",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, lotteries.LotteryUnknown, lotteries.RevealRefused, *idempotency.REFUSALS
    ),
)
async def reveal_secret(
    lottery_id: UUID, asked: SecretGiven, person: Party, session: WriteSession, _: IdempotencyKey
) -> LotteryTold:
    """Publish my organisation's secret after entries have closed; with the second one the lottery is drawn."""
    found = await lotteries.reveal(
        session, lottery_id=lottery_id, staff_id=person.id, secret=bytes.fromhex(asked.secret)
    )
    return LotteryTold.of(found)
