"""A small town that lives a month: partners send what people did over signed HTTP, people look at it through their own app.

The clock of the process travels forward, day by day, so that what ripens ripens and what lapses lapses.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pyotp

from backend import intake, log, packs, programmes
from backend.engagement import circle, followers
from backend.identity import Role, consent, means, organisations, staff
from backend.intake.mapping import mapping_of
from backend.kit import clock
from backend.kit.clock import SHANGHAI
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.programmes import PointsIdentity
from puhui.audit import audit
from puhui.pack_kinds import register_kinds
from tests.audit.conftest import said
from tests.identity.conftest import PASSWORD, Hired
from tests.mobile_api.conftest import Citizen, PhoneBox, sign_in
from tests.operator_api.conftest import Person
from tests.operator_api.conftest import sign_in as staff_sign_in
from tests.partner_api.conftest import register
from tests.partner_api.signing import Signer, sign_headers

register_kinds()
LIBRARY = packs.load_all()
EIGHT = (
    "sz-carbon-account", "nj-green-travel", "wh-carbon-pack", "gz-carbon-inclusion", "bj-no-drive-days", "ant-forest",
    "fz-carbon-inclusion", "hd-carbon-coin",
)  # fmt: skip
SHOWN = consent.agreement(circle.AGREEMENT, purpose=circle.PURPOSE).sha256.hex()
SINCE = dt.datetime(2020, 1, 1, tzinfo=SHANGHAI)
Event = Mapping[str, object]


TOKEN = dt.timedelta(minutes=8)  # after which somebody signs in anew; a token lasts ten
WEEKENDS = (6, 7, 13, 14, 20, 21, 27, 28)  # days of the month on which the town's people leave their cars


def first_of_next_month() -> dt.date:
    """The first day of the month that is simulated: always ahead, so that time only ever moves forward."""
    today = clock.today()
    return dt.date(today.year + today.month // 12, today.month % 12 + 1, 1)


class TravellingSigner(Signer):
    """A partner's machine whose clock is ours, wherever that travelled."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        named, real = sign_headers.__globals__, sign_headers.__globals__["time"]
        named["time"] = SimpleNamespace(time=lambda: clock.now().timestamp())
        try:
            yield from super().auth_flow(request)
        finally:
            named["time"] = real


@dataclass
class Someone:
    """A citizen of the town: a phone, cards, and the app, signed in anew wherever the clock stands."""

    town: Town
    citizen: Citizen
    cards: dict[str, str]
    signed_in_at: dt.datetime = field(default_factory=clock.now)

    @property
    def id(self) -> UUID:
        return self.citizen.id

    async def app(self) -> Citizen:
        """The app, signed in; anew where the clock went on, since a token lasts ten minutes."""
        if abs(clock.now() - self.signed_in_at) < TOKEN:
            return self.citizen
        self.citizen = await sign_in(self.town.phone_client, self.town.phones, self.citizen.phone)
        self.signed_in_at = clock.now()
        return self.citizen

    async def get(self, path: str) -> Any:
        answer = await (await self.app()).get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None, *, status: int = 201) -> Any:
        answer = await (await self.app()).post(path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def spendable(self, programme: str) -> int:
        return int((await self.wallet(programme))["spendable"])

    async def agrees(self, programme: str, name: str) -> str:
        """Agree to be shown to others under a name; the handle."""
        app = await self.app()
        asked = {"display_name": name, "text_sha256": SHOWN}
        answer = await app.put(f"/programmes/{programme}/profile", asked)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["handle"])

    async def takes(self, programme: str, *rewards: str) -> None:
        """Spend points on rewards that the programme gives itself."""
        for reward in rewards:
            await self.post(f"/programmes/{programme}/rewards/{reward}")

    async def refused(self, path: str, body: object = None) -> dict[str, Any]:
        """The problem that a request is answered with."""
        answer = await (await self.app()).post(path, body)
        assert 400 <= answer.status_code < 500, answer.text
        problem: dict[str, Any] = answer.json()
        return problem

    async def wallet(self, programme: str) -> dict[str, Any]:
        told: dict[str, Any] = await self.get(f"/wallets/{programme}")
        return told


