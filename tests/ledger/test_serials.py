"""Units with serial numbers: minted, cut, joined, moved; held by one account, never given twice, never given back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import ledger
from backend.kit import clock, ids
from backend.kit.checks import Checked
from backend.kit.db import Database
from backend.ledger import SerialLine, SerialPosting, SerialRange, serial_checks

ISSUED, TRANSFERRED, LOCKED = "credit.issued", "credit.transferred", "bridge.locked"


class Registry:
    """One origin book of its own, with an issuance account and holders by name."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.book = f"t-{str(ids.uuid7())[-12:]}"
        self.accounts: dict[str, int] = {}

    def code(self, name: str) -> str:
        return f"{name}:{self.book}" if name == "issuance" else f"holder:{self.book}:{name}"

    async def open(self, *names: str) -> None:
        codes = {name: self.code(name) for name in ("issuance", *names)}
        async with self.db.transaction() as session:
            await ledger.open_book(session, code=self.book, unit="PHCER")
            opened = await ledger.open_accounts(session, map(ledger.AccountSpec, codes.values()))
        self.accounts.update({name: opened[code] for name, code in codes.items()})

    def posting(
        self, debit: str, credit: str, amount: int, *serials: tuple[int, int], key: UUID | None = None
    ) -> SerialPosting:
        line = SerialLine(
            self.accounts[debit],
            self.accounts[credit],
            amount,
            ISSUED if debit == "issuance" else TRANSFERRED,
            tuple(SerialRange(*one) for one in serials) or None,
        )
        return SerialPosting(id=key or ids.uuid7(), happened_at=clock.now(), lines=(line,))

    async def move(
        self, debit: str, credit: str, amount: int, *serials: tuple[int, int], key: UUID | None = None
    ) -> list[tuple[int, int]]:
        posting = self.posting(debit, credit, amount, *serials, key=key)
        async with self.db.transaction() as session:
            moved = (await ledger.post_serials(session, [posting]))[posting.id]
        return [(one.low, one.high) for one in moved.all]

    async def held(self, name: str) -> list[tuple[int, int]]:
        async with self.db.transaction() as session:
            return [(one.low, one.high) for one in await ledger.serials_of(session, account=self.code(name))]

    async def check(self) -> Checked:
        async with self.db.transaction() as session:
            return await serial_checks.serials(session)


Open = Callable[..., Awaitable[Registry]]


@pytest.fixture
def registry(db: Database) -> Open:
    async def opened(*names: str) -> Registry:
        made = Registry(db)
        await made.open(*names)
        return made

    return opened


async def test_new_units_take_the_next_free_numbers(registry: Open) -> None:
    book = await registry("ann", "bob")
    assert await book.move("issuance", "ann", 3) == [(1, 4)]
    assert await book.move("issuance", "bob", 2) == [(4, 6)]
    assert await book.move("issuance", "ann", 1) == [(6, 7)]
    assert await book.held("ann") == [(1, 4), (6, 7)]
    assert not (await book.check()).found


async def test_a_block_is_cut_where_numbers_leave_it_and_joined_where_they_come_back(registry: Open) -> None:
    book = await registry("ann", "bob")
    await book.move("issuance", "ann", 10)
    await book.move("ann", "bob", 2, (4, 6))
    assert await book.held("ann") == [(1, 4), (6, 11)]
    assert await book.held("bob") == [(4, 6)]
    await book.move("bob", "ann", 2, (4, 6))
    assert await book.held("ann") == [(1, 11)]
    assert await book.held("bob") == []
    assert not (await book.check()).found


async def test_the_lowest_numbers_go_first_when_none_are_named(registry: Open) -> None:
    book = await registry("ann", "bob", "cid")
    await book.move("issuance", "ann", 10)
    await book.move("ann", "bob", 3, (1, 3), (5, 6))
    assert await book.move("ann", "cid", 4) == [(3, 5), (6, 8)]


