"""Pledging units for a year's surrender, and taking a pledge back before the year is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.kit import clock, ids
from backend.ledger import AccountSpec, SerialLine, SerialPosting, SerialRange
from offset_bridge import registry
from offset_bridge.registry import Account, Held, YearClosed
from offset_bridge.surrender import queries
from offset_bridge.surrender.deciding import (
    application_closed,
    case_of,
    decide,
    edition_of,
    judge,
    judge_allowance,
    standing_units,
)
from offset_bridge.surrender.errors import (
    PledgeReleasedAlready,
    PledgeUnknown,
    ReleaseBreaksRules,
    UnitsNotHeld,
)
from offset_bridge.surrender.model import AskedLot, Decision, Piece, Pledge, PledgeAnswer, PledgeLine


def pledged_code(book: str, organisation: str, year: int) -> str:
    """The ledger account of what an organisation has pledged of a book for a year."""
    return f"pledged:{book}:{organisation}:{year}"


async def evaluate(session: AsyncSession, *, account: Account, compliance_year: int) -> Decision:
    """What the account could use of all the credits it holds, beside what it has pledged already."""
    market = await _allowance_of(session, account, compliance_year)
    held = await registry.holdings(session, account=account)
    return await decide(
        session,
        account=account,
        compliance_year=compliance_year,
        offered=[one for one in held if one.lot.unit != market],
    )


async def pledge(
    session: AsyncSession,
    *,
    account: Account,
    compliance_year: int,
    asked: Sequence[AskedLot],
    accept_partial: bool,
    pledged_by: UUID,
) -> PledgeAnswer:
    """Set units aside for a year's surrender, as far as the adopted rules let them be used.

    Where a tonne is refused, nothing is pledged unless `accept_partial`; the answer says lot by lot what and why.
    Pledges of a market's year are decided one after the other, so that a cap, a shared pool and the obligation hold.
    Raises YearClosed, RulesNotAdopted, ObligationUnfixed, UnitsNotHeld, or an `OffsetError` where the rules have no
    answer.
    """
    await registry.lock_year(session, market=account.market, compliance_year=compliance_year)
    if await registry.is_closed(session, market=account.market, compliance_year=compliance_year):
        raise YearClosed(compliance_year=compliance_year)
    allowance = await _allowance_of(session, account, compliance_year)
    pieces = find_pieces(await registry.holdings(session, account=account), asked)
    credits_ = [piece.held for piece in pieces if piece.held.lot.unit != allowance]
    decision = await decide(session, account=account, compliance_year=compliance_year, offered=credits_)
    now = clock.now()
    lines = judged_lines(decision, pieces, allowance=allowance, on=clock.day_of(now))
    refused = any(line.refused_t for line in lines)
    if (refused and not accept_partial) or not any(line.usable_t for line in lines):
        return PledgeAnswer(None, decision, lines)
    lines = tuple(replace(line, pledged_t=line.usable_t) for line in lines)
    answer = PledgeAnswer(ids.uuid7(), decision, lines)
    await _write(session, account, answer, pieces, allowance=allowance, pledged_by=pledged_by, at=now)
    return answer


async def _allowance_of(session: AsyncSession, account: Account, year: int) -> str:
    adoption = await registry.rules_of(session, market=account.market, compliance_year=year)
    return (await registry.stored_market(session, sha256=adoption.pack_sha256)).allowance


def find_pieces(held: Sequence[Held], asked: Sequence[AskedLot]) -> list[Piece]:
    """The runs of numbers that a request means, each within one lot; UnitsNotHeld where they are not there to be had."""
    free: dict[str, list[Held]] = {}
    for one in held:
        free.setdefault(one.lot.book, []).append(one)
    found: list[Piece] = []
    for place, lot in enumerate(asked):
        for wanted in lot.serials or (None,):
            runs = free.get(lot.book, [])
            taken, free[lot.book] = _take(runs, wanted, quantity=lot.quantity_t)
            missing = lot.quantity_t if wanted is None else wanted.quantity
            if sum(run.serials.quantity for run in taken) != missing:
                raise UnitsNotHeld(lot=place)
            found += [Piece(place, run) for run in taken]
    return found


def _take(
    runs: Sequence[Held], wanted: SerialRange | None, *, quantity: int | None
) -> tuple[list[Held], list[Held]]:
    """What is taken of these runs, and what stays: numbers that are wanted, or so many of the lowest."""
    taken: list[Held] = []
    stays: list[Held] = []
    need = quantity or 0
    for run in runs:
        if wanted is None:
            low, high = run.serials.low, min(run.serials.high, run.serials.low + need)
        else:
            low, high = max(run.serials.low, wanted.low), min(run.serials.high, wanted.high)
        if low >= high:
            stays.append(run)
            continue
        taken.append(replace(run, serials=SerialRange(low, high)))
        need -= high - low
        if run.serials.low < low:
            stays.append(replace(run, serials=SerialRange(run.serials.low, low)))
        if high < run.serials.high:
            stays.append(replace(run, serials=SerialRange(high, run.serials.high)))
    return taken, stays


def judged_lines(
    decision: Decision, pieces: Sequence[Piece], *, allowance: str, on: date, pledged: bool = False
) -> tuple[PledgeLine, ...]:
    """Credits as the engine says, then allowances as far as the obligation is still open; `pledged`: all that is usable."""
    engine = {line.id: (line.usable_t, line.reasons) for line in decision.answer.lines}
    too_late = application_closed(decision.adoption, on=on)
    if too_late is not None:
        engine = {name: (0, (*reasons, too_late)) for name, (_, reasons) in engine.items()}
    open_t = decision.open_t - sum(usable for usable, _ in engine.values())
    source = edition_of(decision.answer.market, decision.adoption).source
    lines = []
    for piece in pieces:
        held = piece.held
        if held.lot.unit == allowance:
            usable, reasons = judge_allowance(
                held, compliance_year=decision.obligation.compliance_year, open_t=open_t, source=source
            )
            open_t -= usable
        else:
            usable, reasons = engine[held.id]
        done = usable if pledged else 0
        lines.append(
            PledgeLine(piece.asked, held.lot.book, held.lot.unit, held.serials, usable, done, reasons)
        )
    return tuple(lines)


async def _write(
    session: AsyncSession,
    account: Account,
    answer: PledgeAnswer,
    pieces: Sequence[Piece],
    *,
    allowance: str,
    pledged_by: UUID,
    at: datetime,
) -> None:
    decision, year = answer.decision, answer.decision.obligation.compliance_year
    assert answer.pledge_id is not None
    units = [
        replace(piece.held, serials=first_of(piece.held.serials, line.pledged_t))
        for piece, line in zip(pieces, answer.lines, strict=True)
        if line.pledged_t
    ]
    allowance_t = sum(line.pledged_t for line in answer.lines if line.unit == allowance)
    offset_t = answer.pledged_t - allowance_t
    await _move(session, account, year, units, posting_id=answer.pledge_id, at=at, back=False)
    await queries.pledge(
        session,
        id=answer.pledge_id,
        account_id=account.id,
        market=account.market,
        compliance_year=year,
        step=await queries.next_step(session, market=account.market, year=year),
        rules_revision=decision.adoption.revision,
        obligation_revision=decision.obligation.revision,
        edition=decision.adoption.edition,
        pack_sha256=decision.adoption.pack_sha256,
        asked=decision.case,
        answer=recorded(answer),
        cap_t=decision.answer.cap_t,
        used_before_t=decision.used_offsets_t,
        offset_t=offset_t,
        allowance_t=allowance_t,
        pledged_by=pledged_by,
        pledged_at=at,
        units=[(unit.lot.id, unit.serials.low, unit.serials.high) for unit in units],
    )
    stated = {
        "pledge": str(answer.pledge_id),
        "market": account.market,
        "compliance_year": year,
        "entity": account.organisation,
        "lots": units_stated(units),
        "edition": decision.adoption.edition,
        "pack_sha256": decision.adoption.pack_sha256,
        "cap_t": decision.answer.cap_t,
        "used_before_t": decision.used_offsets_t,
        "offset_t": offset_t,
        "allowance_t": allowance_t,
    }
    await log.append(session, kind="unit.pledged", body=stated)


def recorded(answer: PledgeAnswer) -> dict[str, Any]:
    """The decision as it is kept: the limits, and what became of each run of numbers, with the reasons."""
    shape = answer.decision.answer.json()
    return {
        "constraints": shape["constraints"],
        "warnings": shape["warnings"],
        "lines": [
            {
                "book": line.book,
                "unit": line.unit,
                "serials": [line.serials.low, line.serials.high],
                "pledged_t": line.pledged_t,
                "reasons": [reason.answer() for reason in line.reasons],
            }
            for line in answer.lines
        ],
    }


def first_of(serials: SerialRange, quantity: int) -> SerialRange:
    """The lowest numbers of a run."""
    return SerialRange(serials.low, serials.low + quantity)


def units_stated(units: Sequence[Held]) -> list[dict[str, Any]]:
    """Units as they stand in a log entry: the numbers of each book and unit."""
    by_book: dict[tuple[str, str], list[SerialRange]] = {}
    for held in units:
        by_book.setdefault((held.lot.book, held.lot.unit), []).append(held.serials)
    return [
        {"book": book, "unit": unit, "serials": [[one.low, one.high] for one in ledger.joined(ranges)]}
        for (book, unit), ranges in sorted(by_book.items())
    ]


async def _move(
    session: AsyncSession,
    account: Account,
    year: int,
    units: Sequence[Held],
    *,
    posting_id: UUID,
    at: datetime,
    back: bool,
) -> None:
    by_book = _by_book(units)
    codes = {
        book: (
            registry.entity_code(book, account.organisation),
            pledged_code(book, account.organisation, year),
        )
        for book in by_book
    }
    opened = await ledger.open_accounts(
        session, [AccountSpec(code) for pair in codes.values() for code in pair]
    )
    lines = []
    for book, ranges in sorted(by_book.items()):
        entity, pledged = (opened[code] for code in codes[book])
        debit, credit = (pledged, entity) if back else (entity, pledged)
        amount = sum(one.quantity for one in ranges)
        reason = "unit.released" if back else "unit.pledged"
        lines.append(SerialLine(debit, credit, amount, reason, serials=ranges))
    posting = SerialPosting(id=posting_id, happened_at=at, lines=tuple(lines))
    await ledger.post_serials(session, [posting])


def _by_book(units: Sequence[Held]) -> Mapping[str, tuple[SerialRange, ...]]:
    found: dict[str, list[SerialRange]] = {}
    for held in units:
        found.setdefault(held.lot.book, []).append(held.serials)
    return {book: ledger.joined(ranges) for book, ranges in found.items()}


async def release(session: AsyncSession, *, account: Account, pledge_id: UUID, released_by: UUID) -> Pledge:
    """Take a whole pledge back. Raises PledgeUnknown, PledgeReleasedAlready, YearClosed, or ReleaseBreaksRules.

    The last where what stays pledged would break a rule that holds with these units, such as the local share.
    """
    found = await pledge_of(session, account=account, pledge_id=pledge_id)
    year = found.compliance_year
    await registry.lock_year(session, market=account.market, compliance_year=year)
    if await registry.is_closed(session, market=account.market, compliance_year=year):
        raise YearClosed(compliance_year=year)
    found = await pledge_of(session, account=account, pledge_id=pledge_id)
    if found.released_at is not None:
        raise PledgeReleasedAlready
    await _check_rest(session, account, found)
    at = clock.now()
    release_id = ids.derive(pledge_id, "release")
    await _move(session, account, year, found.units, posting_id=release_id, at=at, back=True)
    await queries.release(
        session,
        pledge_id=pledge_id,
        market=account.market,
        compliance_year=year,
        step=await queries.next_step(session, market=account.market, year=year),
        released_by=released_by,
        released_at=at,
    )
    stated = {
        "pledge": str(pledge_id),
        "market": account.market,
        "compliance_year": year,
        "entity": account.organisation,
        "lots": units_stated(found.units),
    }
    await log.append(session, kind="unit.released", body=stated)
    return replace(found, released_at=at)


async def _check_rest(session: AsyncSession, account: Account, leaving: Pledge) -> None:
    """Refuse a release after which a rule is broken that is kept now."""
    year = leaving.compliance_year
    adoption = await registry.rules_of(session, market=account.market, compliance_year=year)
    obligation = await registry.obligation_of(session, account=account, compliance_year=year)
    market = await registry.stored_market(session, sha256=adoption.pack_sha256)
    standing = await standing_units(session, account=account, compliance_year=year)
    gone = {held.id for held in leaving.units}
    broken = []
    for used in (standing, [held for held in standing if held.id not in gone]):
        case = case_of(account, adoption, obligation, used=used, holdings=(), pools={})
        answer = judge(case, market, edition=adoption.edition)
        broken.append({one.id for one in answer.constraints if one.used_t > one.limit_t})
    for rule in sorted(broken[1] - broken[0]):
        raise ReleaseBreaksRules(rule=rule)


async def pledge_of(session: AsyncSession, *, account: Account | None, pledge_id: UUID) -> Pledge:
    """One pledge with its units, of this account or of any; PledgeUnknown when it is another's."""
    row = await queries.pledge_by_id(session, pledge_id)
    if row is None or (account is not None and row["account_id"] != account.id):
        raise PledgeUnknown
    return (await _with_units(session, [row]))[0]


async def pledges(
    session: AsyncSession,
    *,
    accounts: Sequence[Account] | None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[Pledge]:
    """The pledges of these accounts, or of all, newest first, starting behind `before` (pledged_at, id)."""
    wanted = None if accounts is None else [one.id for one in accounts]
    rows = await queries.pledges_of(session, accounts=wanted, before=before, limit=limit)
    return await _with_units(session, rows)


async def _with_units(session: AsyncSession, rows: Sequence[RowMapping]) -> list[Pledge]:
    runs = await queries.lots_of(session, [row["id"] for row in rows])
    lots = await registry.lots(session, [run["lot_id"] for run in runs])
    units: dict[UUID, list[Held]] = {row["id"]: [] for row in rows}
    for run in runs:
        units[run["pledge_id"]].append(Held(lots[run["lot_id"]], SerialRange(run["low"], run["high"])))
    return [Pledge(**dict(row), units=tuple(units[row["id"]])) for row in rows]