@dataclass
class Town:
    """Where a programme's month takes place."""

    db: Database
    settings: Settings
    phones: PhoneBox
    phone_client: httpx.AsyncClient
    partner_client: httpx.AsyncClient
    staff_client: httpx.AsyncClient
    first: dt.date = field(default_factory=first_of_next_month)
    signers: dict[str, Signer] = field(default_factory=dict)
    organisations: set[str] = field(default_factory=set)
    people: dict[str, list[Hired]] = field(default_factory=dict)
    signed_in: dict[str, tuple[Person, dt.datetime]] = field(default_factory=dict)

    async def organisation(self, code: str, role: Role) -> None:
        """An organisation, unless it is there."""
        if code not in self.organisations:
            self.organisations.add(code)
            async with self.db.transaction() as session:
                await organisations.create_organisation(
                    session, code=code, name_zh="机构", name_en="Organisation", roles=[role]
                )

    async def hire(self, role: Role, organisation: str) -> Hired:
        """One of an organisation's people."""
        await self.organisation(organisation, role)
        async with self.db.transaction() as session:
            made = await staff.create_staff(
                session,
                self.settings.keys,
                organisation_code=organisation,
                login=f"s{uuid4().hex[:10]}",
                password=PASSWORD,
                roles=[role],
            )
        parsed = pyotp.parse_uri(made.totp_uri)
        assert isinstance(parsed, pyotp.TOTP)
        return Hired(made.staff.id, made.staff.login, parsed)

    async def at_work(self, role: Role, organisation: str, *, nth: int = 1) -> Person:
        """The n-th of an organisation's people, signed in at this moment of the clock."""
        there = self.people.setdefault(organisation, [])
        while len(there) < nth:
            there.append(await self.hire(role, organisation))
        hired = there[nth - 1]
        person, since = self.signed_in.get(hired.login, (None, clock.now()))
        if person is None or abs(clock.now() - since) >= TOKEN:
            answered = await staff_sign_in(self.staff_client, hired)
            assert answered.status_code == 200, answered.text
            person = Person(hired, answered.json(), self.staff_client)
            self.signed_in[hired.login] = person, clock.now()
        return person

    async def does(self, person: Person, path: str, body: object, *, status: int = 201) -> Any:
        """What somebody of the staff does, and is answered."""
        answer = await person.post(path, body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def run(self, programme: str, *, overlay: bool = True) -> Any:
        """Its operator lets the programme run as its pack says, settled by its demo overlay or by none."""
        operator = LIBRARY.find(programme).data["pack"]["operator"]
        person = await self.at_work(Role.OPERATOR, operator)
        overlays = [f"{programme}-demo"] if overlay else []
        return await self.does(person, "/programmes", {"pack": programme, "overlays": overlays})

    async def feed(self, mapping: str, *, overlays: Iterable[str] = (), code: str | None = None) -> str:
        """A source read by a mapping, and its partner with a live key."""
        read = mapping_of(LIBRARY.find(mapping))
        name = code or mapping
        async with self.db.transaction() as session:
            running = await programmes.programme_of(session, code=read.source.programme)
            source = replace(intake.source_by_mapping(name, read), overlays=tuple(overlays))
            await intake.register_source(session, source, programme_id=running.id)
        if read.source.partner not in self.signers:
            two = [await self.hire(Role.PARTNER, read.source.partner) for _ in range(2)]
            _, signer = await register(self.db, two[0].id, two[1].id)
            self.signers[read.source.partner] = TravellingSigner(signer.key_id, signer.key)
        return name

    async def citizen(self, *mappings: str, right: bool = False) -> Someone:
        """Somebody with the app and one card for each of these mappings, as its operator's list says."""
        who = Someone(self, await sign_in(self.phone_client, self.phones), {})
        async with self.db.transaction() as session:
            for mapping in mappings:
                named = mapping_of(LIBRARY.find(mapping)).means
                who.cards[mapping] = f"{mapping}-{uuid4().hex[:10]}"
                await means.link_list(
                    session,
                    self.settings.keys,
                    kind=named.kind,
                    operator=named.operator,
                    lines=[means.Listed(number=who.cards[mapping], participant_id=who.id, held_from=SINCE)],
                    proof_reference="the operator's list",
                )
            if right:
                await consent.assign_right_list(session, participant_ids=[who.id], covers_from=SINCE)
        return who

    def day(self, number: int) -> dt.date:
        """The n-th day of the month, from 1."""
        return self.first + dt.timedelta(days=number - 1)

    def when(self, number: int, hour: int = 9, minute: int = 0) -> str:
        """The same, as an event says it."""
        return self.at(number, hour, minute).isoformat()

    def at(self, number: int, hour: int = 9, minute: int = 0) -> dt.datetime:
        """A moment of the n-th day in Shanghai."""
        return dt.datetime.combine(self.day(number), dt.time(hour, minute), tzinfo=SHANGHAI)

    async def send(self, source: str, events: Iterable[Event]) -> dict[str, Any]:
        """Send a batch as the source's partner, now by our clock; every event has to be taken."""
        told = await self.answered(source, events)
        assert told.status_code == 200, told.text
        body: dict[str, Any] = told.json()
        assert body["accepted"] == body["received"], [
            one for one in body["events"] if one["outcome"] != "accepted"
        ]
        return body

    async def answered(self, source: str, events: Iterable[Event]) -> httpx.Response:
        """What a batch of events is answered, whatever that is."""
        async with self.db.transaction() as session:
            partner = (await intake.source_of(session, source)).partner
        return await self.partner_client.post(
            "/batches",
            content=json.dumps({"source": source, "events": list(events)}).encode(),
            headers={"content-type": "application/json", "idempotency-key": str(uuid4())},
            auth=self.signers[partner],
        )

    async def month(self, source: str, events: Callable[[int], list[Event]]) -> None:
        """Send every week what happened on its days, 1 to 30, at the week's end by our clock."""
        for first, last in ((1, 7), (8, 14), (15, 21), (22, 28), (29, 30)):
            week = [event for day in range(first, last + 1) for event in events(day)]
            if week:
                with clock.travel(self.at(last, 23)):
                    await self.send(source, week)

    async def follow(self) -> None:
        """What follows from acts: the job that the beat rings for."""
        await followers.follow(self.db)

    async def grams_of(self, programme: str) -> tuple[int, int]:
        """Grams in the programme's pools, and all others."""
        async with self.db.transaction() as session:
            running = await programmes.programme_of(session, code=programme)
            figures = await programmes.figures_of(session, programme=running)
        return figures.pooled_g, sum(figures.uncredited_g.values())

    async def figures_of(self, programme: str) -> PointsIdentity:
        """What became of every point."""
        async with self.db.transaction() as session:
            return await programmes.points_identity(session, programme=programme)

    async def passes_the_audit(self) -> None:
        """Seal what there is, and ask every invariant."""
        for _ in range(100):
            await log.seal_and_publish(self.db, settings=self.settings)
            async with self.db.transaction() as session:
                if not any(part.waiting for part in await log.coverage(session)):
                    break
            await asyncio.sleep(0.05)
        report = await audit(self.db, self.settings)
        found = said(report)
        assert found == [], "\n".join(found)
