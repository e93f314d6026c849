"""What must hold of pledges and surrenders: every decision is made again, every year replayed step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import approvals
from backend.identity.approvals import checks as approval_checks
from backend.kit import clock
from backend.kit.checks import Checked
from backend.kit.errors import DomainError
from offset_bridge.books import logged
from offset_bridge.registry import Adoption, Held
from offset_bridge.registry.checks import by_both
from offset_bridge.surrender.closing import (
    CLOSE,
    Settlement,
    Standing,
    settle,
    surrender_stated,
    surrenders,
)
from offset_bridge.surrender.deciding import case_of, edition_of, judge, pools_left
from offset_bridge.surrender.model import Decision, Piece, PledgeAnswer
from offset_bridge.surrender.move_checks import moves
from offset_bridge.surrender.pledging import (
    first_of,
    judged_lines,
    recorded,
    units_stated,
)
from offset_bridge.surrender.recounting import recount, recount_stated
from offset_bridge.surrender.replaying import (
    Kept,
    Replay,
    Year,
    close_rows,
    kept,
    pledge_rows,
    pledged_units,
    release_rows,
    years,
)

__all__ = ["decisions", "moves"]

_DIFFERENT = ("decided again, it comes out differently", "重新判定的结果不同")
_CASE = ("the case that it records is not the one that there was", "所记案情与当时情形不符")
_FIGURES = ("its sums are not those of its decision", "合计数与判定不符")
_UNITS = ("its units are not those of its decision", "所列单位与判定不符")
_STEP = ("the steps of the year are not counted from 1 without a gap", "该年度各步未从 1 起连续编号")
_AFTER = ("it came after the year was closed", "发生在年度关闭之后")
_TWICE = ("it takes back what does not stand", "撤回了并不存在的提交")
_NO_ACT = ("no approved act of two people stands behind it", "没有经两人批准的事项为据")
_NOT_DONE = ("the act was approved and nothing came of it", "事项已获批准而未见办理")
_SETTLED = ("it is not what the pledges and the figures of the year give", "与该年度的提交和核定数据不符")
_MISSING = ("an entity's surrender is missing", "缺少某单位的清缴记录")
_RECOUNT = ("it is not what the revision makes of the surrender", "与修订后的重新计算不符")
_UNCOUNTED = ("a revision after the close was not counted", "关闭后的修订未重新计算")


async def decisions(session: AsyncSession) -> Checked:
    """Every pledge is decided again in its place, every close settled again, every recount counted again.

    What was counted so never passes a cap, a pool or an obligation, since the engine gives no more.
    """
    books = await kept(session)
    pledges = await pledge_rows(session)
    units = await pledged_units(session, books)
    releases = await release_rows(session)
    closes = await close_rows(session)
    checked = Checked(rows=len(pledges) + len(releases) + len(closes))
    replays: dict[Year, Replay] = {}
    settled: list[tuple[Settlement, Adoption]] = []
    for year, steps in years(pledges, releases, closes).items():
        replay = replays.setdefault(year, Replay())
        if [row["step"] for _, row in steps] != list(range(1, len(steps) + 1)):
            checked.name("unit_pledge", f"{year[0]} {year[1]}", _STEP)
        for table, row in steps:
            if replay.closed:
                checked.name(table, row.get("id") or row.get("pledge_id") or year, _AFTER)
            if table == "unit_pledge":
                _decide_again(checked, books, replay, row, units.get(row["id"], []))
            elif table == "unit_release":
                _take_back(checked, replay, row)
            else:
                replay.closed = True
                settled += await _settle_again(session, checked, books, replay, row)
    await _acts(session, checked, closes)
    await _recounts(session, checked, books)
    await _stated(
        session, checked, pledges=pledges, units=units, releases=releases, settled=settled, books=books
    )
    return checked


def _decide_again(
    checked: Checked, books: Kept, replay: Replay, row: dict[str, Any], units: list[Held]
) -> None:
    year, place = row["compliance_year"], row["id"]
    standing = replay.standing.setdefault(row["account_id"], [])
    before = replay.used(row["account_id"])
    by_unit = replay.by_unit()
    standing += [Standing(place, held) for held in units]
    account = books.accounts.get(row["account_id"])
    adoption = books.adoptions.get((row["market"], year, row["rules_revision"]))
    obligation = books.obligations.get((row["account_id"], year, row["obligation_revision"]))
    if account is None or adoption is None or obligation is None or account.market != row["market"]:
        checked.name("unit_pledge", place, _CASE)
        return
    market = books.markets[adoption.pack_sha256]
    asked = [
        books.held(line["book"], line["serials"][0], line["serials"][1]) for line in row["answer"]["lines"]
    ]
    pieces = [Piece(0, held) for held in asked if held is not None]
    case = case_of(
        account,
        adoption,
        obligation,
        used=before,
        holdings=[piece.held for piece in pieces if piece.held.lot.unit != market.allowance],
        pools=pools_left(market, adoption, by_unit),
    )
    named = (row["edition"], row["pack_sha256"])
    if case != row["asked"] or len(pieces) != len(asked) or named != (adoption.edition, adoption.pack_sha256):
        checked.name("unit_pledge", place, _CASE)
        return
    counted = edition_of(market, adoption).counts
    try:
        answer = judge(case, market, edition=adoption.edition)
    except DomainError as error:
        checked.name("unit_pledge", place, (error.message("en"), error.message("zh")))
        return
    decision = Decision(
        adoption=adoption,
        obligation=obligation,
        case=case,
        answer=answer,
        used_t=sum(held.serials.quantity for held in before),
        used_offsets_t=sum(held.serials.quantity for held in before if held.lot.unit in counted),
    )
    lines = judged_lines(
        decision, pieces, allowance=market.allowance, on=clock.day_of(row["pledged_at"]), pledged=True
    )
    again = PledgeAnswer(place, decision, lines)
    if recorded(again) != row["answer"]:
        checked.name("unit_pledge", place, _DIFFERENT)
    allowance_t = sum(line.pledged_t for line in lines if line.unit == market.allowance)
    sums = (answer.cap_t, decision.used_offsets_t, again.pledged_t - allowance_t, allowance_t)
    if sums != (row["cap_t"], row["used_before_t"], row["offset_t"], row["allowance_t"]):
        checked.name("unit_pledge", place, _FIGURES)
    wanted = [(line.book, first_of(line.serials, line.pledged_t)) for line in lines if line.pledged_t]
    if [(held.lot.book, held.serials) for held in units] != wanted:
        checked.name("unit_pledge_lot", place, _UNITS)


def _take_back(checked: Checked, replay: Replay, row: dict[str, Any]) -> None:
    for account, units in replay.standing.items():
        stays = [one for one in units if one.pledge_id != row["pledge_id"]]
        if len(stays) < len(units):
            replay.standing[account] = stays
            return
    checked.name("unit_release", row["pledge_id"], _TWICE)


async def _settle_again(
    session: AsyncSession, checked: Checked, books: Kept, replay: Replay, row: dict[str, Any]
) -> list[tuple[Settlement, Adoption]]:
    market, year = row["market"], row["compliance_year"]
    adoption = books.adoptions.get((market, year, row["rules_revision"]))
    if adoption is None:
        checked.name("compliance_close", f"{market} {year}", _CASE)
        return []
    stored = [
        one for one in await surrenders(session, accounts=None, compliance_year=year) if one.market == market
    ]
    settled = []
    for one in stored:
        place = f"{one.account_id} {year}"
        obligation = books.obligations.get((one.account_id, year, one.obligation_revision))
        account = books.accounts.get(one.account_id)
        if obligation is None or account is None:
            checked.name("unit_surrender", place, _CASE)
            continue
        again = settle(
            books.markets[adoption.pack_sha256],
            adoption,
            account,
            obligation,
            replay.standing.get(one.account_id, ()),
        )
        settled.append((again, adoption))
        figures = (
            again.obligation.obligation_t,
            again.cap_t,
            again.offset_t,
            again.allowance_t,
            again.returned_t,
            again.shortfall_t,
            row["done_at"],
        )
        if figures != (
            one.obligation_t,
            one.cap_t,
            one.offset_t,
            one.allowance_t,
            one.returned_t,
            one.shortfall_t,
            one.surrendered_at,
        ):
            checked.name("unit_surrender", place, _SETTLED)
        units = ([unit.held for unit in again.kept], [unit.held for unit in again.returned])
        if units != (list(one.units), list(one.returned)):
            checked.name("unit_surrender_lot", place, _SETTLED)
    for account_id in replay.standing.keys() - {one.account_id for one in stored}:
        if replay.standing[account_id]:
            checked.name("unit_surrender", f"{account_id} {year}", _MISSING)
    return settled


async def _acts(session: AsyncSession, checked: Checked, closes: Sequence[dict[str, Any]]) -> None:
    acts = {act.id: act async for act in approval_checks.every_act(session, kind=CLOSE)}
    for row in closes:
        act = acts.pop(row["act_id"], None)
        agreed = act is not None and act.decision is approvals.Decision.APPROVED and by_both(row, act)
        named = ("market", "compliance_year", "rules_revision")
        if not agreed or act is None or any(act.body.get(name) != row[name] for name in named):
            checked.name("compliance_close", f"{row['market']} {row['compliance_year']}", _NO_ACT)
    for act in acts.values():
        if act.decision is approvals.Decision.APPROVED:
            checked.name("compliance_close", f"act {act.id}", _NOT_DONE)


async def _recounts(session: AsyncSession, checked: Checked, books: Kept) -> None:
    """Every revision behind the one that was surrendered by has its recount, and each comes out the same again."""
    stated = {}
    for stands in await surrenders(session, accounts=None):
        account = books.accounts.get(stands.account_id)
        found = {one.obligation_revision: one for one in stands.recounts}
        later = [
            one
            for (account_id, year, revision), one in books.obligations.items()
            if (account_id, year) == (stands.account_id, stands.compliance_year)
            and revision > stands.obligation_revision
        ]
        adoption = max(
            (
                one
                for one in books.adoptions.values()
                if (one.market, one.compliance_year) == (stands.market, stands.compliance_year)
            ),
            key=lambda one: one.revision,
            default=None,
        )
        for fixed in later:
            checked.rows += 1
            place = f"{stands.account_id} {stands.compliance_year} {fixed.revision}"
            kept = found.pop(fixed.revision, None)
            if kept is None or account is None or adoption is None:
                checked.name("surrender_recount", place, _UNCOUNTED)
                continue
            if kept != recount(books.markets[adoption.pack_sha256], adoption, account, stands, fixed):
                checked.name("surrender_recount", place, _RECOUNT)
            stated[place] = recount_stated(account, fixed, kept)
        for revision in found:
            checked.name(
                "surrender_recount", f"{stands.account_id} {stands.compliance_year} {revision}", _RECOUNT
            )
    await logged(session, checked, table="surrender_recount", kind="surrender.recounted", stored=stated)


async def _stated(
    session: AsyncSession,
    checked: Checked,
    *,
    pledges: Sequence[dict[str, Any]],
    units: Mapping[UUID, list[Held]],
    releases: Sequence[dict[str, Any]],
    settled: Sequence[tuple[Settlement, Adoption]],
    books: Kept,
) -> None:
    """The log states each pledge, release and surrender as it is."""
    by_id = {row["id"]: row for row in pledges}

    def entity(row: Mapping[str, Any]) -> dict[str, Any]:
        account = books.accounts.get(row["account_id"])
        return {
            "pledge": str(row["id"]),
            "market": row["market"],
            "compliance_year": row["compliance_year"],
            "entity": account.organisation if account else None,
            "lots": units_stated(units.get(row["id"], [])),
        }

    figures = ("edition", "pack_sha256", "cap_t", "used_before_t", "offset_t", "allowance_t")
    pledged = {str(row["id"]): {**entity(row), **{name: row[name] for name in figures}} for row in pledges}
    released = {
        str(row["pledge_id"]): entity(by_id[row["pledge_id"]])
        for row in releases
        if row["pledge_id"] in by_id
    }
    surrendered = {
        f"{one.account.id} {adoption.compliance_year}": surrender_stated(one, adoption)
        for one, adoption in settled
    }
    await logged(session, checked, table="unit_pledge", kind="unit.pledged", stored=pledged)
    await logged(session, checked, table="unit_release", kind="unit.released", stored=released)
    await logged(session, checked, table="unit_surrender", kind="unit.surrendered", stored=surrendered)
