"""What the adopted rules say of an entity's units, with everything counted that is pledged so far.

The case is built in the form of `puhui offset evaluate`, so that anybody can have it judged again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.ledger import SerialRange
from backend.packs import Market, MarketEdition
from offset_bridge import registry, rules
from offset_bridge.registry import Account, Adoption, Held, Obligation
from offset_bridge.rules import Reason
from offset_bridge.surrender import queries
from offset_bridge.surrender.model import Decision

_BANKED = "全国碳排放权交易市场建设方案(发电行业),2017-12-18: 剩余配额可跨履约期转让、交易"


async def decide(
    session: AsyncSession, *, account: Account, compliance_year: int, offered: Sequence[Held]
) -> Decision:
    """What may be used of these units for an entity's year, beside what is pledged already.

    Bring credits; allowances are no offset, see `judge_allowance`. Raises ObligationUnfixed, RulesNotAdopted, or an
    `OffsetError` where the rules have no answer. Hold the year's lock for an answer that is to last.
    """
    adoption = await registry.rules_of(session, market=account.market, compliance_year=compliance_year)
    obligation = await registry.obligation_of(session, account=account, compliance_year=compliance_year)
    market = await registry.stored_market(session, sha256=adoption.pack_sha256)
    used = await standing_units(session, account=account, compliance_year=compliance_year)
    pledged = await queries.pledged_by_unit(session, market=account.market, year=compliance_year)
    case = case_of(
        account,
        adoption,
        obligation,
        used=used,
        holdings=offered,
        pools=pools_left(market, adoption, pledged),
    )
    counted = edition_of(market, adoption).counts
    return Decision(
        adoption=adoption,
        obligation=obligation,
        case=case,
        answer=judge(case, market, edition=adoption.edition),
        used_t=sum(held.serials.quantity for held in used),
        used_offsets_t=sum(held.serials.quantity for held in used if held.lot.unit in counted),
    )


def judge(case: Mapping[str, Any], market: Market, *, edition: str) -> rules.Answer:
    """The engine's answer to a case in its JSON form."""
    return rules.evaluate(rules.read_case(json.dumps(case).encode()), market, edition=edition)


def case_of(
    account: Account,
    adoption: Adoption,
    obligation: Obligation,
    *,
    used: Sequence[Held],
    holdings: Sequence[Held],
    pools: Mapping[str, int],
) -> dict[str, Any]:
    """A case as `puhui offset evaluate` reads it."""
    return {
        "market": account.market,
        "compliance_year": obligation.compliance_year,
        "entity": {
            "region": account.region,
            "issued_t": obligation.issued_t,
            "initial_t": obligation.initial_t,
            "confirmed_emissions_t": obligation.confirmed_emissions_t,
            "obligation_t": obligation.obligation_t,
        },
        "used": [registry.as_holding(held, organisation=account.organisation) for held in used],
        "holdings": [registry.as_holding(held, organisation=account.organisation) for held in holdings],
        "pools": {name: {"remaining_t": left} for name, left in pools.items()},
        "parameters": dict(adoption.parameters),
    }


def edition_of(market: Market, adoption: Adoption) -> MarketEdition:
    """The edition that was adopted."""
    return next(edition for edition in market.editions if edition.id == adoption.edition)


def pools_left(market: Market, adoption: Adoption, pledged: Mapping[str, int]) -> dict[str, int]:
    """What is left of each adopted pool when so many tonnes of each unit are pledged by all entities."""
    listed = rules.pool_of(market, adoption.compliance_year)
    counted = frozenset(edition_of(market, adoption).counts)
    left = {}
    for name, tonnes in adoption.pools.items():
        units = listed.units if listed is not None and listed.id == name else counted
        left[name] = max(0, tonnes - sum(t for unit, t in pledged.items() if unit in units))
    return left


async def standing_units(session: AsyncSession, *, account: Account, compliance_year: int) -> list[Held]:
    """What an entity has pledged for a year and not taken back, in the order of pledging."""
    rows = await queries.standing(session, market=account.market, year=compliance_year, account_id=account.id)
    lots = await registry.lots(session, [row["lot_id"] for row in rows])
    return [Held(lots[row["lot_id"]], SerialRange(row["low"], row["high"])) for row in rows]


def judge_allowance(
    held: Held, *, compliance_year: int, open_t: int, source: str
) -> tuple[int, tuple[Reason, ...]]:
    """How many of an allowance's tonnes may be pledged for a year of which `open_t` is left, and why not more."""
    year = held.lot.facts.get("year")
    if not isinstance(year, int) or year > compliance_year:
        return 0, (
            Reason(
                "allowance-of-a-later-year",
                "配额的年度晚于履约年度",
                "the allowance is of a later year than the one it would be surrendered for",
                _BANKED,
            ),
        )
    usable = min(held.serials.quantity, max(0, open_t))
    return usable, () if usable == held.serials.quantity else (rules.cut_by("obligation", source),)


def application_closed(adoption: Adoption, *, on: dt.date) -> Reason | None:
    """The reason against every credit after the last day on which offsets could be applied for."""
    if on <= adoption.apply_by:
        return None
    day = adoption.apply_by.isoformat()
    return Reason(
        "application-closed",
        f"抵消申请已于 {day} 截止",
        f"offsets had to be applied for by {day}",
        f"act {adoption.act_id}",
    )
