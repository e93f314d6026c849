"""What must hold of pledges and surrenders: every decision is made again, every year replayed step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.identity import approvals
from backend.identity.approvals import checks as approval_checks
from backend.kit import clock, ids
from backend.kit.checks import Checked, Rule, look_for
from backend.kit.errors import DomainError
from backend.ledger import SerialRange
from backend.packs import Market
from offset_bridge import origin, registry
from offset_bridge.books import logged
from offset_bridge.registry import Account, Adoption, Held, Lot, Obligation
from offset_bridge.registry.checks import by_both
from offset_bridge.surrender.closing import (
    CLOSE,
    Settlement,
    Standing,
    settle,
    surrender_posting,
    surrender_stated,
    surrendered_code,
    surrenders,
)
from offset_bridge.surrender.deciding import case_of, edition_of, judge, pools_left
from offset_bridge.surrender.model import Decision, Piece, PledgeAnswer
from offset_bridge.surrender.pledging import (
    first_of,
    judged_lines,
    pledged_code,
    recorded,
    units_stated,
)
from offset_bridge.surrender.recounting import recount, recount_stated

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
_POSTED = ("what was posted for it is something else", "对应的记账与之不符")
_UNKNOWN = ("units moved for it that nothing here accounts for", "有单位移动而无对应事项")

_PLEDGES = text("""
    SELECT id, account_id, market, compliance_year, step, rules_revision, obligation_revision, edition, pack_sha256,
           asked, answer, cap_t, used_before_t, offset_t, allowance_t, pledged_at
    FROM unit_pledge
""")
_PLEDGE_LOTS = text("""
    SELECT u.pledge_id, u.lot_id, lower(u.serials) AS low, upper(u.serials) AS high, u.book_id = l.book_id AS same_book
    FROM unit_pledge_lot u LEFT JOIN unit_lot l ON l.id = u.lot_id ORDER BY u.pledge_id, u.line
""")
_RELEASES = text("SELECT pledge_id, market, compliance_year, step FROM unit_release")
_CLOSES = text("""
    SELECT market, compliance_year, step, rules_revision, act_id, proposed_by, approved_by, closed_at AS done_at
    FROM compliance_close
""")
_ALL_OBLIGATIONS = text("""
    SELECT o.account_id, a.market, a.organisation, o.compliance_year, o.revision, o.issued_t, o.initial_t,
           o.confirmed_emissions_t, o.obligation_t, o.reason, o.act_id, o.fixed_at
    FROM compliance_obligation o JOIN registry_account a ON a.id = o.account_id
    ORDER BY o.account_id, o.compliance_year, o.revision
""")
_SURRENDER_LOTS = text("""
    SELECT account_id, compliance_year, fate, pledge_id, lot_id, lower(serials) AS low, upper(serials) AS high
    FROM unit_surrender_lot ORDER BY account_id, compliance_year, line
""")
_LOT_IDS = text("SELECT id FROM unit_lot")
_CANCELLED = text("""
    SELECT c.id, k.code AS book, a.organisation, c.quantity_t, c.purpose
    FROM unit_cancellation c JOIN serial_book k ON k.id = c.book_id JOIN registry_account a ON a.id = c.account_id
""")
_MOVED = text("""
    SELECT t.posting_id, d.code AS debit, c.code AS credit, t.amount, t.reason,
           array_agg(lower(m.serials) ORDER BY m.serials) AS lows, array_agg(upper(m.serials) ORDER BY m.serials) AS highs
    FROM ledger_transfer t
    JOIN ledger_account d ON d.id = t.debit_id
    JOIN ledger_account c ON c.id = t.credit_id
    LEFT JOIN serial_movement m ON m.posting_id = t.posting_id AND m.line = t.line
    WHERE t.reason IN ('unit.pledged', 'unit.released', 'unit.surrendered')
        OR (t.reason = 'credit.cancelled' AND d.kind = 'entity')
    GROUP BY t.posting_id, t.line, d.code, c.code, t.amount, t.reason
