"""What must hold of programmes: the packs they run by, their points, and the grams measured for them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, packs
from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.kit.errors import DomainError
from backend.programmes import redeeming, settled
from backend.programmes.rules import Programme
from backend.programmes.service import payable_identity, points_identity

_PACKS = text("""
    SELECT p.code, p.operator_code, k.pack_sha256, k.active_from,
           ARRAY(SELECT o.overlay_sha256 FROM programme_overlay o
                 WHERE o.programme_id = p.id AND o.active_from = k.active_from ORDER BY o.place) AS overlays
    FROM programme p LEFT JOIN programme_pack k ON k.programme_id = p.id
    ORDER BY p.code, k.active_from
""")

_NO_PACK = ("it runs by no pack", "没有所依据的规则包")
_NO_OVERLAY = (
    "an overlay that it runs by cannot be read or taken by its pack",
    "所依据的叠加包读不出,或其规则包不能采用",
)
_OTHER_PACK = ("it runs by a pack of another programme or operator", "所依据的规则包属于另一计划或运营方")


@dataclass(frozen=True, slots=True)
class Term:
    """A pack that a programme ran by, from a moment on, settled by the overlays of that moment."""

    active_from: dt.datetime
    pack: Programme


async def terms(session: AsyncSession) -> dict[str, list[Term]]:
    """The packs that each programme ran by, oldest first, read from the stored texts; unreadable ones are left out."""
    found: dict[str, list[Term]] = defaultdict(list)
    for row in await session.execute(_PACKS):
        pack = await _read(session, row.pack_sha256, row.overlays)
        if pack is not None:
            found[row.code].append(Term(row.active_from, pack))
    return dict(found)


def ran_by(terms: list[Term], low: dt.datetime, high: dt.datetime) -> list[Programme]:
    """The packs that ruled at some moment from `low` to `high`; the first one also ruled before it began."""
    found = []
    for place, term in enumerate(terms):
        until = terms[place + 1].active_from if place + 1 < len(terms) else None
        if (place == 0 or term.active_from <= high) and (until is None or until > low):
            found.append(term.pack)
    return found


async def _read(session: AsyncSession, sha256: str | None, overlays: Sequence[str] = ()) -> Programme | None:
    if sha256 is None:
        return None
    try:
        pack = await packs.recall(session, sha256=sha256)
        return settled.settle(
            pack, [packs.overlay_of(await packs.recall(session, sha256=one)) for one in overlays]
        )
    except DomainError:
        return None


async def packs_used(session: AsyncSession) -> Checked:
    """A programme runs by stored packs of its own, which name its operator, and by stored overlays that these can take."""
    checked = Checked()
    for row in (await session.execute(_PACKS)).all():
        checked.rows += 1 + len(row.overlays)
        pack = await _read(session, row.pack_sha256)
        if pack is None:
            checked.name("programme_pack", row.code, _NO_PACK)
        elif (pack.id, pack.operator) != (row.code, row.operator_code):
            checked.name("programme_pack", row.code, _OTHER_PACK)
        elif row.overlays and not await _set(session, row):
            checked.name("programme_overlay", row.code, _NO_OVERLAY)
    return checked


async def _set(session: AsyncSession, row: Row[Any]) -> bool:
    """True when every overlay of a programme's term sets something in its pack, and nothing else is wrong with them."""
    settled_by = await _read(session, row.pack_sha256, row.overlays)
    if settled_by is None:
        return False
    used = set(settled_by.features.overlays.values())
    return {(await packs.recall(session, sha256=one)).id for one in row.overlays} == used


_REDEEMING = ("it is not what the pack says of redeeming", "与规则包所载的兑换规则不符")


async def redeeming_rows(session: AsyncSession) -> Checked:
    """What verbs are told of redeeming is what the programme's pack and overlays say now."""
    latest = {code: found[-1].pack for code, found in (await terms(session)).items()}
    names = (await session.execute(text("SELECT programme FROM programme_redeeming"))).scalars().all()
    checked = Checked(rows=len(names))
    for code in sorted({*latest, *names}):
        pack = latest.get(code)
        said = redeeming.Redeeming() if pack is None else redeeming.redeeming(pack)
        if pack is None or said != await redeeming.redeeming_of(session, programme=code):
            checked.name("programme_redeeming", code, _REDEEMING)
    return checked


