"""An account is closed and its person erased, while the books, the acts, the batches and the log stay whole and can be audited."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import text

from backend import ledger
from backend.identity import closing, consent, devices, means, people
from backend.intake.holding import withdraw
from backend.kit import ids
from tests.certification.conftest import BIKES, SINCE, Town, rides_of, town

__all__ = ["town"]
PHONE, DEVICE = "+8613700137000", "梧桐的手机"


async def citizen(town: Town, account: str, phone: str = PHONE) -> UUID:
    """A citizen with everything personal that there is: a phone, a named device, a linked account."""
    keys = town.settings.keys
    async with town.db.transaction() as session:
        who = await people.citizen_with_phone(session, keys, phone=phone)
        await consent.assign_right_list(session, participant_ids=[who], covers_from=SINCE)
        await means.link(
            session, keys, participant_id=who, kind="bike_account", operator=BIKES, number=account,
            held_from=SINCE, proof_reference="list",
        )  # fmt: skip
        await devices.seen(session, keys, participant_id=who, secret="e" * 32, name=DEVICE)
    return who


async def everything(superuser: asyncpg.Connection[asyncpg.Record]) -> dict[str, bytes]:
    """Every table as bytes: its rows as text, and what binary columns hold."""
    found = await superuser.fetch("""
        SELECT c.relname AS table, array_agg(a.attname) FILTER (WHERE a.atttypid = 'bytea'::regtype) AS binary
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition GROUP BY 1
    """)
    held = {}
    for one in found:
        columns = ", ".join(f'"{column}"' for column in one["binary"] or ())
        asked = f"t::text{', ' if columns else ''}{columns}"
        rows = await superuser.fetch(f'SELECT {asked} FROM "{one["table"]}" t')
        held[one["table"]] = b"\n".join(
            value.encode() if isinstance(value, str) else value
            for row in rows
            for value in row
            if value is not None
        )
    return held


async def test_erasing_a_person_leaves_books_and_proofs_whole_and_no_key_anywhere(
    town: Town, superuser: asyncpg.Connection[asyncpg.Record]
) -> None:
    who = await citizen(town, "E1")
    await town.ride("2018-03", rides_of(5_000), account="E1")
    frozen = await town.close("2018-03")
    await town.ride("2018-04", rides_of(3_000), account="E1")
    keys = town.settings.keys
    async with town.db.transaction() as session:
        data_key = await people.data_key(session, keys, participant_id=who)
        rows = await session.execute(
            text("SELECT wrapped FROM person_key WHERE participant_id = :who"), {"who": who}
        )
        wrapped = bytes(rows.scalar_one())
        told = await closing.told(session, participant_id=who)
    assert data_key is not None
    assert [(one["leave_g"], one["stay_g"]) for one in told["grams"]] == [(0, 5_000), (3_000, 0)]
    assert sum(int(str(one["points"])) for one in told["points"]) == sum(
        int(str(one["points_forfeited"])) for one in told["wallets"]
    )
    assert any(wrapped in whole for whole in (await everything(superuser)).values())

    async with town.db.transaction() as session:
        await closing.close(session, participant_id=who)
    async with town.db.transaction() as session:
        assert await people.data_key(session, keys, participant_id=who) is None
        assert await people.phone_of(session, keys, participant_id=who) is None
        assert await people.holder_of_phone(session, keys, phone=PHONE) is None
        held = await means.holdings_of(session, keys, participant_id=who)
        assert [one.hint for one in held] == [None]
        assert [one.name for one in await devices.devices_of(session, keys, participant_id=who)] in (
            [],
            [None],
        )
    for table, whole in (await everything(superuser)).items():
        for secret in (data_key, wrapped, PHONE.encode(), PHONE[3:].encode(), DEVICE.encode()):
            assert secret not in whole, table
            assert secret.hex().encode() not in whole, table

    await town.verify(frozen)
    await town.issue(frozen)
    assert not await town.violations()


async def test_what_is_withdrawn_after_closing_is_a_debt_that_nobody_is_asked_for(town: Town) -> None:
    account = f"E{uuid4().hex[:6]}"
    who = await citizen(town, account, phone="+8613700137001")
    await town.ride("2019-05", rides_of(4_000), account=account)
    async with town.db.transaction() as session:
        told = await closing.close(session, participant_id=who)
        rows = await session.execute(
            text("SELECT claim_key, points FROM action WHERE participant_id = :who"), {"who": who}
        )
        ((key, points),) = rows.all()
    assert points == sum(int(str(one["points"])) for one in told["points"])
    async with town.db.transaction() as session:
        (gone,) = await withdraw(session, keys=[key], cause="withdrawn", reference=ids.uuid7())
    assert gone.owed == points
    async with town.db.transaction() as session:
        debts = await ledger.lots(session, prefix=f"debt:{who}:")
        after = await closing.told(session, participant_id=who)
    assert sum(-one.balance for one in debts) == points
    assert [one["points_owed"] for one in after["wallets"]] == ([points] if points else [])
    named = [
        one for one in await town.violations() if "no correction" not in one
    ]  # it was asked for by nobody here
    assert named == []
