"""Which rules hold for a market's year: the authority adopts an edition of a pack and says what the pack leaves open."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log, packs
from backend.identity import Role, approvals
from backend.packs import Market
from offset_bridge import rules
from offset_bridge.registry import queries
from offset_bridge.registry.errors import (
    DatesOutOfOrder,
    PoolsNotAsPublished,
    RevisedMeanwhile,
    RulesInUse,
    RulesNotAdopted,
    YearClosed,
)
from offset_bridge.registry.library import shipped_pack
from offset_bridge.registry.model import Adoption

RULES = approvals.ActKind("compliance.rules", role=Role.AUTHORITY)

_ONLY_DATES = ("pack_sha256", "edition", "pools", "parameters")


async def propose_rules(
    session: AsyncSession,
    *,
    market: str,
    compliance_year: int,
    edition: str,
    pools: Mapping[str, int],
    parameters: Mapping[str, bool | str],
    apply_by: dt.date,
    surrender_by: dt.date,
    proposed_by: UUID,
) -> approvals.TwoPersonAct:
    """Ask for an edition of the market's pack to hold for a year; the pack's text is stored for both to see.

    `pools` are province-wide tonnes by id, none where no pool holds; `parameters` what the pack holds as unknown.
    Refuses MarketUnknown, EditionUnknown, CaseInvalid for a parameter that is known or unheard of, PoolsNotAsPublished,
    DatesOutOfOrder, YearClosed, RulesInUse.
    """
    pack = await shipped_pack(market)
    if apply_by > surrender_by:
        raise DatesOutOfOrder(apply_by=apply_by, surrender_by=surrender_by)
    _check_fits(packs.market_of(pack), compliance_year, edition, pools, parameters)
    await packs.store(session, pack)
    body = {
        "market": market,
        "compliance_year": compliance_year,
        "revision": 0,
        "pack_sha256": pack.sha256,
        "edition": edition,
        "pools": dict(pools),
        "parameters": dict(parameters),
        "apply_by": apply_by.isoformat(),
        "surrender_by": surrender_by.isoformat(),
    }
    body["revision"] = await _next_revision(session, body)
    return await approvals.propose(
        session, RULES, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


def _check_fits(
    market: Market,
    year: int,
    edition: str,
    pools: Mapping[str, int],
    parameters: Mapping[str, bool | str],
) -> None:
    """Ask the engine with nothing in hand: it refuses an edition, a parameter or a pool's name that is none."""
    empty = {
        "market": market.market,
        "compliance_year": year,
        "entity": dict.fromkeys(rules.CAP_BASES, 0),
        "holdings": [],
        "pools": {name: {"remaining_t": tonnes} for name, tonnes in pools.items()},
        "parameters": dict(parameters),
    }
    rules.evaluate(rules.read_case(json.dumps(empty).encode()), market, edition=edition)
    listed = rules.pool_of(market, year)
    if listed is not None and not 0 <= pools.get(listed.id, listed.tonnes + 1) <= listed.tonnes:
        raise PoolsNotAsPublished(pool=listed.id, tonnes=listed.tonnes)


async def approve_rules(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Adoption:
    """Agree, as the second person; pledges of the year are judged by these rules from now on."""
    act = await approvals.approve(
        session, RULES, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    await queries.lock_year(session, market=body["market"], year=body["compliance_year"])
    if body["revision"] != await _next_revision(session, body):
        raise RevisedMeanwhile
    await queries.adopt(
        session,
        **{
            name: body[name]
            for name in (
                "market",
                "compliance_year",
                "revision",
                "pack_sha256",
                "edition",
                "pools",
                "parameters",
            )
        },
        apply_by=dt.date.fromisoformat(body["apply_by"]),
        surrender_by=dt.date.fromisoformat(body["surrender_by"]),
        act_id=act.id,
        proposed_by=act.proposed_by,
        approved_by=approved_by,
        adopted_at=act.decided_at,
    )
    await log.append(session, kind="rules.adopted", body={**body, "act": str(act.id)})
    return await rules_of(session, market=body["market"], compliance_year=body["compliance_year"])


async def _next_revision(session: AsyncSession, body: Mapping[str, Any]) -> int:
    market, year = body["market"], body["compliance_year"]
    if await queries.closed(session, market=market, year=year):
        raise YearClosed(compliance_year=year)
    row = await queries.rules_of(session, market=market, year=year)
    if row is None:
        return 1
    changes = any(row[name] != body[name] for name in _ONLY_DATES)
    if changes and await queries.in_use(session, market=market, year=year):
        raise RulesInUse
    return int(row["revision"]) + 1


async def rules_of(session: AsyncSession, *, market: str, compliance_year: int) -> Adoption:
    """The rules that hold, or RulesNotAdopted."""
    row = await queries.rules_of(session, market=market, year=compliance_year)
    if row is None:
        raise RulesNotAdopted(compliance_year=compliance_year)
    return _adoption(row)


async def adoptions(session: AsyncSession, *, market: str | None = None) -> list[Adoption]:
    """Every adoption, by market, year and revision."""
    return [_adoption(row) for row in await queries.rules_listed(session, market=market)]


def _adoption(row: RowMapping) -> Adoption:
    return Adoption(**row)