async def test_a_repeated_posting_moves_nothing_and_tells_the_same_numbers(registry: Open) -> None:
    book = await registry("ann", "bob")
    await book.move("issuance", "ann", 10)
    key = ids.uuid7()
    assert await book.move("ann", "bob", 2, key=key) == [(1, 3)]
    assert await book.move("ann", "bob", 2, key=key) == [(1, 3)]
    assert await book.move("ann", "bob", 2, (1, 3), key=key) == [(1, 3)]
    with pytest.raises(ledger.PostingIdReused):
        await book.move("ann", "bob", 2, (4, 6), key=key)
    assert await book.held("bob") == [(1, 3)]


@pytest.mark.parametrize("serials", [(3, 5), (0, 2), (11, 13), (9, 12)])
async def test_numbers_that_the_payer_does_not_hold_are_refused(
    registry: Open, serials: tuple[int, int]
) -> None:
    book = await registry("ann", "bob", "cid")
    await book.move("issuance", "ann", 10)
    await book.move("ann", "cid", 1, (4, 5))
    if serials[0] < 1:
        with pytest.raises(ValueError, match="begins at 1"):
            SerialRange(*serials)
        return
    with pytest.raises((ledger.SerialsNotHeld, ledger.InsufficientBalance)):
        await book.move("ann", "bob", serials[1] - serials[0], serials)
    assert await book.held("bob") == []


async def test_the_same_number_cannot_be_minted_or_named_twice(registry: Open) -> None:
    book = await registry("ann", "bob")
    await book.move("issuance", "ann", 5, (10, 15))
    with pytest.raises(ledger.SerialsTaken):
        await book.move("issuance", "bob", 2, (14, 16))
    with pytest.raises(ledger.SerialsNotHeld):
        await book.move("ann", "bob", 4, (10, 12), (11, 13))
    assert await book.move("issuance", "bob", 1) == [(15, 16)]
    assert not (await book.check()).found


async def test_as_many_numbers_as_units(registry: Open) -> None:
    book = await registry("ann")
    with pytest.raises(ledger.TransferNotAllowed) as refused:
        await book.move("issuance", "ann", 3, (1, 3))
    assert refused.value.fault == "serials_not_amount"


async def test_numbered_units_move_by_number_only_and_are_never_given_back(
    registry: Open, db: Database
) -> None:
    book = await registry("ann", "bob")
    key = ids.uuid7()
    await book.move("issuance", "ann", 3, key=key)
    plain = ledger.Posting(
        ids.uuid7(),
        TRANSFERRED,
        clock.now(),
        (ledger.Line(book.accounts["ann"], book.accounts["bob"], 1),),
    )
    with pytest.raises(ledger.TransferNotAllowed):
        async with db.transaction() as session:
            await ledger.post(session, [plain])
    with pytest.raises(ledger.TransferNotAllowed) as refused:
        async with db.transaction() as session:
            await ledger.reverse(
                session, undo={ids.uuid7(): key}, reason="credit.issued", happened_at=clock.now()
            )
    assert refused.value.fault == "serials_move_on"


async def test_numbers_stay_in_their_book(registry: Open) -> None:
    one, other = await registry("ann"), await registry("ann")
    await one.move("issuance", "ann", 3)
    one.accounts["stranger"] = other.accounts["ann"]
    with pytest.raises(ledger.TransferNotAllowed) as refused:
        await one.move("ann", "stranger", 1)
    assert refused.value.fault == "books_differ"


async def test_two_books_hold_the_same_numbers(registry: Open) -> None:
    one, other = await registry("ann"), await registry("bob")
    await one.move("issuance", "ann", 3, (7, 10))
    await other.move("issuance", "bob", 3, (7, 10))
    assert await one.held("ann") == await other.held("bob") == [(7, 10)]


async def test_a_book_keeps_its_unit_and_mode(registry: Open, db: Database) -> None:
    book = await registry()
    for unit, demo in (("CCER", False), ("PHCER", True)):
        with pytest.raises(ledger.BookDiffers):
            async with db.transaction() as session:
                await ledger.open_book(session, code=book.book, unit=unit, demo=demo)


