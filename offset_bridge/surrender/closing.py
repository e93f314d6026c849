"""Closing a compliance year: what is pledged is surrendered, as far as it is owed and allowed, and what is short is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.identity import Role, approvals
from backend.kit import clock, ids
from backend.ledger import AccountSpec, SerialLine, SerialPosting, SerialRange
from backend.packs import Market
from offset_bridge import registry
from offset_bridge.registry import Account, Adoption, Held, Obligation, YearClosed
from offset_bridge.surrender import queries
from offset_bridge.surrender.deciding import case_of, judge, judge_allowance
from offset_bridge.surrender.errors import TooEarlyToClose
from offset_bridge.surrender.model import Close, Recount, Surrendered
from offset_bridge.surrender.pledging import first_of, pledged_code, units_stated

CLOSE = approvals.ActKind("compliance.close", role=Role.AUTHORITY)


@dataclass(frozen=True, slots=True)
class Standing:
    """Numbers that stand pledged, and the pledge that they belong to."""

    pledge_id: UUID
    held: Held


@dataclass(frozen=True)
class Settlement:
    """What becomes of one entity's pledges: `kept` is surrendered, `returned` goes back to its account."""

    account: Account
    obligation: Obligation
    cap_t: int | None
    offset_t: int
    allowance_t: int
    kept: tuple[Standing, ...]
    returned: tuple[Standing, ...]

    @property
    def shortfall_t(self) -> int:
        return self.obligation.obligation_t - self.offset_t - self.allowance_t

    @property
    def returned_t(self) -> int:
        return sum(one.held.serials.quantity for one in self.returned)


def surrendered_code(book: str, organisation: str, year: int) -> str:
    """The ledger account of what an organisation has surrendered of a book for a year; nothing ever leaves it."""
    return f"surrendered:{book}:{organisation}:{year}"


async def propose_close(
    session: AsyncSession, *, market: str, compliance_year: int, proposed_by: UUID
) -> approvals.TwoPersonAct:
    """Ask for a market's year to be closed. Refuses RulesNotAdopted, YearClosed, TooEarlyToClose."""
    adoption = await _closable(session, market, compliance_year)
    body = {
        "market": market,
        "compliance_year": compliance_year,
        "rules_revision": adoption.revision,
        "surrender_by": adoption.surrender_by.isoformat(),
    }
    return await approvals.propose(
        session, CLOSE, proposed_by=proposed_by, subject_sha256=approvals.sha256_of(body), body=body
    )


async def _closable(session: AsyncSession, market: str, year: int) -> Adoption:
    adoption = await registry.rules_of(session, market=market, compliance_year=year)
    if await registry.is_closed(session, market=market, compliance_year=year):
        raise YearClosed(compliance_year=year)
    if clock.today() < adoption.surrender_by:
        raise TooEarlyToClose(surrender_by=adoption.surrender_by)
    return adoption


async def approve_close(
    session: AsyncSession, *, act_id: UUID, approved_by: UUID, subject_sha256: bytes
) -> tuple[Close, list[Surrendered]]:
    """Agree, as the second person: every entity's pledges are surrendered, and nothing is pledged or released any more."""
    act = await approvals.approve(
        session, CLOSE, act_id=act_id, approved_by=approved_by, subject_sha256=subject_sha256
    )
    market, year = act.body["market"], act.body["compliance_year"]
    await registry.lock_year(session, market=market, compliance_year=year)
    adoption = await _closable(session, market, year)
    if adoption.revision != act.body["rules_revision"]:
        raise registry.RevisedMeanwhile
    assert act.decided_at is not None
    close = Close(
        market=market,
        compliance_year=year,
        step=await queries.next_step(session, market=market, year=year),
        rules_revision=adoption.revision,
        act_id=act.id,
        closed_at=act.decided_at,
    )
    await queries.close(
        session,
        market=market,
        compliance_year=year,
        step=close.step,
        rules_revision=close.rules_revision,
        act_id=act.id,
        proposed_by=act.proposed_by,
        approved_by=approved_by,
        closed_at=close.closed_at,
    )
    settled = await _settlements(session, adoption)
    await _post(session, close, settled)
    for one in settled:
        await _record(session, close, one)
    await _state(session, close, adoption, settled)
    return close, await surrenders(session, accounts=[one.account for one in settled], compliance_year=year)


