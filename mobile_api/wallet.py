"""My points: what I can spend, until when, and every movement."""

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
from backend.programmes import Registered, StatementEntry, Wallet

router = Router(prefix="/wallets", tags=["wallet"])


class LotTold(Told):
    """Points that can be spent up to and on `expires_on`; null for those that never lapse."""

    expires_on: date | None
    points: int


class WalletTold(Told):
    """My points in one programme. `owed` is what a later earning repays first; it is not taken off `spendable`. `pending`
    ripens, or waits to be collected.
    """

    programme: str
    programme_title: str
    spendable: int
    pending: int
    held: int
    owed: int
    lots: list[LotTold]

    @classmethod
    def of(cls, programme: Registered, wallet: Wallet) -> WalletTold:
        pack = programme.pack
        return cls(
            programme=programme.code,
            programme_title=pack.title_zh if i18n.language() == "zh" else pack.title_en,
            spendable=wallet.spendable,
            pending=wallet.pending,
            held=wallet.held,
            owed=wallet.owed,
            lots=[LotTold(expires_on=lot.expires_on, points=lot.points) for lot in wallet.lots],
        )


class LapsingTold(Told):
    """What lapses in the night after `last_day`, and what would be left."""

    last_day: date
    points: int
    left_points: int


class ForecastTold(Told):
    """What lapses, and when, if I spend nothing. `never_points` never lapse; `pending_points` are not in it: they get their day
    when they are collected.
    """

    programme: str
    spendable: int
    lapsing: list[LapsingTold]
    never_points: int
    pending_points: int

    @classmethod
    def of(cls, programme: str, wallet: Wallet) -> ForecastTold:
        return cls(
            programme=programme,
            spendable=wallet.spendable,
            lapsing=[
                LapsingTold(last_day=one.after, points=one.points, left_points=one.left)
                for one in programmes.wallets.forecast(wallet)
            ],
            never_points=sum(lot.points for lot in wallet.lots if lot.expires_on is None),
            pending_points=wallet.pending,
        )


class MovementTold(Told):
    """One movement: `points` are positive when they came into the `part` it is about."""

    posting_id: UUID
    part: str = Field(
        description="`pending` (not collected yet), `wallet`, `hold` (set aside for a redemption) or `debt` (after points were "
        "taken back)."
    )
    points: int
    reason: str
    expires_on: date | None
    other: str
    happened_at: datetime
    recorded_at: datetime
    reverses: UUID | None

    @classmethod
    def of(cls, entry: StatementEntry) -> MovementTold:
        return cls(
            posting_id=entry.posting_id,
            part=entry.part,
            points=entry.points,
            reason=entry.reason,
            expires_on=entry.expires_on,
            other=entry.other,
            happened_at=entry.happened_at,
            recorded_at=entry.recorded_at,
            reverses=entry.reverses,
        )


@router.get("", responses=problems(Unauthenticated))
async def list_wallets(citizen: SignedInCitizen, session: ReadSession) -> list[WalletTold]:
    """My points in every programme that runs here."""
    return [
        WalletTold.of(
            programme,
            await programmes.wallets.wallet_of(session, participant_id=citizen.id, programme=programme.code),
        )
        for programme in await programmes.programmes(session)
    ]


@router.get("/{programme}", responses=problems(Unauthenticated, programmes.ProgrammeUnknown))
async def get_wallet(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> WalletTold:
    """My points in one programme, by the day on which they lapse."""
    running = await programmes.programme_of(session, code=programme)
    wallet = await programmes.wallets.wallet_of(session, participant_id=citizen.id, programme=programme)
    return WalletTold.of(running, wallet)


@router.get("/{programme}/forecast", responses=problems(Unauthenticated, programmes.ProgrammeUnknown))
async def forecast_wallet(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> ForecastTold:
    """Which of my points lapse, and when, if I spend nothing."""
    await programmes.programme_of(session, code=programme)
    wallet = await programmes.wallets.wallet_of(session, participant_id=citizen.id, programme=programme)
    return ForecastTold.of(programme, wallet)


@router.get(
    "/{programme}/statement",
    responses=problems(Unauthenticated, programmes.ProgrammeUnknown, paging.CursorUnusable),
)
async def list_movements(
    programme: Code, citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[MovementTold]:
    """Every movement of my points in one programme, newest first."""
    await programmes.programme_of(session, code=programme)
    after = asked.after(int, str, int, int)
    entries = await programmes.wallets.statement_of(
        session,
        participant_id=citizen.id,
        programme=programme,
        limit=asked.fetch,
        after=(after[0], after[1], after[2], after[3]) if after else None,
    )
    return asked.page(entries, position=lambda entry: entry.cursor, show=MovementTold.of)