""")
_FINAL = (
    Rule.single(
        "ledger_transfer",
        """
            SELECT t.posting_id || '/' || t.line AS place
            FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_id
            WHERE d.kind IN ('surrendered', 'cancelled')
        """,
        en="units that were surrendered or cancelled moved again",
        zh="已清缴或注销的单位再次移动",
    ),
)

Move = tuple[str, str, str, int, tuple[tuple[int, int], ...]]  # debit, credit, reason, amount, numbers
Year = tuple[str, int]


@dataclass
class _Books:
    """All rows that a replay needs, by what they are looked up by."""

    accounts: dict[UUID, Account]
    obligations: dict[tuple[UUID, int, int], Obligation]
    adoptions: dict[tuple[str, int, int], Adoption]
    markets: dict[str, Market]
    lots: dict[UUID, Lot]
    by_book: dict[str, list[Lot]] = field(default_factory=dict)

    def held(self, book: str, low: int, high: int) -> Held | None:
        """These numbers with the lot that they all lie in."""
        for lot in self.by_book.get(book, ()):
            if lot.serials.low <= low < high <= lot.serials.high:
                return Held(lot, SerialRange(low, high))
        return None


@dataclass
class _Replay:
    """A market's year as far as it is replayed."""

    standing: dict[UUID, list[Standing]] = field(default_factory=dict)  # by account
    closed: bool = False

    def used(self, account: UUID) -> list[Held]:
        return [one.held for one in self.standing.get(account, ())]

    def by_unit(self) -> dict[str, int]:
        sums: dict[str, int] = {}
        for units in self.standing.values():
            for one in units:
                sums[one.held.lot.unit] = sums.get(one.held.lot.unit, 0) + one.held.serials.quantity
        return sums


async def decisions(session: AsyncSession) -> Checked:
    """Every pledge is decided again in its place, every close settled again, every recount counted again.

    What was counted so never passes a cap, a pool or an obligation, since the engine gives no more.
    """
    books = await _books(session)
    pledges = [dict(row) for row in (await session.execute(_PLEDGES)).mappings()]
    units = await _pledged_units(session, books)
    releases = [dict(row) for row in (await session.execute(_RELEASES)).mappings()]
    closes = [dict(row) for row in (await session.execute(_CLOSES)).mappings()]
    checked = Checked(rows=len(pledges) + len(releases) + len(closes))
    replays: dict[Year, _Replay] = {}
    settled: list[tuple[Settlement, Adoption]] = []
    for year, steps in _years(pledges, releases, closes).items():
        replay = replays.setdefault(year, _Replay())
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


async def moves(session: AsyncSession) -> Checked:
    """Units moved for pledges, releases, surrenders and cancellations exactly as these say, and never out of the last two."""
    books = await _books(session)
    expected = await _expected(session, books)
    checked = Checked(rows=len(expected))
    await _cancelled(session, checked, expected)
    actual: dict[UUID, list[Move]] = {}
    for row in (await session.execute(_MOVED)).mappings():
        numbers = tuple((low, high) for low, high in zip(row["lows"], row["highs"], strict=True) if low)
        line = (row["debit"], row["credit"], row["reason"], row["amount"], _touching(numbers))
        actual.setdefault(row["posting_id"], []).append(line)
    for posting_id, (table, place, lines) in expected.items():
        if sorted(actual.pop(posting_id, [])) != sorted(lines):
            checked.name(table, place, _POSTED)
    for posting_id in actual:
        checked.name("ledger_transfer", posting_id, _UNKNOWN)
    return await look_for(session, checked, _FINAL)


async def _books(session: AsyncSession) -> _Books:
    found = (await session.execute(_LOT_IDS)).scalars().all()
    lots = await registry.lots(session, list(found))
    accounts = {one.id: one for one in await registry.accounts(session, limit=10**9)}
    adoptions = await registry.adoptions(session)
    obligations = [Obligation(**row) for row in (await session.execute(_ALL_OBLIGATIONS)).mappings()]
    markets = {}
    for adoption in adoptions:
        markets[adoption.pack_sha256] = await registry.stored_market(session, sha256=adoption.pack_sha256)
    books = _Books(
        accounts=accounts,
        obligations={(one.account_id, one.compliance_year, one.revision): one for one in obligations},
        adoptions={(one.market, one.compliance_year, one.revision): one for one in adoptions},
        markets=markets,
        lots=lots,
    )
    for lot in lots.values():
        books.by_book.setdefault(lot.book, []).append(lot)
    return books


async def _pledged_units(session: AsyncSession, books: _Books) -> dict[UUID, list[Held]]:
    found: dict[UUID, list[Held]] = {}
    for row in (await session.execute(_PLEDGE_LOTS)).mappings():
        if row["lot_id"] in books.lots and row["same_book"]:
            held = Held(books.lots[row["lot_id"]], SerialRange(row["low"], row["high"]))
            found.setdefault(row["pledge_id"], []).append(held)
    return found


def _years(
    pledges: Sequence[dict[str, Any]], releases: Sequence[dict[str, Any]], closes: Sequence[dict[str, Any]]
) -> dict[Year, list[tuple[str, dict[str, Any]]]]:
    found: dict[Year, list[tuple[str, dict[str, Any]]]] = {}
    for table, rows in (
        ("unit_pledge", pledges),
        ("unit_release", releases),
        ("compliance_close", closes),
    ):
        for row in rows:
            found.setdefault((row["market"], row["compliance_year"]), []).append((table, row))
    for steps in found.values():
        steps.sort(key=lambda one: one[1]["step"])
    return found


