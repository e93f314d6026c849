"""Trees: handed over once, planted once, really or on screen, with certificates that name nobody who did not ask for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from backend.engagement import planting, rewards
from backend.engagement.planting import Certificate, Order
from backend.kit import clock
from backend.kit.db import Database
from backend.programmes import Registered
from backend.programmes.features import Name
from tests.concurrency.conftest import no_deadlock
from tests.concurrency.test_many_at_once import all_of
from tests.engagement.games.conftest import Arrive, Player

__all__ = ["no_deadlock"]

Report = Callable[..., Awaitable[Order]]
Ordered = Callable[..., Awaitable[Order]]
HandOver = Callable[[], Awaitable[planting.Batch]]


@pytest.fixture
def ordered(db: Database, programme: Registered) -> Ordered:
    async def one(player: Player, reward: str = "saxaul") -> Order:
        async with db.transaction() as session:
            return await planting.order(
                session, programme=programme, reward_id=reward, participant_id=player.id
            )

    return one


@pytest.fixture
def report(db: Database, programme: Registered, gardener: UUID) -> Report:
    async def one(order: Order, reference: str, **other: object) -> Order:
        given: dict[str, Any] = {
            "reference": reference,
            "place": "甘肃省武威市民勤县",
            "planted_on": clock.today(),
            "stands_until": None,
            "partner": "desert",
        }
        async with db.transaction() as session:
            return await planting.planted(
                session, programme=programme, order_id=order.id, reported_by=gardener, **(given | other)
            )

    return one


@pytest.fixture
def fail(db: Database, programme: Registered, gardener: UUID) -> Report:
    async def one(order: Order) -> Order:
        async with db.transaction() as session:
            return await planting.failed(
                session, programme=programme, order_id=order.id, reason="drought", reported_by=gardener
            )

    return one


@pytest.fixture
def hand_over(db: Database, programme: Registered, clerk: UUID) -> HandOver:
    async def one() -> planting.Batch:
        async with db.transaction() as session:
            return await planting.hand_over(session, programme=programme, partner="desert", made_by=clerk)

    return one


async def test_an_order_is_handed_over_once_and_becomes_a_tree_with_a_number(
    db: Database, player: Player, ordered: Ordered, report: Report, hand_over: HandOver
) -> None:
    first = await ordered(player)
    assert (first.state, await player.points()) == ("waiting", 80)
    with pytest.raises(planting.NotHandedOver):
        await report(first, "A-1", partner=None)
    batch = await hand_over()
    with pytest.raises(planting.NothingToHandOver):
        await hand_over()
    assert batch.orders >= 1
    planted = await report(first, "A-1")
    assert (planted.state, planted.partner, planted.reference) == ("planted", "desert", "A-1")
    with pytest.raises(planting.NotHandedOver):
        await report(first, "A-2")
    second = await ordered(player)
    await hand_over()
    with pytest.raises(planting.ReferenceTaken):
        await report(second, "A-1")
    with pytest.raises(planting.OrderUnknown):
        await report(second, "A-2", partner="another")
    for unfit in (
        {"planted_on": clock.today() + dt.timedelta(days=1)},
        {"planted_on": clock.today() - dt.timedelta(days=1)},
        {"stands_until": clock.today()},
    ):
        with pytest.raises(planting.ReportUnfit):
            await report(second, "A-2", **unfit)
    async with db.transaction() as session:
        found = await planting.certificate(session, number=(planted.certificate or "").lower())
        with pytest.raises(planting.NoCertificate):
            await planting.certificate(session, number="0000-0000-0000")
    assert (found.number, found.real, found.reference) == (planted.certificate, True, "A-1")


async def test_what_cannot_be_planted_gives_the_points_back_to_the_exact_lots(
    player: Player, ordered: Ordered, hand_over: HandOver, fail: Report
) -> None:
    before = await player.lots()
    order = await ordered(player)
    await hand_over()
    failed = await fail(order)
    with pytest.raises(planting.NotHandedOver):
        await fail(order)
    assert (failed.state, failed.words, await player.lots()) == ("failed", "drought", before)


async def test_where_nobody_plants_a_tree_grows_on_screen_at_once_and_is_called_virtual(
    db: Database, programme: Registered, player: Player, ordered: Ordered, hand_over: HandOver
) -> None:
    order = await ordered(player, "sapling")
    assert (order.state, order.partner, order.batch_id) == ("planted", None, None)
    await ordered(player)
    batch = await hand_over()
    async with db.transaction() as session:
        handed = await planting.orders(session, programme=programme, batch_id=batch.id)
        told = await planting.certificate(session, number=order.certificate or "")
    assert order.id not in {one.id for one in handed}
    assert told.real is False


async def test_a_tree_is_adopted_by_one_at_a_time(
    arrive: Arrive, ordered: Ordered, report: Report, hand_over: HandOver
) -> None:
    first, second = await arrive(), await arrive()
    order = await ordered(first, "old-oak")
    with pytest.raises(rewards.RewardSoldOut):
        await ordered(second, "old-oak")
    await hand_over()
    with pytest.raises(planting.ReportUnfit):
        await report(order, "oak-7")
    until = clock.today() + dt.timedelta(days=364)
    adopted = await report(order, "oak-7", stands_until=until)
    assert (adopted.state, adopted.stands_until) == ("planted", until)


@pytest.mark.usefixtures("no_deadlock")
async def test_handed_over_and_reported_by_many_at_once_each_order_counts_once(
    arrive: Arrive, ordered: Ordered, report: Report, hand_over: HandOver
) -> None:
    orders = [await ordered(await arrive()) for _ in range(3)]
    batches = await all_of([hand_over() for _ in range(4)])
    assert sum(isinstance(one, planting.Batch) for one in batches) == 1
    answers = await all_of([report(one, f"B-{n}") for n in range(2) for one in orders])
    done = [one for one in answers if isinstance(one, Order)]
    assert len({one.id for one in done}) == len(done)
    assert len({one.reference for one in done}) == len(done)
    assert {one for one in answers if isinstance(one, str)} <= {
        "planting.reference_taken", "planting.not_handed_over"
    }  # fmt: skip


def a_certificate(*, real: bool) -> Certificate:
    return Certificate(
        number="K7MX-2QPD-9T4W",
        programme="forest",
        programme_title=Name("蚂蚁森林", "Forest"),
        kind="planting",
        real=real,
        title=Name("梭梭树", "A saxaul"),
        species=None,
        partner="desert" if real else None,
        reference="A-1" if real else None,
        place="民勤县" if real else None,
        planted_on=dt.date(2026, 10, 12),
        stands_until=None,
        points=17900,
    )


async def test_certificates_are_one_page_as_pdf_and_as_wide_as_a_phone_as_svg() -> None:
    for real in (True, False):
        about = {"address": "https://puhui.test/x", "name": "名" * 20, "printed_on": "2026-11-23"}
        pdf = await planting.as_pdf(a_certificate(real=real), **about)
        assert pdf.startswith(b"%PDF-")
        assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type/Page/") + pdf.count(b"/Type /Page ") <= 1
        svg = ET.fromstring(await planting.as_svg(a_certificate(real=real), **about))  # noqa: S314 - our own
        assert svg.tag.endswith("svg")
        assert svg.attrib["viewBox"].split()[2] == "360"


async def test_markup_in_a_name_is_printed_as_it_is() -> None:
    name = '#panic("x") $a$ *b*'
    made = await planting.as_pdf(a_certificate(real=True), address="x", name=name, printed_on="2026-11-23")
    assert made.startswith(b"%PDF-")
