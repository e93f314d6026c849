"""What must hold of the ledger's movements for pledges, releases, surrenders and cancellations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger
from backend.kit import ids
from backend.kit.checks import Checked, Rule, look_for
from backend.ledger import SerialRange
from offset_bridge import origin, registry
from offset_bridge.books import logged
from offset_bridge.registry import Account, Held
from offset_bridge.surrender.closing import (
    surrender_posting,
    surrendered_code,
    surrenders,
)
from offset_bridge.surrender.pledging import (
    pledged_code,
    units_stated,
)
from offset_bridge.surrender.replaying import (
    Kept,
    close_rows,
    kept,
    pledge_rows,
    pledged_units,
    release_rows,
)

_POSTED = ("what was posted for it is something else", "对应的记账与之不符")
_UNKNOWN = ("units moved for it that nothing here accounts for", "有单位移动而无对应事项")

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


async def moves(session: AsyncSession) -> Checked:
    """Units moved for pledges, releases, surrenders and cancellations exactly as these say, and never out of the last two."""
    books = await kept(session)
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


async def _expected(session: AsyncSession, books: Kept) -> dict[UUID, tuple[str, UUID | str, list[Move]]]:
    """What the rows say was posted: the table and place that a posting belongs to, and its lines."""
    found: dict[UUID, tuple[str, UUID | str, list[Move]]] = {}
    pledges = {row["id"]: row for row in await pledge_rows(session)}
    units = await pledged_units(session, books)
    released = {row["pledge_id"] for row in await release_rows(session)}
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
    closes = {(row["market"], row["compliance_year"]): row for row in await close_rows(session)}
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
