"""A third programme that gives money out of a budget: used up by acts and by one linked later, taken back, and paid out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from uuid import UUID

from backend import intake, packs, programmes
from backend.identity import Role, means, organisations, people, staff
from backend.intake import holding, mapping_of, source_by_mapping
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import payouts
from tests.programmes.seconds import MONEY, SAMPLE, second

CODE, SOURCE, BIKES = "audited-money", "money-bikes", "gz-bikes"
LIBRARY = packs.load_all()
SINCE = dt.datetime(2026, 1, 1, tzinfo=clock.SHANGHAI)
PACK = second(
    MONEY,
    (f'id           = "{SAMPLE}"', f'id = "{CODE}"'),
    (f'project = "{SAMPLE}"', f'project = "{CODE}"'),
    ('operator     = "gd-operator"', 'operator = "money-operator"'),
    budget=60,
    floor=10,
)


async def build(db: Database, settings: Settings) -> None:
    """Two rides within the budget, one that gets the rest of it, one for nothing and one of nobody yet; then one is withdrawn,
    the one of nobody is linked for what came back, and everything is paid out.
    """
    async with db.transaction() as session:
        running = await programmes.register(session, pack=PACK)
        source = replace(
            source_by_mapping(SOURCE, mapping_of(LIBRARY.find("bike-share-distance"))), programme=CODE
        )
        await intake.register_source(session, source, programme_id=running.id)
        (rider, other) = await people.register_many(session, count=2)
        await organisations.create_organisation(
            session, code="money-operator", name_zh="补贴方", name_en="Who pays", roles=[Role.OPERATOR]
        )
        two = [
            await staff.create_staff(
                session, settings.keys, organisation_code="money-operator", login=login,
                password="correct horse battery", roles=[Role.OPERATOR],
            )
            for login in ("cashier", "treasurer")
        ]  # fmt: skip
    await _link(db, settings, rider, "M0")
    events = [_ride("M0", hour) for hour in range(4)] + [_ride("M1", 5)]
    await intake.take(db, settings, source=SOURCE, rows=events, library=LIBRARY)
    async with db.transaction() as session:
        keys = [act.key for act in await intake.acts_of(session, participant_id=rider)]
        await holding.take_back(session, key=keys[1], staff_id=two[0].staff.id, reason="test")
    await _link(db, settings, other, "M1")
    async with db.transaction() as session:
        token = means.means_token(settings.keys, "bike_account", BIKES, "M1")
        await intake.claim_waiting(session, participant_id=other, token=token)
    await intake.take(db, settings, source=SOURCE, rows=[_ride("M1", 9)], library=LIBRARY)
    async with db.transaction() as session:
        running = await programmes.programme_of(session, code=CODE)
        act = await payouts.propose(session, programme=running, proposed_by=two[0].staff.id)
    async with db.transaction() as session:
        await payouts.approve(
            session,
            programme=running,
            act_id=act.id,
            approved_by=two[1].staff.id,
            subject_sha256=act.subject_sha256,
        )


async def _link(db: Database, settings: Settings, who: UUID, number: str) -> None:
    async with db.transaction() as session:
        await means.link(
            session, settings.keys, participant_id=who, kind="bike_account", operator=BIKES, number=number,
            held_from=SINCE, proof_reference="list",
        )  # fmt: skip


def _ride(account: str, hour: int) -> dict[str, object]:
    """4 km: 19 fen."""
    started = dt.datetime.combine(clock.today() - dt.timedelta(days=3), dt.time(8), clock.SHANGHAI)
    started += dt.timedelta(hours=hour)
    return {
        "account_no": account,
        "started_at": started.isoformat(),
        "ended_at": (started + dt.timedelta(minutes=20)).isoformat(),
        "distance_m": 4_000 + hour,
    }


_CLAIMED = "(SELECT u.claim_key FROM action_unfunded u JOIN action_claim c USING (claim_key))"
_HELD = "(SELECT u.claim_key FROM action_unfunded u JOIN action a USING (claim_key) WHERE a.participant_id IS NOT NULL)"
_MOVED = "UPDATE ledger_transfer SET amount = amount {0} WHERE reason = '{1}'"
_EXCHANGED = """
    UPDATE action_unfunded u SET posting_id = (SELECT r.posting_id FROM budget_reached r
                                               WHERE r.posting_id <> u.posting_id ORDER BY 1 LIMIT 1)
"""
CASES: dict[str, list[tuple[str, ...]]] = {
    "budgets.kept": [
        (
            "UPDATE budget_reached SET room = room + 1, given = GREATEST(room + 1 + freed, 0), wanted = wanted + 9",
        ),
        ("UPDATE budget_reached SET snapshot = '3:3:'",),
        (
            "UPDATE budget_reached SET freed = freed + 5, given = given + 5, wanted = wanted + 5 WHERE room >= 0",
        ),
        ("UPDATE budget_reached SET wanted = wanted + 1",),
        ("UPDATE budget_reached SET budget_year = 2026",),
        ("UPDATE action_unfunded SET points = points + 1",),
        ("DELETE FROM action_unfunded",),
        (f"DELETE FROM action_unfunded WHERE claim_key IN {_CLAIMED}",),
        (
            "UPDATE action_unfunded SET claim_key = (left(claim_key::text, 8) || right(gen_random_uuid()::text, 28))::uuid",
        ),
        (_EXCHANGED,),
        (f"UPDATE action SET line = line - 10 WHERE claim_key IN {_HELD}",),
        (_MOVED.format("+ 100", "benefit.earned"),),
    ],
    "benefits.accounted": [
        ("UPDATE ledger_account SET balance = balance + 1 WHERE kind = 'benefit'",),
        (_MOVED.format("- 1", "benefit.paid_out"),),
        ("UPDATE ledger_account SET balance = balance - 100 WHERE kind = 'overpaid' OR kind = 'benefit'",),
        ("UPDATE benefit_payout SET amount_fen = amount_fen + 1",),
        ("UPDATE benefit_payout SET people = people + 1",),
        ("UPDATE benefit_payout SET proposed_by = approved_by, approved_by = proposed_by",),
        ("UPDATE benefit_payout SET file_sha256 = repeat('0', 64)",),
        ("UPDATE benefit_payout SET approval_id = gen_random_uuid()",),
        ("UPDATE benefit_payout_line SET amount_fen = amount_fen + 1",),
        ("DELETE FROM benefit_payout_line",),
    ],
}
