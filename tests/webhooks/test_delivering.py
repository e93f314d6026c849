"""Deliveries to a receiver on this machine: signed, tried again, ended, replayed, and never led elsewhere."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from backend import webhooks
from backend.identity import Role, organisations, staff
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.webhooks import EventType, Form, State

HAPPENED = EventType("shop.opened", "商店开门", "A shop opened.")
webhooks.register(HAPPENED)


@dataclass
class Receiver:
    """A receiver that answers as told and remembers what came."""

    port: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    came: list[tuple[dict[str, str], str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        raw = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.came.append(({name.lower(): value for name, value in raw.items()}, body.decode()))
        status, more = self.answers.pop(0) if self.answers else (204, {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        writer.write(
            f"HTTP/1.1 {status} said\r\n{lines}content-length: 0\r\nconnection: close\r\n\r\n".encode()
        )
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@pytest.fixture(scope="module")
def trial(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})


@pytest.fixture(scope="module")
async def clerk(db: Database, settings: Settings) -> UUID:
    async with db.transaction() as session:
        await organisations.create_organisation(
            session, code="teahouse", name_zh="茶馆", name_en="Teahouse", roles=[Role.MERCHANT]
        )
        hired = await staff.create_staff(
            session, settings.keys, organisation_code="teahouse", login="tea",
            password="correct horse battery", roles=[Role.MERCHANT],
        )  # fmt: skip
    return hired.staff.id


@dataclass
class House:
    """A merchant with one webhook."""

    db: Database
    settings: Settings
    organisation_id: UUID
    clerk: UUID
    endpoint_id: UUID
    key: str

    async def tell(self, event_id: UUID | None = None) -> UUID:
        event_id = event_id or uuid4()
        async with self.db.transaction() as session:
            await webhooks.tell(
                session,
                organisation_id=self.organisation_id,
                event=HAPPENED.name,
                data={"shop": "茶馆", "points": 3},
                event_id=event_id,
            )
        return event_id

    async def deliver(self) -> int:
        return await webhooks.deliver_due(self.db, self.settings)

    async def deliveries(self) -> list[webhooks.Delivery]:
        async with self.db.transaction() as session:
            return await webhooks.deliveries_of(
                session, organisation_id=self.organisation_id, endpoint_id=self.endpoint_id
            )

    async def endpoint(self) -> webhooks.Endpoint:
        async with self.db.transaction() as session:
            return await webhooks.endpoint_of(
                session, organisation_id=self.organisation_id, endpoint_id=self.endpoint_id
            )

    async def rotate(self, hours: int) -> str:
        async with self.db.transaction() as session:
            made = await webhooks.rotate(
                session,
                organisation_id=self.organisation_id,
                endpoint_id=self.endpoint_id,
                overlap=dt.timedelta(hours=hours),
                made_by=self.clerk,
            )
        return webhooks.told_secret(self.settings.keys, form=Form.HMAC, secret=made.id)


async def open_house(
    db: Database, settings: Settings, clerk: UUID, url: str, form: Form = Form.HMAC
) -> House:
    async with db.transaction() as session:
        made = await organisations.create_organisation(
            session, code=f"m-{uuid4().hex[:8]}", name_zh="商户", name_en="Shop", roles=[Role.MERCHANT]
        )
        endpoint, secret = await webhooks.make(
            session,
            settings,
            organisation_id=made.id,
            url=url,
            wanted=[HAPPENED.name],
            form=form,
            made_by=clerk,
        )
    key = webhooks.told_secret(settings.keys, form=form, secret=secret.id)
    return House(db, settings, made.id, clerk, endpoint.id, key)


@pytest.fixture
async def house(db: Database, trial: Settings, clerk: UUID, receiver: Receiver) -> AsyncIterator[House]:
    opened = await open_house(db, trial, clerk, receiver.url)
    yield opened
    async with db.transaction() as session:
        await webhooks.remove(session, organisation_id=opened.organisation_id, endpoint_id=opened.endpoint_id)


async def test_what_is_told_arrives_signed_for_the_standards_library(
    house: House, receiver: Receiver
) -> None:
    event_id = await house.tell()
    assert await house.deliver() == 1
    headers, body = receiver.came[0]
    told = Webhook(house.key).verify(body, headers)
    assert told["type"] == "shop.opened"
    assert told["data"] == {"shop": "茶馆", "points": 3}
    assert headers["webhook-id"] == f"msg_{event_id}"
    assert headers["content-type"] == "application/json"
    assert [one.state for one in await house.deliveries()] == [State.DELIVERED]
    with pytest.raises(WebhookVerificationError):
        Webhook(house.key).verify(body.replace("3", "4"), headers)


async def test_the_asymmetric_form_verifies_with_the_public_key(
    db: Database, trial: Settings, clerk: UUID, receiver: Receiver
) -> None:
    house = await open_house(db, trial, clerk, receiver.url, Form.ED25519)
    await house.tell()
    await house.deliver()
    headers, body = receiver.came[0]
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(house.key.removeprefix("whpk_")))
    version, signature = headers["webhook-signature"].split(",")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    public.verify(base64.b64decode(signature), signed)
    assert version == "v1a"
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature), signed + b" ")


async def test_what_was_rolled_back_is_told_to_nobody(house: House, receiver: Receiver) -> None:
    with contextlib.suppress(RuntimeError):
        async with house.db.transaction() as session:
            await webhooks.tell(
                session,
                organisation_id=house.organisation_id,
                event=HAPPENED.name,
                data={},
                event_id=ids.uuid7(),
            )
            raise RuntimeError
    assert await house.deliver() == 0
    assert not receiver.came


async def test_the_same_event_is_told_once(house: House, receiver: Receiver) -> None:
    event_id = await house.tell()
    await house.tell(event_id)
    await house.deliver()
    assert len(receiver.came) == 1


async def test_keys_overlap_while_one_replaces_another(house: House, receiver: Receiver) -> None:
    newer = await house.rotate(24)
    await house.tell()
    await house.deliver()
    headers, body = receiver.came[0]
    assert len(headers["webhook-signature"].split(" ")) == 2
    for key in (house.key, newer):
        Webhook(key).verify(body, headers)
    with clock.travel(clock.now() + dt.timedelta(hours=25)):
        await house.tell()
        await house.deliver()
    headers, _body = receiver.came[1]
    assert len(headers["webhook-signature"].split(" ")) == 1


async def test_a_fault_is_tried_again_under_the_same_id_until_it_is_given_up(
    house: House, receiver: Receiver
) -> None:
    receiver.answers = [(500, {})] * 10
    await house.tell()
    moment = clock.now()
    for day in range(1, 11):
        with clock.travel(moment + day * dt.timedelta(hours=30)):
            await house.deliver()
    assert len({headers["webhook-id"] for headers, _ in receiver.came}) == 1
    [delivery] = await house.deliveries()
    assert (delivery.state, delivery.attempts) == (State.GIVEN_UP, 10)
    endpoint = await house.endpoint()
    assert endpoint.disabled_because == "failing"  # nothing arrived for more than five days
    async with house.db.transaction() as session:
        _, tries = await webhooks.delivery_of(
            session, organisation_id=house.organisation_id, delivery_id=delivery.id
        )
    assert [(one.number, one.status) for one in tries] == [(number, 500) for number in range(1, 11)]


async def test_nothing_is_tried_before_its_time_and_retry_after_is_kept(
    house: House, receiver: Receiver
) -> None:
    receiver.answers = [(503, {"retry-after": "3600"})]
    await house.tell()
    moment = clock.now()
    assert await house.deliver() == 1
    with clock.travel(moment + dt.timedelta(minutes=55)):
        assert await house.deliver() == 0
    with clock.travel(moment + dt.timedelta(minutes=61)):
        assert await house.deliver() == 1
    assert [one.state for one in await house.deliveries()] == [State.DELIVERED]


async def test_gone_disables_the_webhook_and_ends_what_waits(house: House, receiver: Receiver) -> None:
    receiver.answers = [(410, {}), (500, {})]
    await house.tell()
    await house.deliver()
    await house.tell()
    endpoint = await house.endpoint()
    assert endpoint.disabled_because == "gone"
    assert await house.deliver() == 0
    assert [one.state for one in await house.deliveries()] == [State.GIVEN_UP]  # the second was never kept


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("https://169.254.169.254/latest/meta-data", "refused:not_public"),
        ("http://localhost.localdomain.invalid/", "refused:not_found"),
        ("http://10.0.0.1/", "refused:not_https"),
        ("file:///etc/passwd", "refused:unreadable"),
    ],
)
async def test_a_redirect_into_a_private_network_is_not_followed(
    house: House, receiver: Receiver, location: str, fault: str
) -> None:
    receiver.answers = [(307, {"location": location})]
    await house.tell()
    await house.deliver()
    [delivery] = await house.deliveries()
    async with house.db.transaction() as session:
        _, tries = await webhooks.delivery_of(
            session, organisation_id=house.organisation_id, delivery_id=delivery.id
        )
    assert [one.fault for one in tries] == [fault]


async def test_a_redirect_is_followed_twice_at_most_with_the_same_body(
    house: House, receiver: Receiver
) -> None:
    receiver.answers = [(308, {"location": "/moved"})]
    await house.tell()
    await house.deliver()
    assert len(receiver.came) == 2
    assert receiver.came[0][1] == receiver.came[1][1]
    receiver.answers = [(307, {"location": "/again"})] * 3
    receiver.came.clear()
    await house.tell()
    await house.deliver()
    assert len(receiver.came) == 3
    newest = (await house.deliveries())[0]
    assert newest.state is State.WAITING


async def test_a_private_address_is_not_connected_to_even_if_it_stands_in_the_table(
    db: Database, settings: Settings, trial: Settings, clerk: UUID, receiver: Receiver
) -> None:
    house = await open_house(db, trial, clerk, receiver.url.replace("http:", "https:"))
    await house.tell()
    await webhooks.deliver_due(db, settings)  # the trial network is no longer let in
    assert not receiver.came
    async with db.transaction() as session:
        [delivery] = await webhooks.deliveries_of(
            session, organisation_id=house.organisation_id, endpoint_id=house.endpoint_id
        )
        _, tries = await webhooks.delivery_of(
            session, organisation_id=house.organisation_id, delivery_id=delivery.id
        )
    assert [one.fault for one in tries] == ["refused:not_public"]


async def test_given_up_deliveries_are_replayed_by_span_and_delivered_ones_only_when_asked(
    house: House, receiver: Receiver
) -> None:
    receiver.answers = [(410, {})]
    await house.tell()
    await house.deliver()
    whole = {"since": clock.now() - dt.timedelta(days=1), "until": clock.now() + dt.timedelta(days=1)}
    which = {"organisation_id": house.organisation_id, "endpoint_id": house.endpoint_id}
    async with house.db.transaction() as session:
        with pytest.raises(webhooks.WebhookDisabled):
            await webhooks.replay_span(session, **which, **whole, delivered=False)  # type: ignore[arg-type]
    async with house.db.transaction() as session:
        await webhooks.enable(session, **which)
        assert await webhooks.replay_span(session, **which, **whole, delivered=False) == 1  # type: ignore[arg-type]
    assert await house.deliver() == 1
    async with house.db.transaction() as session:
        assert await webhooks.replay_span(session, **which, **whole, delivered=False) == 0  # type: ignore[arg-type]
        assert await webhooks.replay_span(session, **which, **whole, delivered=True) == 1  # type: ignore[arg-type]
    assert await house.deliver() == 1
    first, second, third = (headers["webhook-id"] for headers, _ in receiver.came)
    assert first == second == third


async def test_two_workers_share_the_work(house: House, receiver: Receiver) -> None:
    for _ in range(12):
        await house.tell()
    await asyncio.gather(house.deliver(), house.deliver())
    assert len(receiver.came) == 12 == len({headers["webhook-id"] for headers, _ in receiver.came})


async def test_a_worker_that_dies_loses_its_lease_and_the_message_arrives(
    house: House, receiver: Receiver
) -> None:
    await house.tell()
    async with house.db.transaction() as session:  # taken by a worker that was never heard of again
        from backend.webhooks import queries

        now = clock.now()
        lease = {"now": now, "lease": now + dt.timedelta(minutes=2), "each": 10, "most": 100}
        assert len((await session.execute(queries.CLAIM, lease)).all()) == 1
    assert await house.deliver() == 0
    with clock.travel(clock.now() + dt.timedelta(minutes=3)):
        await house.deliver()
    assert len(receiver.came) == 1
    assert json.loads(receiver.came[0][1])["type"] == "shop.opened"
