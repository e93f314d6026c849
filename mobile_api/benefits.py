"""My benefits in money: what waits for the next payout, and every movement."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from backend import programmes
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code, Told
from backend.programmes import ProgrammeUnknown, Registered, StatementEntry, benefits
from backend.programmes.benefits import Benefits

router = Router(prefix="/benefits", tags=["benefits"])


class BenefitLotTold(Told):
    """Money that is paid out by the next payout up to and on `expires_on`; null for money that never lapses."""

    expires_on: date | None
    amount_fen: int


class BenefitTold(Told):
    """My money in one programme that was not paid out yet. `owed_fen` is what a later benefit repays first."""

    programme: str
    programme_title: str
    amount_fen: int
    owed_fen: int
    lots: list[BenefitLotTold]

    @classmethod
    def of(cls, programme: Registered, mine: Benefits) -> BenefitTold:
        pack = programme.pack
        return cls(
            programme=programme.code,
            programme_title=pack.title_zh if i18n.language() == "zh" else pack.title_en,
            amount_fen=mine.amount_fen,
            owed_fen=mine.owed_fen,
            lots=[BenefitLotTold(expires_on=lot.expires_on, amount_fen=lot.amount_fen) for lot in mine.lots],
        )


class BenefitMovementTold(Told):
    """One movement: `amount_fen` is positive when it came into the `part` it is about."""

    posting_id: UUID
    part: str = Field(description="`benefit`, or `overpaid` (after money was taken back that was paid out).")
    amount_fen: int
    reason: str
    expires_on: date | None
    happened_at: datetime
    recorded_at: datetime

    @classmethod
    def of(cls, entry: StatementEntry) -> BenefitMovementTold:
        return cls(
            posting_id=entry.posting_id,
            part=entry.part,
            amount_fen=entry.points,
            reason=entry.reason,
            expires_on=entry.expires_on,
            happened_at=entry.happened_at,
            recorded_at=entry.recorded_at,
        )


@router.get("", responses=problems(Unauthenticated))
async def list_benefits(citizen: SignedInCitizen, session: ReadSession) -> list[BenefitTold]:
    """My money in every programme here that gives any."""
    return [
        BenefitTold.of(
            one, await benefits.benefits_of(session, participant_id=citizen.id, programme=one.code)
        )
        for one in await programmes.programmes(session)
        if one.pack.money
    ]


@router.get(
    "/{programme}/statement",
    responses=problems(Unauthenticated, ProgrammeUnknown, paging.CursorUnusable),
)
async def list_benefit_movements(
    programme: Code, citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[BenefitMovementTold]:
    """Every movement of my money in one programme, newest first."""
    await programmes.programme_of(session, code=programme)
    after = asked.after(int, str, int, int)
    entries = await benefits.statement_of(
        session,
        participant_id=citizen.id,
        programme=programme,
        limit=asked.fetch,
        after=(after[0], after[1], after[2], after[3]) if after else None,
    )
    return asked.page(entries, position=lambda entry: entry.cursor, show=BenefitMovementTold.of)