async def test_delivery_and_payment_stand_or_fall_together(registry: Open, db: Database) -> None:
    book = await registry("ann", "bob")
    await book.move("issuance", "ann", 3)
    market = book.book
    codes = [f"deposited:{market}", f"cash:{market}:ann", f"cash:{market}:bob"]
    async with db.transaction() as session:
        cash = await ledger.open_accounts(session, map(ledger.AccountSpec, codes))
        paid = ledger.Posting(
            ids.uuid7(), "cash.deposited", clock.now(), (ledger.Line(cash[codes[0]], cash[codes[2]], 99),)
        )
        await ledger.post(session, [paid])

    def sale(price: int) -> SerialPosting:
        return SerialPosting(
            ids.uuid7(),
            clock.now(),
            (
                SerialLine(book.accounts["ann"], book.accounts["bob"], 2, TRANSFERRED),
                SerialLine(cash[codes[2]], cash[codes[1]], price, "sale.paid"),
            ),
        )

    with pytest.raises(ledger.InsufficientBalance):
        async with db.transaction() as session:
            await ledger.post_serials(session, [sale(100)])
    assert await book.held("bob") == []
    async with db.transaction() as session:
        await ledger.post_serials(session, [sale(99)])
    assert await book.held("bob") == [(1, 3)]
    assert not (await book.check()).found


async def test_the_history_of_a_number_names_every_holder_in_order(registry: Open, db: Database) -> None:
    book = await registry("ann", "bob")
    await book.move("issuance", "ann", 5)
    await book.move("ann", "bob", 2, (2, 4))
    await book.move("bob", "ann", 1, (3, 4))
    async with db.transaction() as session:
        history = await ledger.history_of(session, book=book.book, number=3)
        holder = await ledger.holder_of(session, book=book.book, number=3)
        nobody = await ledger.holder_of(session, book=book.book, number=6)
    assert [one.credit_code for one in history] == [book.code("ann"), book.code("bob"), book.code("ann")]
    assert holder is not None
    assert holder.account == book.code("ann")
    assert nobody is None


async def test_a_second_mover_of_the_same_numbers_waits_and_is_refused(registry: Open, db: Database) -> None:
    book = await registry("ann", "bob", "cid")
    await book.move("issuance", "ann", 5)
    async with db.transaction() as session:
        await ledger.post_serials(session, [book.posting("ann", "bob", 2, (1, 3))])
        second = asyncio.create_task(book.move("ann", "cid", 2, (2, 4)))
        await asyncio.sleep(0.2)
        assert not second.done()
    with pytest.raises(ledger.SerialsNotHeld):
        await second
    assert await book.held("cid") == []


async def test_two_issuances_at_once_get_different_numbers(registry: Open, db: Database) -> None:
    book = await registry("ann", "bob")
    async with db.transaction() as session:
        await ledger.post_serials(session, [book.posting("issuance", "ann", 5)])
        second = asyncio.create_task(book.move("issuance", "bob", 3))
        await asyncio.sleep(0.2)
        assert not second.done()
    assert await second == [(6, 9)]
    assert not (await book.check()).found


async def test_two_who_mint_the_same_named_numbers_get_them_once(registry: Open, db: Database) -> None:
    book = await registry("ann", "bob")
    async with db.transaction() as session:
        await ledger.post_serials(session, [book.posting("issuance", "ann", 5, (1, 6))])
        second = asyncio.create_task(book.move("issuance", "bob", 3, (4, 7)))
        await asyncio.sleep(0.2)
    with pytest.raises(ledger.SerialsTaken):
        await second
    assert not (await book.check()).found


async def test_the_application_cannot_write_blocks_or_movements(db: Database) -> None:
    for statement in (
        "UPDATE serial_block SET serials = '[1,2)'",
        "DELETE FROM serial_movement",
        "INSERT INTO serial_book (code, unit, demo) VALUES ('x', 'XX', false)",
        "SELECT serial_give(1, 1, 2, NULL, 1)",
        "SELECT ledger_reverse_any(NULL, NULL, NULL, NULL)",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with db.transaction() as session:
                await session.execute(text(statement))