async def _settlements(session: AsyncSession, adoption: Adoption) -> list[Settlement]:
    market = await registry.stored_market(session, sha256=adoption.pack_sha256)
    year = adoption.compliance_year
    accounts = {one.id: one for one in await registry.accounts_in(session, market=adoption.market)}
    standing = await standing_by_account(session, market=adoption.market, compliance_year=year)
    return [
        settle(market, adoption, accounts[one.account_id], one, standing.get(one.account_id, ()))
        for one in await registry.obligations_in(session, market=adoption.market, compliance_year=year)
    ]


async def standing_by_account(
    session: AsyncSession, *, market: str, compliance_year: int
) -> dict[UUID, list[Standing]]:
    """What each account of a market has pledged for a year, in the order of pledging."""
    rows = await queries.standing(session, market=market, year=compliance_year)
    lots = await registry.lots(session, [row["lot_id"] for row in rows])
    found: dict[UUID, list[Standing]] = {}
    for row in rows:
        held = Held(lots[row["lot_id"]], SerialRange(row["low"], row["high"]))
        found.setdefault(row["account_id"], []).append(Standing(row["pledge_id"], held))
    return found


def settle(
    market: Market,
    adoption: Adoption,
    account: Account,
    obligation: Obligation,
    standing: Sequence[Standing],
) -> Settlement:
    """Credits first, as many as the rules let count with the figures as they are now; then allowances, the oldest first.

    What is pledged beyond that is returned: never more is surrendered than is owed. Pools were kept when pledging.
    """
    credits_ = [one for one in standing if one.held.lot.unit != market.allowance]
    allowances = sorted(
        (one for one in standing if one.held.lot.unit == market.allowance),
        key=lambda one: one.held.lot.facts.get("year", 0),
    )
    case = case_of(account, adoption, obligation, used=(), holdings=[one.held for one in credits_], pools={})
    answer = judge(case, market, edition=adoption.edition)
    usable = {line.id: line.usable_t for line in answer.lines}
    kept: list[Standing] = []
    returned: list[Standing] = []
    for one in credits_:
        _split(one, usable[one.held.id], kept, returned)
    offset_t = sum(one.held.serials.quantity for one in kept)
    open_t = obligation.obligation_t - offset_t
    for one in allowances:
        fits, _ = judge_allowance(
            one.held, compliance_year=obligation.compliance_year, open_t=open_t, source=""
        )
        _split(one, fits, kept, returned)
        open_t -= fits
    return Settlement(
        account=account,
        obligation=obligation,
        cap_t=answer.cap_t,
        offset_t=offset_t,
        allowance_t=obligation.obligation_t - open_t - offset_t,
        kept=tuple(kept),
        returned=tuple(returned),
    )


def _split(one: Standing, fits: int, kept: list[Standing], returned: list[Standing]) -> None:
    serials = one.held.serials
    if fits:
        kept.append(replace(one, held=replace(one.held, serials=first_of(serials, fits))))
    if fits < serials.quantity:
        rest = SerialRange(serials.low + fits, serials.high)
        returned.append(replace(one, held=replace(one.held, serials=rest)))


async def _post(session: AsyncSession, close: Close, settled: Sequence[Settlement]) -> None:
    """One posting per entity, all of them in one call."""
    moves: dict[UUID, list[tuple[str, str, str, tuple[SerialRange, ...]]]] = {}
    for one in settled:
        organisation, year = one.account.organisation, close.compliance_year
        for units, reason in ((one.kept, "unit.surrendered"), (one.returned, "unit.released")):
            for stated in units_stated([standing.held for standing in units]):
                book = stated["book"]
                target = (
                    surrendered_code(book, organisation, year)
                    if reason == "unit.surrendered"
                    else registry.entity_code(book, organisation)
                )
                ranges = tuple(SerialRange(low, high) for low, high in stated["serials"])
                moves.setdefault(one.account.id, []).append(
                    (pledged_code(book, organisation, year), target, reason, ranges)
                )
    codes = sorted({code for lines in moves.values() for line in lines for code in line[:2]})
    if not codes:
        return
    opened = await ledger.open_accounts(session, map(AccountSpec, codes))
    postings = [
        SerialPosting(
            id=surrender_posting(close.act_id, account_id),
            happened_at=close.closed_at,
            lines=tuple(
                SerialLine(
                    opened[debit], opened[credit], sum(one.quantity for one in ranges), reason, serials=ranges
                )
                for debit, credit, reason, ranges in lines
            ),
        )
        for account_id, lines in moves.items()
    ]
    await ledger.post_serials(session, postings)


