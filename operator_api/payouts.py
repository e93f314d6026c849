"""Payouts of benefits in money: asked for by one person of the operator, let go by another."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from backend.identity import approvals
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Sha256, Told
from backend.programmes import ProgrammeUnknown, benefits, payouts
from backend.programmes.errors import NothingToPay, PayoutChanged, PayoutUnknown
from backend.programmes.payouts import Payout
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes", tags=["payouts"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)


class PayoutAsked(Asked):
    """A run for everybody who has at least `least_fen`."""

    least_fen: Annotated[int, Field(ge=1, le=10**9)] = 1


class PayoutTold(Told):
    """A run that was paid; `file_sha256` is of the file that two people signed."""

    id: UUID
    programme: str
    through: date
    people: int
    amount_fen: int
    file_sha256: Sha256
    paid_at: datetime

    @classmethod
    def of(cls, one: Payout) -> PayoutTold:
        return cls(
            id=one.id,
            programme=one.programme,
            through=one.through,
            people=one.people,
            amount_fen=one.amount_fen,
            file_sha256=one.file_sha256,
            paid_at=one.paid_at,
        )


class MoneyTold(Told):
    """What became of every fen: given_fen = waiting_fen + paid_out_fen + expired_fen + reversed_fen - owed_fen."""

    given_fen: int
    waiting_fen: int
    paid_out_fen: int
    expired_fen: int
    reversed_fen: int
    owed_fen: int


class OwedTold(Told):
    """Money that waits for a payout, by the day on which it lapses; null is never."""

    expires_on: date | None
    amount_fen: int
    lots: int


class BenefitsTold(Told):
    """A programme's benefits in money, now."""

    money: MoneyTold
    liability: list[OwedTold]


@router.get("/{code}/benefits", responses=problems(*_NOT_LET_IN))
async def get_benefits(code: Code, person: OperatorOrAuthority, session: ReadSession) -> BenefitsTold:
    """What became of the money that the programme gave, and what it still owes by the day on which that lapses."""
    programme = await programme_in_sight(session, person, code)
    found = await benefits.money_identity(session, programme=programme.code)
    owed = await benefits.liability_of(session, programme=programme.code)
    return BenefitsTold(
        money=MoneyTold(
            given_fen=found.given,
            waiting_fen=found.waiting,
            paid_out_fen=found.paid_out,
            expired_fen=found.expired,
            reversed_fen=found.reversed,
            owed_fen=found.owed,
        ),
        liability=[OwedTold(expires_on=one.expires_on, amount_fen=one.points, lots=one.lots) for one in owed],
    )


@router.post(
    "/{code}/payouts/proposals",
    status_code=201,
    responses=problems(*_NOT_LET_IN, NothingToPay, approvals.ActNeedsRole, *idempotency.REFUSALS),
)
async def propose_payout(
    code: Code, asked: PayoutAsked, person: Operator, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for everything to be paid out that citizens have now; a second person has to agree to the very lines."""
    programme = await programme_in_sight(session, person, code)
    act = await payouts.propose(
        session, programme=programme, proposed_by=person.id, least_fen=asked.least_fen
    )
    return ActTold.of(act)


@router.post(
    "/{code}/payouts/proposals/{act_id}/approval",
    responses=problems(*_NOT_LET_IN, *UNDECIDABLE, PayoutChanged),
)
async def approve_payout(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> PayoutTold:
    """Agree, as the second person; the money leaves the citizens' accounts, and the file may be fetched."""
    programme = await programme_in_sight(session, person, code)
    done = await payouts.approve(
        session,
        programme=programme,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return PayoutTold.of(done)


@router.post("/{code}/payouts/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_payout(
    code: Code, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn a run down, as the second person."""
    programme = await programme_in_sight(session, person, code)
    act = await payouts.reject(
        session,
        programme=programme,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.get("/{code}/payouts", responses=problems(*_NOT_LET_IN))
async def list_payouts(code: Code, person: OperatorOrAuthority, session: ReadSession) -> list[PayoutTold]:
    """The runs that were paid, newest first, a hundred at most."""
    programme = await programme_in_sight(session, person, code)
    return [PayoutTold.of(one) for one in await payouts.payouts(session, programme=programme)]


@router.get(
    "/{code}/payouts/{payout_id}/file",
    response_class=Response,
    responses={**problems(*_NOT_LET_IN, PayoutUnknown), 200: {"content": {"text/csv": {}}}},
)
async def get_payout_file(code: Code, payout_id: UUID, person: Operator, session: ReadSession) -> Response:
    """Pseudonyms and amounts as CSV, byte for byte what two people agreed to."""
    programme = await programme_in_sight(session, person, code)
    content = await payouts.file(session, programme=programme, payout_id=payout_id)
    return Response(content, media_type="text/csv; charset=utf-8")
