"""Programmes that run: registered from their pack, read with what the ledger says of their grams and points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log, packs
from backend.kit import clock
from backend.packs import Overlay, Pack
from backend.packs.figures import UNKNOWN
from backend.programmes import codes, queries, redeeming, settled, shape
from backend.programmes.errors import FeatureOff, OperatorDiffers, ProgrammeUnknown
from backend.programmes.features import Feature
from backend.programmes.rules import Programme

log.register(
    log.Sealed("programme", key=("id",)),
    log.Sealed("programme_step", key=("participant_id", "programme_id", "number")),
    log.Sealed("programme_pack", key=("programme_id", "active_from")),
    log.Sealed("programme_overlay", key=("programme_id", "active_from", "place")),
)

_read: dict[tuple[str, ...], Settled] = {}


@dataclass(frozen=True, slots=True)
class Registered:
    """A programme that runs, with the pack it runs by since `active_from`, settled by the overlays of that moment."""

    id: int
    code: str
    operator_code: str
    registered_at: dt.datetime
    active_from: dt.datetime
    pack: Programme
    overlays: tuple[Overlay, ...] = ()
    figures: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The figures that neither the pack nor an overlay says; whatever needs one refuses."""
        return tuple(parameter for parameter, value in self.figures.items() if value == UNKNOWN)


@dataclass(frozen=True, slots=True)
class Settled:
    """A stored pack settled by stored overlays, with what its figures are then, by path."""

    pack: Programme
    overlays: tuple[Overlay, ...]
    figures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PoolFigure:
    """Creditable grams that lie in one pool; `demo` pools rest on a methodology that no authority filed."""

    methodology: str
    month: str
    demo: bool
    grams: int


@dataclass(frozen=True, slots=True)
class PointsIdentity:
    """What became of every point that a programme ever issued, at one moment.

    `spendable` and `pending` (what waits to ripen or to be collected) include lots that lapsed and wait for the sweep;
    `spent` went to what the programme gives itself. `reversed` is everything taken back, also what
    the citizen no longer had; `owed` is the part of that which later earnings have not repaid yet.
    """

    issued: int
    spendable: int
    pending: int
    held: int
    payable: int
    redeemed: int
    spent: int
    expired: int
    reversed: int
    owed: int

    @property
    def accounted_for(self) -> int:
        return (
            self.spendable
            + self.pending
            + self.held
            + self.payable
            + self.redeemed
            + self.spent
            + self.expired
            + self.reversed
            - self.owed
        )

    @property
    def holds(self) -> bool:
        """True when no point is missing and none came from nowhere."""
        return self.issued == self.accounted_for


@dataclass(frozen=True, slots=True)
class PayableIdentity:
    """What a programme owes to merchants, beside the gross sums that must have led there."""

    payable: int
    captured: int
    refunded: int
    settled: int
    corrected: int = 0

    @property
    def holds(self) -> bool:
        return self.payable == self.captured - self.refunded - self.settled + self.corrected


@dataclass(frozen=True, slots=True)
class ProgrammeFigures:
    """A programme in figures. Grams are gCO2e; `uncredited_g` is keyed by the reason."""

    pools: tuple[PoolFigure, ...]
    uncredited_g: dict[str, int]
    points: PointsIdentity

    @property
    def pooled_g(self) -> int:
        return sum(pool.grams for pool in self.pools)


async def register(
    session: AsyncSession, *, pack: Pack, overlays: Sequence[Pack] | None = None
) -> Registered:
    """Let a programme run by this pack and these overlays from now on. What it runs by already changes nothing.

    Of `overlays` only those are kept that set something in the pack; None keeps those it runs by, as far as the pack can
    take them. Raises PackFaulty for a pack with faults or of another kind, OverlayMisses or OverlayOversteps for an
    overlay that the pack cannot take, OperatorDiffers when another operator runs it.
    """
    programme = shape.programme_of(pack)
    await session.execute(queries.LOCK, {"code": programme.id})
    await session.execute(
        queries.ADD, {"code": programme.id, "operator": programme.operator, "at": clock.now()}
    )
    rows = (await session.execute(queries.FIND, {"code": programme.id, "at": _LATEST})).all()
    now = [await packs.recall(session, sha256=sha256) for sha256 in (rows[0].overlays if rows else ())]
    if overlays is None:
        chosen = [one for one in now if settled.fits(pack, packs.overlay_of(one))]
    else:
        chosen = settled.concern(pack, overlays)
    runs_by = settled.settle(pack, map(packs.overlay_of, chosen))
    by = [pack.sha256, *(one.sha256 for one in chosen)]
    if not rows or [rows[0].pack_sha256, *rows[0].overlays] != by:
        await _run_by(session, programme.id, pack, chosen)
        await redeeming.keep(session, programme.id, redeeming.redeeming(runs_by))
    registered = await programme_of(session, code=programme.id, at=_LATEST)
    if registered.operator_code != programme.operator:
        raise OperatorDiffers(programme=programme.id, operator=registered.operator_code)
    return registered