_IDENTITY = (
    "points issued are not what is spendable, pending, held, payable, redeemed, spent, expired and reversed, less what is owed",
    "发放积分不等于可用、待收取、冻结、应付、已兑付、已花费、已过期与已冲回之和减去所欠",
)
_PAYABLE = (
    "payable is not what was captured less what was refunded and settled, with what was corrected",
    "应付不等于扣款减退款与结算再计更正",
)
_SIGN = ("a figure has the wrong sign", "有数字的正负号不对")


async def points(session: AsyncSession) -> Checked:
    """Of each programme, every point ever issued is somewhere, and merchants are owed what was captured for them."""
    checked = Checked()
    found = await ledger.balances_by_code(session, "issuer:")
    for code in found:
        programme = code.removeprefix("issuer:")
        checked.rows += 1
        identity = await points_identity(session, programme=programme)
        if not identity.holds:
            checked.name("ledger_account", code, _IDENTITY)
        figures = (  # a merchant who was paid and refunds later owes points, so payable may be below zero
            identity.issued, identity.spendable, identity.pending, identity.held, identity.redeemed,
            identity.spent, identity.expired, identity.reversed, identity.owed,
        )  # fmt: skip
        if min(figures) < 0:
            checked.name("ledger_account", code, _SIGN)
        if not (await payable_identity(session, programme=programme)).holds:
            checked.name("ledger_account", code, _PAYABLE)
    return checked


_PROGRAMME = """
    CASE WHEN {0}.kind IN ('wallet', 'pending', 'hold', 'debt', 'payable', 'benefit', 'overpaid') THEN split_part({0}.code, ':', 3)
         ELSE split_part({0}.code, ':', 2) END
"""
_AFTER_POOLING = "('pool', 'batch', 'carry')"  # of projects and batches: certification looks at these
_CROSSING = Rule.single(
    "ledger_transfer",
    f"""
        SELECT t.posting_id || '/' || t.line AS place
        FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        JOIN ledger_account c ON c.id = t.credit_id
        WHERE (t.unit IN ('pt', 'g') OR t.reason LIKE 'benefit.%') AND d.kind NOT IN {_AFTER_POOLING} AND c.kind NOT IN {_AFTER_POOLING}
            AND {_PROGRAMME.format("d")} <> {_PROGRAMME.format("c")}
    """,  # noqa: S608 - put together from constants
    en="it moves value from one programme to another",
    zh="价值从一个计划转到了另一个计划",
)
_POOLED = Rule.single(
    "ledger_transfer",
    """
        SELECT t.posting_id || '/' || t.line AS place
        FROM ledger_transfer t
        JOIN ledger_account d ON d.id = t.debit_id
        JOIN ledger_account c ON c.id = t.credit_id
        WHERE (d.kind = 'measured' AND c.kind = 'pool' OR d.kind = 'pool' AND c.kind = 'measured')
            AND NOT EXISTS (
                SELECT FROM unnest(CAST(:programmes AS text[]), CAST(:projects AS text[])) AS p(programme, project)
                WHERE p.programme = split_part(CASE WHEN d.kind = 'measured' THEN d.code ELSE c.code END, ':', 2)
                  AND p.project = split_part(CASE WHEN d.kind = 'pool' THEN d.code ELSE c.code END, ':', 2))
    """,
    en="it pools grams under a project that is not the programme's",
    zh="克数归入了不属于该计划的项目",
)


async def within_programmes(session: AsyncSession) -> Checked:
    """No point and no gram passes from one programme to another."""
    pairs = {(code, term.pack.project) for code, used in (await terms(session)).items() for term in used}
    checked = Checked(
        rows=await count_rows(session, "SELECT count(*) FROM ledger_transfer WHERE unit IN ('pt', 'g')")
    )
    return await look_for(
        session,
        checked,
        [_CROSSING, _POOLED],
        programmes=[code for code, _ in pairs],
        projects=[project for _, project in pairs],
    )
