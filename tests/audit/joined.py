"""An account of WeChat that turns out somebody's who is known by phone: it is joined, and what comes late is moved on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from backend.identity import (
    Role,
    credit_codes,
    devices,
    doors,
    means,
    members,
    organisations,
    people,
    staff,
)
from backend.identity.doors import Provider, Shown
from backend.identity.means import takeovers
from backend.identity.people import ParticipantKind
from backend.kit import clock, ids
from backend.programmes import joined, wallets

if TYPE_CHECKING:
    from uuid import UUID

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
    async with city.db.transaction() as session:
        await organisations.create_organisation(
            session, code="joined-operator", name_zh="运营方", name_en="Operator", roles=[Role.OPERATOR]
        )
        checking = await staff.create_staff(
            session, keys, organisation_code="joined-operator", login="checks",
            password="correct horse battery", roles=[Role.OPERATOR],
        )  # fmt: skip
    for number, confirmed in ((1, True), (2, False)):
        async with city.db.transaction() as session:
            firm = await members.create(session, keys, kind=ParticipantKind.FIRM, name="店", by=stands)
            code = credit_codes.complete(f"91440101MA5CKLMN{number}")
            said = await members.firms.claim(session, keys, group_id=firm.id, code=code, by=stands)
            await members.firms.check(
                session,
                keys,
                claim_id=said.id,
                confirmed=confirmed,
                reason="the register",
                by=checking.staff.id,
            )
    for _ in range(2):
        async with city.db.transaction() as session:
            guest = await people.citizen_without_phone(session, keys)
            code, _ = await members.invite(session, group_id=home.id, by=stands)
            came = await members.accept(session, keys, code=code, member_id=guest)
            await members.acted.note(
                session, group_id=home.id, actor_id=guest, operation="link_means", address="/means"
            )
    async with city.db.transaction() as session:
        await members.end(session, group_id=home.id, membership_id=came.membership_id, by=stands)
    for taken in ("KT0", "KT1", "KT2"):
        await _taken_over(city, source, taken, holder=guest, taker=stands, by=checking.staff.id)
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


async def _taken_over(city: City, source: str, number: str, *, holder: UUID, taker: UUID, by: UUID) -> None:
    """A means that passes after a week (KT0), after an objection (KT1), or not at all (KT2)."""
    keys, now = city.settings.keys, clock.now()
    which: dict[str, Any] = {"kind": "bike_account", "operator": source, "number": number}
    async with city.db.transaction() as session:
        held = await means.link(
            session,
            keys,
            participant_id=holder,
            held_from=now - timedelta(days=9),
            proof_reference="list",
            **which,
        )
        with clock.travel(now - timedelta(days=8)):
            code = means.link_code(keys, **which, day=clock.today())
            asked = await takeovers.ask(session, keys, participant_id=taker, code=code, **which)
            if number != "KT0":
                await takeovers.object_to(session, participant_id=holder, holding_id=held.id, reason="mine")
    if number != "KT0":
        async with city.db.transaction() as session:
            await takeovers.decide(
                session, takeover_id=asked.id, granted=number == "KT1", reason="seen", by=by
            )
    if number != "KT2":
        async with city.db.transaction() as session:
            await takeovers.complete(session, keys, participant_id=taker, takeover_id=asked.id, **which)