def _decide_again(
    checked: Checked, books: _Books, replay: _Replay, row: dict[str, Any], units: list[Held]
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


def _take_back(checked: Checked, replay: _Replay, row: dict[str, Any]) -> None:
    for account, units in replay.standing.items():
        stays = [one for one in units if one.pledge_id != row["pledge_id"]]
        if len(stays) < len(units):
            replay.standing[account] = stays
            return
    checked.name("unit_release", row["pledge_id"], _TWICE)


async def _settle_again(
    session: AsyncSession, checked: Checked, books: _Books, replay: _Replay, row: dict[str, Any]
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


async def _recounts(session: AsyncSession, checked: Checked, books: _Books) -> None:
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
    books: _Books,
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


async def _expected(session: AsyncSession, books: _Books) -> dict[UUID, tuple[str, UUID | str, list[Move]]]:
    """What the rows say was posted: the table and place that a posting belongs to, and its lines."""
    found: dict[UUID, tuple[str, UUID | str, list[Move]]] = {}
    pledges = {row["id"]: row for row in (await session.execute(_PLEDGES)).mappings()}
    units = await _pledged_units(session, books)
    released = {row["pledge_id"] for row in (await session.execute(_RELEASES)).mappings()}
    for pledge_id, row in pledges.items():
        account = books.accounts.get(row["account_id"])
        if account is None:
            continue
        held = units.get(pledge_id, [])
        there = list(_lines(account, row["compliance_year"], held, "unit.pledged"))
        found[pledge_id] = ("unit_pledge", pledge_id, there)
        if pledge_id in released:
            back = list(_lines(account, row["compliance_year"], held, "unit.released"))
            found[ids.derive(pledge_id, "release")] = ("unit_release", pledge_id, back)
    closes = {
        (row["market"], row["compliance_year"]): row for row in (await session.execute(_CLOSES)).mappings()
    }
    for one in await surrenders(session, accounts=None):
        close, account = closes.get((one.market, one.compliance_year)), books.accounts.get(one.account_id)
        if close is None or account is None or not (one.units or one.returned):
            continue
        lines = [
            *_lines(account, one.compliance_year, one.units, "unit.surrendered"),
            *_lines(account, one.compliance_year, one.returned, "unit.released"),
        ]
        posting_id = surrender_posting(close["act_id"], one.account_id)
        found[posting_id] = ("unit_surrender", f"{one.account_id} {one.compliance_year}", lines)
    return found


async def _cancelled(
    session: AsyncSession,
    checked: Checked,
    expected: dict[UUID, tuple[str, UUID | str, list[Move]]],
) -> None:
    """Cancellations take their numbers from what was posted; the log names book, numbers and purpose."""
    stated = {}
    rows = (await session.execute(_CANCELLED)).mappings().all()
    moved = await ledger.serials_moved(session, [row["id"] for row in rows])
    for row in rows:
        numbers = _touching(tuple((one.low, one.high) for one in moved[row["id"]].get(1, ())))
        line = (
            registry.entity_code(row["book"], row["organisation"]),
            f"cancelled:{row['book']}",
            "credit.cancelled",
            row["quantity_t"],
            numbers,
        )
        expected[row["id"]] = ("unit_cancellation", row["id"], [line])
        stated[str(row["id"])] = {
            "cancellation": str(row["id"]),
            "book": row["book"],
            "organisation": row["organisation"],
            "serials": [list(one) for one in numbers],
            "purpose": row["purpose"],
        }
    await logged(
        session,
        checked,
        table="unit_cancellation",
        kind="credit.cancelled",
        stored=stated,
        meant=lambda body: body["book"] not in origin.BOOKS,
    )


def _lines(account: Account, year: int, units: Sequence[Held], reason: str) -> Iterator[Move]:
    for stated in units_stated(units):
        book = stated["book"]
        entity = registry.entity_code(book, account.organisation)
        pledged = pledged_code(book, account.organisation, year)
        debit, credit = {
            "unit.pledged": (entity, pledged),
            "unit.released": (pledged, entity),
            "unit.surrendered": (pledged, surrendered_code(book, account.organisation, year)),
        }[reason]
        numbers = tuple((low, high) for low, high in stated["serials"])
        yield debit, credit, reason, sum(high - low for low, high in numbers), numbers


def _touching(numbers: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The same numbers in as few runs as can be; as they are where one stands there twice."""
    try:
        joined = ledger.joined(SerialRange(low, high) for low, high in numbers)
    except ValueError:
        return tuple(numbers)
    return tuple((one.low, one.high) for one in joined)
