"""What must hold of units with serial numbers, recomputed from their movements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Checked, Rule, count_rows, look_for
from backend.ledger import serial_queries as queries

_MOVEMENTS = (
    Rule(
        "serial_movement",
        """
            SELECT COALESCE(m.posting_id, t.posting_id) || '/' || COALESCE(m.line, t.line) AS place, CASE
                WHEN t.posting_id IS NULL THEN 'transfer' WHEN m.posting_id IS NULL THEN 'none'
                WHEN m.quantity <> t.amount THEN 'amount'
                WHEN m.first <> 1 OR m.pieces <> m.last THEN 'pieces' ELSE 'book' END AS fault
            FROM (SELECT posting_id, line, sum(upper(serials) - lower(serials)) AS quantity, count(*) AS pieces,
                         min(piece) AS first, max(piece) AS last, min(book_id) AS book_id, max(book_id) AS other_book
                  FROM serial_movement GROUP BY posting_id, line) m
            FULL JOIN (SELECT t.posting_id, t.line, t.amount, split_part(d.code, ':', 2) AS debit_book,
                              split_part(c.code, ':', 2) AS credit_book
                       FROM ledger_transfer t
                       JOIN ledger_account d ON d.id = t.debit_id JOIN ledger_account c ON c.id = t.credit_id
                       JOIN ledger_kind k ON k.kind = c.kind AND k.serials <> 'none') t
                ON t.posting_id = m.posting_id AND t.line = m.line
            LEFT JOIN serial_book b ON b.id = m.book_id
            WHERE t.posting_id IS NULL OR m.posting_id IS NULL OR m.quantity <> t.amount OR m.first <> 1
                OR m.pieces <> m.last OR m.book_id <> m.other_book
                OR b.code IS DISTINCT FROM t.debit_book OR b.code IS DISTINCT FROM t.credit_book
        """,
        {
            "transfer": (
                "there is no transfer of numbered units that it belongs to",
                "没有对应的带编号单位划转",
            ),
            "none": ("the transfer moved units without saying which", "划转未说明移动了哪些编号"),
            "amount": ("the numbers are not as many as the transfer's units", "编号数量与划转数量不符"),
            "pieces": ("its pieces are not counted from 1 without a gap", "各段未从 1 起连续编号"),
            "book": ("its book is not that of the accounts", "编号簿与账户不符"),
        },
    ),
)
_BLOCK = ("the numbers are not held by whom the movements left them with", "编号的持有者与各次移动的结果不符")
_CHAIN = ("the numbers were moved by an account that did not hold them", "编号由并不持有它的账户移出")


async def serials(session: AsyncSession) -> Checked:
    """Every number is held by exactly one account, the one that its movements, from its minting on, lead to."""
    checked = Checked(rows=await count_rows(session, "SELECT count(*) FROM serial_movement"))
    await look_for(session, checked, _MOVEMENTS)
    for book in (await session.execute(queries.EVERY_BOOK)).all():
        checked.rows += await _book(session, checked, book.id, book.code)
    return checked


async def _book(session: AsyncSession, checked: Checked, book_id: int, code: str) -> int:
    mints = frozenset((await session.execute(queries.MINTS)).scalars())
    line = _Line()
    async for low, high, debit, credit in await session.stream(queries.MOVEMENTS_OF, {"book": book_id}):
        line.move(low, high, None if debit in mints else debit, credit)
    found, broken = line.holders()
    for low, high in broken:
        checked.name("serial_movement", f"{code} {low}-{high}", _CHAIN)
    blocks = [Held(*row) for row in await session.execute(queries.BLOCKS_OF, {"book": book_id})]
    wanted, stored = Counter(found), Counter(_joined(blocks))
    for low, high, _ in sorted((wanted - stored) + (stored - wanted)):
        checked.name("serial_block", f"{code} {low}-{high}", _BLOCK)
    return len(blocks)


class Held(NamedTuple):
    """The numbers `[low, high)` and the account that holds them."""

    low: int
    high: int
    account: int


class _Line:
    """One book's movements, laid along its line of numbers; their order does not matter.

    Where a run of numbers was minted once and moved on only by its holders, it came in once more than it went out at
    exactly one account.
    """

    def __init__(self) -> None:
        self._changes: dict[int, Counter[int]] = defaultdict(
            Counter
        )  # at a number: account to came in less went out
        self._minted: Counter[int] = Counter()

    def move(self, low: int, high: int, debit: int | None, credit: int) -> None:
        """Numbers that left `debit` for `credit`; None: they came into being."""
        for place, sign in ((low, 1), (high, -1)):
            self._changes[place][credit] += sign
            if debit is None:
                self._minted[place] += sign
            else:
                self._changes[place][debit] -= sign

    def holders(self) -> tuple[list[Held], list[tuple[int, int]]]:
        """Who holds what at the end, and the runs of which that cannot be said."""
        held: Counter[int] = Counter()
        born, found, broken = 0, list[Held](), list[tuple[int, int]]()
        places = sorted(self._changes)
        for place, after in pairwise(places):
            born += self._minted[place]
            held.update(self._changes[place])
            held = Counter({account: count for account, count in held.items() if count})
            if not born and not held:
                continue
            if born == 1 and list(held.values()) == [1]:
                found.append(Held(place, after, next(iter(held))))
            else:
                broken.append((place, after))
        return _joined(found), broken


def _joined(blocks: Iterable[Held]) -> list[Held]:
    """The same, with runs of one holder that touch made one."""
    found = list[Held]()
    for one in blocks:
        if found and found[-1].high == one.low and found[-1].account == one.account:
            found[-1] = found[-1]._replace(high=one.high)
        else:
            found.append(one)
    return found