async def _run_by(session: AsyncSession, code: str, pack: Pack, overlays: Sequence[Pack]) -> None:
    sha256 = await packs.store(session, pack)
    added = await session.execute(queries.ADD_PACK, {"code": code, "sha256": sha256, "at": clock.now()})
    row = added.one()
    for place, overlay in enumerate(overlays):
        await session.execute(
            queries.ADD_OVERLAY,
            {
                "programme_id": row.programme_id,
                "active_from": row.active_from,
                "place": place,
                "sha256": await packs.store(session, overlay),
            },
        )


_LATEST = dt.datetime.max.replace(tzinfo=dt.UTC)


async def programme_of(session: AsyncSession, *, code: str, at: dt.datetime | None = None) -> Registered:
    """The programme with this code and the pack it ran by `at` a moment (now). Raises ProgrammeUnknown."""
    found = await _find(session, code=code, at=at or clock.now())
    if not found:
        raise ProgrammeUnknown(programme=code)
    return found[0]


async def programmes(session: AsyncSession) -> list[Registered]:
    """Every programme that runs, by code."""
    return await _find(session, code=None, at=clock.now())


async def _find(session: AsyncSession, *, code: str | None, at: dt.datetime) -> list[Registered]:
    found = []
    for row in (await session.execute(queries.FIND, {"code": code, "at": at})).all():
        known = await _settled(session, row.pack_sha256, row.overlays)
        found.append(
            Registered(
                id=row.id,
                code=row.code,
                operator_code=row.operator_code,
                registered_at=row.registered_at,
                active_from=row.active_from,
                pack=known.pack,
                overlays=known.overlays,
                figures=known.figures,
            )
        )
    return found


async def _settled(session: AsyncSession, sha256: str, overlays: Sequence[str]) -> Settled:
    """Stored packs and overlays never change, so each is read once per process."""
    key = (sha256, *overlays)
    if key not in _read:
        pack = await packs.recall(session, sha256=sha256)
        found = [packs.overlay_of(await packs.recall(session, sha256=one)) for one in overlays]
        programme = settled.settle(pack, found)
        _read[key] = Settled(programme, tuple(found), settled.figures_with(pack, found))
    return _read[key]


def require(programme: Registered, feature: Feature) -> None:
    """Raise FeatureOff unless the programme's pack switches this on."""
    if not programme.pack.features.on(feature):
        raise FeatureOff(programme=programme.code, feature=feature)


async def figures_of(session: AsyncSession, *, programme: Registered) -> ProgrammeFigures:
    """Pools, grams that may not be credited by reason, and points, now."""
    pools = await ledger.balances_by_code(session, codes.pool_prefix(programme.pack.project))
    uncredited = await ledger.balances_by_code(session, codes.uncredited_prefix(programme.code))
    return ProgrammeFigures(
        pools=tuple(_pool(code, grams) for code, grams in pools.items()),
        uncredited_g={code.split(":")[2]: grams for code, grams in uncredited.items()},
        points=await points_identity(session, programme=programme.code),
    )


def _pool(code: str, grams: int) -> PoolFigure:
    _, _, methodology, month, *rest = code.split(":")
    return PoolFigure(methodology=methodology, month=month, demo=rest == ["demo"], grams=grams)


async def points_identity(session: AsyncSession, *, programme: str) -> PointsIdentity:
    """What became of every point of a programme, from stored balances and folded ones of one moment."""
    figures = await ledger.group_figures(
        session,
        group=programme,
        kinds=["wallet", "pending", "hold", "debt", "payable"],
        codes=[of(programme).code for of in (codes.issuer, codes.breakage, codes.redeemed, codes.spent)],
        credited=["issuer", "debt"],
        debited=["debt"],
    )
    held = figures.balance
    taken_back = sum(points for (kind, _), points in figures.credited.items() if kind == "issuer")
    owed_ever = figures.debited.get(("debt", "breakage"), 0) - figures.credited.get(("debt", "breakage"), 0)
    return PointsIdentity(
        issued=taken_back - held.get("issuer", 0),
        spendable=held.get("wallet", 0),
        pending=held.get("pending", 0),
        held=held.get("hold", 0),
        payable=held.get("payable", 0),
        redeemed=held.get("redeemed", 0),
        spent=held.get("spent", 0),
        expired=held.get("breakage", 0) - owed_ever,
        reversed=taken_back + owed_ever,
        owed=-held.get("debt", 0),
    )


async def payable_identity(session: AsyncSession, *, programme: str) -> PayableIdentity:
    """What a programme owes to merchants against every capture, refund, settlement and correction; sums all of them."""
    figures = await ledger.group_figures(
        session, group=programme, kinds=["payable"], codes=[], credited=["payable"], debited=["payable"]
    )
    settled = figures.debited.get(("payable", "redeemed"), 0) - figures.credited.get(
        ("payable", "redeemed"), 0
    )
    return PayableIdentity(
        payable=figures.balance.get("payable", 0),
        captured=figures.credited.get(("payable", "hold"), 0),
        refunded=figures.debited.get(("payable", "hold"), 0) + figures.debited.get(("payable", "wallet"), 0),
        settled=settled,
        corrected=figures.credited.get(("payable", "issuer"), 0)
        - figures.debited.get(("payable", "issuer"), 0),
    )