def surrender_posting(act_id: UUID, account_id: UUID) -> UUID:
    """The id of the posting by which a close surrenders one account's units."""
    return ids.derive(act_id, account_id)


async def _record(session: AsyncSession, close: Close, one: Settlement) -> None:
    await queries.surrender(
        session,
        account_id=one.account.id,
        market=close.market,
        compliance_year=close.compliance_year,
        obligation_revision=one.obligation.revision,
        obligation_t=one.obligation.obligation_t,
        cap_t=one.cap_t,
        offset_t=one.offset_t,
        allowance_t=one.allowance_t,
        returned_t=one.returned_t,
        shortfall_t=one.shortfall_t,
        surrendered_at=close.closed_at,
        units=[
            (fate, unit.pledge_id, unit.held.lot.id, unit.held.serials.low, unit.held.serials.high)
            for fate, units in (("surrendered", one.kept), ("returned", one.returned))
            for unit in units
        ],
    )


async def _state(
    session: AsyncSession, close: Close, adoption: Adoption, settled: Sequence[Settlement]
) -> None:
    entries: list[tuple[str, dict[str, Any]]] = [
        ("unit.surrendered", surrender_stated(one, adoption)) for one in settled
    ]
    closed = {
        "market": close.market,
        "compliance_year": close.compliance_year,
        "rules_revision": close.rules_revision,
        "entities": len(settled),
        "act": str(close.act_id),
    }
    await log.append_many(session, entries=[*entries, ("compliance.closed", closed)])


def surrender_stated(one: Settlement, adoption: Adoption) -> dict[str, Any]:
    """An entity's surrender as it stands in the log."""
    return {
        "market": adoption.market,
        "compliance_year": adoption.compliance_year,
        "entity": one.account.organisation,
        "lots": units_stated([standing.held for standing in one.kept]),
        "returned": units_stated([standing.held for standing in one.returned]),
        "edition": adoption.edition,
        "pack_sha256": adoption.pack_sha256,
        "obligation_t": one.obligation.obligation_t,
        "cap_t": one.cap_t,
        "offset_t": one.offset_t,
        "allowance_t": one.allowance_t,
        "shortfall_t": one.shortfall_t,
    }


async def closes(session: AsyncSession, *, market: str | None = None) -> list[Close]:
    """Every closed year, by market and year."""
    return [Close(**row) for row in await queries.closes(session, market=market)]


async def surrenders(
    session: AsyncSession, *, accounts: Sequence[Account] | None, compliance_year: int | None = None
) -> list[Surrendered]:
    """What these accounts, or all, surrendered, with the units and every recount, by market, year and organisation."""
    wanted = None if accounts is None else [one.id for one in accounts]
    rows = await queries.surrenders(session, accounts=wanted, year=compliance_year)
    found = [row["account_id"] for row in rows]
    runs = await queries.surrendered_lots(session, found)
    lots = await registry.lots(session, [run["lot_id"] for run in runs])
    again = await queries.recounts(session, found)
    return [_surrendered(row, runs, lots, again) for row in rows]


def _surrendered(
    row: RowMapping,
    runs: Sequence[RowMapping],
    lots: dict[UUID, registry.Lot],
    again: Sequence[RowMapping],
) -> Surrendered:
    key = (row["account_id"], row["compliance_year"])

    def units(fate: str) -> tuple[Held, ...]:
        return tuple(
            Held(lots[run["lot_id"]], SerialRange(run["low"], run["high"]))
            for run in runs
            if (run["account_id"], run["compliance_year"]) == key and run["fate"] == fate
        )

    recounts = tuple(
        Recount(
            **{name: value for name, value in one.items() if name not in ("account_id", "compliance_year")}
        )
        for one in again
        if (one["account_id"], one["compliance_year"]) == key
    )
    return Surrendered(**row, units=units("surrendered"), returned=units("returned"), recounts=recounts)
