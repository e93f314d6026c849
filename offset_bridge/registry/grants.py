"""Units that come into being in a market's registry by two people of the authority: allowances, and project credits that
an outer registry holds for the entity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log, packs
from backend.identity import Role, approvals
from backend.ledger import AccountSpec, SerialLine, SerialPosting
from offset_bridge import rules
from offset_bridge.registry import queries
from offset_bridge.registry.errors import AccountNotRegulated
from offset_bridge.registry.holding import entity_code, read_by_rules, record_lot
from offset_bridge.registry.library import shipped_pack
from offset_bridge.registry.model import Lot, Mode, Source
from offset_bridge.registry.opening import account_of, mode_of

ALLOCATION = approvals.ActKind("compliance.allocation", role=Role.AUTHORITY)
REGISTRATION = approvals.ActKind("compliance.registration", role=Role.AUTHORITY)

CCER = "CCER"


@dataclass(frozen=True, slots=True)
class Allotment:
    """Allowances for one entity, by its organisation's code."""

    organisation: str
    quantity_t: int


def allowance_book(market: str, unit: str, year: int) -> str:
    """The book of a market's allowances of one year."""
    return f"{market}-{unit.lower()}-{year}"


def ccer_book(market: str) -> str:
    """The book of the CCER that stand in a market."""
    return f"{market}-{CCER.lower()}"


async def propose_allocation(
    session: AsyncSession,
    *,
    market: str,
    compliance_year: int,
    allotments: Sequence[Allotment],
    proposed_by: UUID,
) -> approvals.TwoPersonAct:
    """Ask for a year's allowances to be given to entities. Refuses MarketUnopened, AccountUnknown, AccountNotRegulated."""
    await mode_of(session, market=market)
    for one in allotments:
        account = await account_of(session, market=market, organisation=one.organisation)
        if not account.regulated:
            raise AccountNotRegulated
    unit = packs.market_of(await shipped_pack(market)).allowance
    body = {
        "market": market,
        "compliance_year": compliance_year,
        "unit": unit,
        "book": allowance_book(market, unit, compliance_year),
        "allotments": [
            {"organisation": one.organisation, "quantity_t": one.quantity_t} for one in allotments
        ],
    }
    return await approvals.propose(
        session, ALLOCATION, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve_allocation(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> list[Lot]:
    """Agree, as the second person; each entity gets its allowances with the next free numbers. The lots, in order."""
    act = await approvals.approve(
        session, ALLOCATION, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    facts = {"year": body["compliance_year"]}
    granted = [(one["organisation"], one["quantity_t"], facts) for one in body["allotments"]]
    made = await _mint(
        session, act, source=Source.ALLOCATED, kind="allocated", reason="allowance.allocated", granted=granted
    )
    stated = {
        "market": body["market"],
        "compliance_year": body["compliance_year"],
        "book": body["book"],
        "act": str(act.id),
        "allotments": [
            {"organisation": one[0], "serials": [[lot.serials.low, lot.serials.high]]}
            for one, lot in zip(granted, made, strict=True)
        ],
    }
    await log.append(session, kind="allowance.allocated", body=stated)
    return made


async def propose_registration(
    session: AsyncSession,
    *,
    market: str,
    organisation: str,
    quantity_t: int,
    facts: Mapping[str, Any],
    outer_reference: str,
    proposed_by: UUID,
) -> approvals.TwoPersonAct:
    """Ask for CCER that the national registry holds for an organisation to be entered here, with the facts of its project.

    `facts` are those of a holding of `puhui offset evaluate`; `outer_reference` names its serials there.
    """
    await mode_of(session, market=market)
    await account_of(session, market=market, organisation=organisation)
    rules.read_holding({"id": CCER, "unit": CCER, "tonnes": quantity_t, **read_by_rules(facts)})
    body = {
        "market": market,
        "organisation": organisation,
        "unit": CCER,
        "book": ccer_book(market),
        "quantity_t": quantity_t,
        "facts": {**facts, "outer_reference": outer_reference},
    }
    return await approvals.propose(
        session, REGISTRATION, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def approve_registration(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> Lot:
    """Agree, as the second person; the credits stand in the organisation's account."""
    act = await approvals.approve(
        session, REGISTRATION, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    body = act.body
    granted = [(body["organisation"], body["quantity_t"], body["facts"])]
    (lot,) = await _mint(
        session, act, source=Source.REGISTERED, kind="registered", reason="credit.registered", granted=granted
    )
    stated = {
        **{name: body[name] for name in ("market", "organisation", "unit", "book", "facts")},
        "serials": [[lot.serials.low, lot.serials.high]],
        "act": str(act.id),
    }
    await log.append(session, kind="credit.registered", body=stated)
    return lot


async def _mint(
    session: AsyncSession,
    act: approvals.TwoPersonAct,
    *,
    source: Source,
    kind: str,
    reason: str,
    granted: Sequence[tuple[str, int, Mapping[str, Any]]],
) -> list[Lot]:
    """One posting for the act, a line per organisation; the numbers of each line become a lot."""
    book, unit, market = act.body["book"], act.body["unit"], act.body["market"]
    await queries.share_market(session, market=market)
    mode = await mode_of(session, market=market)
    await ledger.open_book(session, code=book, unit=unit, demo=mode.mode is Mode.DEMO)
    origin = f"{kind}:{book}:{market}"
    codes = [entity_code(book, organisation) for organisation, _, _ in granted]
    opened = await ledger.open_accounts(session, [AccountSpec(origin), *map(AccountSpec, codes)])
    assert act.decided_at is not None
    posting = SerialPosting(
        id=act.id,
        happened_at=act.decided_at,
        lines=tuple(
            SerialLine(opened[origin], opened[code], quantity, reason)
            for code, (_, quantity, _) in zip(codes, granted, strict=True)
        ),
    )
    moved = (await ledger.post_serials(session, [posting]))[posting.id]
    return [
        await record_lot(
            session,
            book=book,
            serials=piece,
            unit=unit,
            source=source,
            source_id=act.id,
            facts=facts,
        )
        for line, (_, _, facts) in enumerate(granted, start=1)
        for piece in moved.serials[line]
    ]
