"""An account of WeChat that turns out somebody's who is known by phone: it is joined, and what comes late is moved on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.identity import devices, doors, means, members, people
from backend.identity.doors import Provider, Shown
from backend.identity.people import ParticipantKind
from backend.kit import clock, ids
from backend.programmes import joined, wallets

if TYPE_CHECKING:
    from tests.audit.conftest import City

PHONE = "13900001111"


async def build(city: City, *, source: str, programme: str) -> None:
    """Rides of both accounts, then one account, then a debt that reaches the account that ended; and a household of theirs."""
    keys = city.settings.keys
    async with city.db.transaction() as session:
        stands = await people.citizen_with_phone(session, keys, phone=PHONE)
        ended = await doors.enter(session, keys, shown=Shown(Provider.WECHAT, "app", "o-audited"))
        await devices.seen(session, keys, participant_id=stands, secret="a-secret-of-the-audited-phone")
    async with city.db.transaction() as session:
        home = await members.create(session, keys, kind=ParticipantKind.HOUSEHOLD, name="家", by=stands)
    for _ in range(2):
        async with city.db.transaction() as session:
            guest = await people.citizen_without_phone(session, keys)
            code, _ = await members.invite(session, group_id=home.id, by=stands)
            came = await members.accept(session, keys, code=code, member_id=guest)
    async with city.db.transaction() as session:
        await members.end(session, group_id=home.id, membership_id=came.membership_id, by=stands)
    for name, who in (("J0", stands), ("J1", ended)):
        city.citizens.append(who)
        await city.link(len(city.citizens) - 1, "bike_account", source, name)
    for name in ("J2", "J3", "J4"):
        await city.link(len(city.citizens) - 1, "bike_account", source, name)
    async with city.db.transaction() as session:
        _, lost, old, new = await means.holdings_of(session, keys, participant_id=ended)
        await means.lose(session, keys, participant_id=ended, holding_id=lost.id)
        await means.replace(session, keys, participant_id=ended, holding_id=old.id, by=new)
    rows = [
        f"J{who},2026-11-0{day} 09:00:00,2026-11-0{day} 09:20:00,{3000 + 100 * day}"
        for who in range(2)
        for day in (5, 6)
    ]
    head = "account_no,started_at,ended_at,distance_m"
    await city.take_in(source, "bike-share-distance", "\n".join([head, *rows]) + "\n")
    async with city.db.transaction() as session:
        await joined.join_accounts(session, keys, joined=ended, into=stands, shown="wechat")
    async with city.db.transaction() as session:
        await wallets.claw_back(
            session,
            participant_id=ended,
            programme=programme,
            points=7,
            posting_id=ids.derive(ended, "clawback"),
            happened_at=clock.now(),
        )
    assert await joined.sweep(city.db) == 1
