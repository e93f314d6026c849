"""What happens in the demo city, in order. Every act is done by somebody who may do it, over HTTP where people act;
files come in by the same service as `puhui ingest`.

Two things have no HTTP interface and need none: the machine's owner makes the authority's first two people, as
`puhui admin` does; and members who joined on paper are entered in bulk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from backend import intake, ledger, log, packs
from backend.identity import Role, consent, organisations, people, staff
from backend.intake import Summary
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from backend.log import TreeHead
from backend.packs import Library
from puhui import taking_in
from puhui.demo import city, files
from puhui.demo.city import City, Resident
from puhui.demo.files import Delivery
from puhui.demo.people import Caller, Phone, Phones, StaffMember, city_app, client_of, keep_logins

PROGRAMME = "gd-green-travel"
REGION = "CN-GD"
AUTHORITY = "demo-authority"
OPERATOR = "gd-operator"
BEGINS = city.FIRST_DAY + timedelta(hours=6, minutes=30)  # before the first trip of the month
ENDS = city.FIRST_DAY + timedelta(days=city.DAYS, hours=9)
PARTNERS = {
    "demo-bikes": ("绿行单车（虚构）", "Lüxing bikes (fictional)"),
    "demo-docks": ("演示市公共自行车（虚构）", "Demo city docked bikes (fictional)"),
    "demo-card": ("演示通一卡通（虚构）", "Demo city card (fictional)"),
    "demo-metro": ("演示市地铁（虚构）", "Demo city metro (fictional)"),
    "demo-bus": ("演示市公交（虚构）", "Demo city buses (fictional)"),
}
SOURCES = {
    "demo-bikes": [],
    "demo-docks": [],
    "demo-metro": ["demo-city"],
    "demo-bus": ["demo-city"],
}
PHONES = {"甲": "13900000001", "乙": "13900000002", "丙": "13900000003"}

Step = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Intake:
    """One delivery and what became of it."""

    delivery: Delivery
    summary: Summary
    rejected_file: Path | None

    @property
    def as_planted(self) -> bool:
        """True when exactly the planted dirt was found."""
        found, sums = self.delivery, self.summary
        return (sums.duplicates, sums.conflicts, sums.rejected) == (
            found.duplicates, found.conflicts, found.rejected,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """A methodology, and what it may lead to here: `filed`, `demo` or `not_filed`."""

    id: str
    zh: str
    en: str
    standing: str
    refusal: str = ""  # the code with which filing it for this region was refused


@dataclass(frozen=True, slots=True)
class View:
    """What one citizen sees, as answered by the citizens' interface."""

    name: str
    participant: UUID
    me: dict[str, Any]
    month: dict[str, Any]
    wallet: dict[str, Any]
    acts: list[dict[str, Any]]
    before_linking: dict[str, Any] | None = None


@dataclass
class Happened:
    """Everything the account of the demo tells."""

    counts: dict[str, int] = field(default_factory=dict)
    linked: int = 0
    assigned: int = 0
    methods: list[Method] = field(default_factory=list)
    intakes: list[Intake] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    explained: dict[str, Any] = field(default_factory=dict)  # a ride, by a filed methodology
    overlaid: dict[str, Any] = field(default_factory=dict)  # a metro trip, by one that an overlay lets in
    figures: dict[str, Any] = field(default_factory=dict)
    measured_g: int = 0
    blocks: int = 0
    head: TreeHead | None = None
    logins: Path | None = None


@dataclass
class Stage:
    """What the acts of the story share."""

    db: Database
    settings: Settings
    client: httpx.AsyncClient
    phones: Phones
    library: Library
    city: City
    told: Happened
    staff: dict[str, StaffMember] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)


async def play(db: Database, settings: Settings, *, folder: Path, step: Step) -> Happened:
    """Play the month; `step` hears what is being done, in Chinese and in English."""
    step("城市与行程", "the city and its trips")
    phones = Phones()
    app = city_app(settings, db, phones)
    async with client_of(app) as client:
        stage = Stage(db, settings, client, phones, packs.load_all(), city.found(), Happened())
        with clock.travel(BEGINS):
            await _first_day(stage, step)
        with clock.travel(ENDS):
            await _last_day(stage, folder, step)
            step("封存与签名", "sealing and signing")
            await _seal(stage)
        stage.told.logins = folder / "logins.json"
        keep_logins(list(stage.staff.values()), PHONES, stage.told.logins)
        return stage.told


# --- 1 October ----------------------------------------------------------------------------------------------------


async def _first_day(stage: Stage, step: Step) -> None:
    step("主管部门与运营方", "the authority and the operator")
    await _authority(stage)
    await _admit_operator(stage)
    await _admit_partners(stage)
    step("方法学备案与计划", "methodologies and the programme")
    await _methodologies(stage)
    await _programme(stage)
    step("参与者与介质", "participants, cards, accounts")
    await _participants(stage)
    for resident in stage.city.residents[:2]:
        await _join_by_phone(stage, resident)


async def _authority(stage: Stage) -> None:
    """The machine's owner makes the authority and its first two people; everybody else is admitted by them."""
    async with stage.db.transaction() as session:
        await organisations.create_organisation(
            session,
            code=AUTHORITY,
            name_zh="演示市主管部门（虚构）",
            name_en="Authority of the demo city (fictional)",
            roles={Role.AUTHORITY},
        )
        for login in ("authority-1", "authority-2"):
            password = f"{login}-demo-only"
            new = await staff.create_staff(
                session,
                stage.settings.keys,
                organisation_code=AUTHORITY,
                login=login,
                password=password,
                roles={Role.AUTHORITY},
            )
            stage.staff[login] = StaffMember(login, password, new.totp_uri)
    for login in ("authority-1", "authority-2"):
        await _sign_in(stage, login)


async def _sign_in(stage: Stage, login: str) -> None:
    stage.callers[login] = await stage.staff[login].sign_in(stage.client)


async def _admit_operator(stage: Stage) -> None:
    by = ("authority-1", "authority-2")
    await _admit_organisation(
        stage,
        by,
        OPERATOR,
        ("演示市碳普惠运营中心（虚构）", "Demo city operating centre (fictional)"),
        Role.OPERATOR,
    )
    for login in ("operator-1", "operator-2"):
        await _admit_staff(stage, by, OPERATOR, login, Role.OPERATOR)


async def _admit_partners(stage: Stage) -> None:
    by = ("operator-1", "operator-2")
    for code, names in PARTNERS.items():
        await _admit_organisation(stage, by, code, names, Role.PARTNER)
    for code in ("demo-bikes", "demo-card"):  # whose customers link by code
        await _admit_staff(stage, by, code, f"{code}-desk", Role.PARTNER)


async def _admit_organisation(
    stage: Stage, by: tuple[str, str], code: str, names: tuple[str, str], role: Role
) -> None:
    body = {"code": code, "name_zh": names[0], "name_en": names[1], "roles": [role.value]}
    await _two_people(stage, by, "/operator/v1/organisations/proposals", body)


async def _admit_staff(stage: Stage, by: tuple[str, str], code: str, login: str, role: Role) -> None:
    body = {"organisation_code": code, "login": login, "roles": [role.value]}
    made = await _two_people(stage, by, "/operator/v1/staff/proposals", body)
    stage.staff[login] = StaffMember(login, made["first_password"], made["totp_uri"])
    await _sign_in(stage, login)


async def _two_people(stage: Stage, by: tuple[str, str], path: str, body: dict[str, Any]) -> Any:
    """The first proposes, the second approves exactly what was proposed."""
    proposal = await stage.callers[by[0]].ask("POST", path, body)
    return await stage.callers[by[1]].ask(
        "POST",
        f"/operator/v1/admissions/{proposal['id']}/approval",
        {"subject_sha256": proposal["subject_sha256"]},
    )


async def _methodologies(stage: Stage) -> None:
    """Cycling is filed. Two metro methodologies come from elsewhere: filing is refused, a demo override is given.

    The buses' stays without either, so its grams are counted and never pooled.
    """
    first, second = stage.callers["authority-1"], stage.callers["authority-2"]
    proposals = "/operator/v1/methodologies/filings/proposals"
    known = {one["id"]: one for one in await first.ask("GET", "/operator/v1/methodologies")}

    def add(name: str, standing: str, refusal: str = "") -> None:
        pack = known[name]
        stage.told.methods.append(Method(name, pack["title_zh"], pack["title_en"], standing, refusal))

    asked = {"methodology": "cn-shared-bike-km", "region": REGION, "valid_from": "2026-01-01"}
    proposal = await first.ask("POST", proposals, asked)
    shown = {"subject_sha256": proposal["subject_sha256"]}
    await second.ask("POST", f"{proposals}/{proposal['id']}/approval", shown)
    add("cn-shared-bike-km", "filed")
    for name in ("gz-metro-trip", "sz-metro-km", "bj-bus-act"):
        refused = await first.ask("POST", proposals, {**asked, "methodology": name}, expect=409)
        if name != "bj-bus-act":
            reason = "演示城市没有自己的地铁方法学。 The demo city has no metro methodology of its own."
            override = {"methodology": name, "region": REGION, "reason": reason}
            await stage.callers["operator-1"].ask(
                "POST", "/operator/v1/methodologies/demo-overrides", override
            )
        add(name, "not_filed" if name == "bj-bus-act" else "demo", refused["code"])


async def _programme(stage: Stage) -> None:
    operator = stage.callers["operator-1"]
    await operator.ask("POST", "/operator/v1/programmes", {"pack": PROGRAMME})
    for code, overlays in SOURCES.items():
        facts = {
            "code": code,
            "programme": PROGRAMME,
            "partner": code,
            "region": REGION,
            "evidence": "operator_feed",
            "mapping": code,
            "overlays": overlays,
        }
        await operator.ask("POST", "/operator/v1/sources", facts)


async def _participants(stage: Stage) -> None:
    """Households and firms are made by the operator; citizens on paper in bulk; the partners' lists say who holds what."""
    operator = stage.callers["operator-1"]
    listed = [one for one in stage.city.residents if one.kind != "stranger" and not one.by_phone]
    on_paper = [one for one in listed if one.kind == "citizen"]
    made: dict[str, UUID] = {}
    async with stage.db.transaction() as session:
        ids = await people.register_many(session, count=len(on_paper))
    made.update((one.name, participant) for one, participant in zip(on_paper, ids, strict=True))
    for one in listed:
        if one.kind != "citizen":
            new = await operator.ask("POST", "/operator/v1/participants", {"kind": one.kind})
            made[one.name] = UUID(new["id"])
    for kind in ("citizen", "household", "firm"):
        stage.told.counts[kind] = sum(one.kind == kind for one in stage.city.residents)

    lists: dict[tuple[str, str], list[tuple[str, UUID]]] = {}
    for one in listed:
        holder = made[one.name]
        if one.card:
            lists.setdefault(("card", "demo-card"), []).append((one.card, holder))
        for account in one.accounts:
            lists.setdefault(("bike_account", "demo-bikes"), []).append((account, holder))
        if one.member:
            lists.setdefault(("bike_account", "demo-docks"), []).append((one.member, holder))
    for (kind, partner), lines in lists.items():
        body = {
            "kind": kind,
            "operator": partner,
            "reference": f"{partner} 2026-10-01",
            "lines": [
                {
                    "number": number,
                    "participant_id": str(holder),
                    "held_from": city.FIRST_DAY.isoformat(),
                }
                for number, holder in lines
            ],
        }
        linked = await operator.ask("POST", "/operator/v1/means/lists", body)
        stage.told.linked += linked["linked"]

    assigning = [made[one.name] for one in listed if one.assigns]
    async with stage.db.transaction() as session:
        stage.told.assigned = await consent.assign_right_list(
            session, participant_ids=assigning, covers_from=city.FIRST_DAY
        )
        await consent.consent_list(
            session,
            participant_ids=list(made.values()),
            scenarios=["bike", "bus", "metro"],
            given_from=city.FIRST_DAY,
        )


async def _join_by_phone(stage: Stage, who: Resident) -> tuple[Caller, UUID]:
    """Sign in, link what one holds with the partner's code, consent; 甲 also assigns the right to claim."""
    caller, participant = await Phone(PHONES[who.name]).sign_in(stage.client, stage.phones)
    if who.card:
        await _link(stage, caller, "card", "demo-card", who.card)
    for account in who.accounts:
        await _link(stage, caller, "bike_account", "demo-bikes", account)
    texts = {one["id"]: one["text_sha256"] for one in await caller.ask("GET", "/mobile/v1/agreements")}
    for scenario in ("bike", "bus", "metro"):
        said = {"given": True, "text_sha256": texts[consent.SCENARIO]}
        await caller.ask("PUT", f"/mobile/v1/consents/{scenario}", said)
    if who.name == "甲":
        await caller.ask("PUT", "/mobile/v1/right", {"text_sha256": texts[consent.RIGHT]})
        stage.told.assigned += 1
    return caller, participant


async def _link(stage: Stage, caller: Caller, kind: str, partner: str, number: str) -> None:
    desk = stage.callers[f"{partner}-desk"]
    code = await desk.ask("POST", "/operator/v1/means/link-codes", {"kind": kind, "number": number})
    body = {"kind": kind, "operator": partner, "number": number, "code": code["code"]}
    await caller.ask("POST", "/mobile/v1/means", body)
    stage.told.linked += 1


# --- 1 November ---------------------------------------------------------------------------------------------------


async def _last_day(stage: Stage, folder: Path, step: Step) -> None:
    for login in ("operator-1", "demo-card-desk"):
        await _sign_in(stage, login)
    step("合作方文件", "the partners' files")
    for delivery in files.write_all(stage.city, folder):
        step(f"接入 {delivery.zh}", f"taking in {delivery.en}")
        await _take_in(stage, delivery)
    step("市民查看与补领", "citizens look; one claims late")
    await _citizens_look(stage)
    operator = stage.callers["operator-1"]
    stage.told.figures = await operator.ask("GET", f"/operator/v1/programmes/{PROGRAMME}/figures")
    async with stage.db.transaction() as session:
        code = f"measured:{PROGRAMME}"
        stage.told.measured_g = -(await ledger.balances_by_code(session, code))[code]


async def _take_in(stage: Stage, delivery: Delivery) -> None:
    async with stage.db.transaction() as session:
        source = await intake.source_of(session, delivery.source)
    summary = await intake.ingest(
        stage.db,
        stage.settings,
        path=delivery.path,
        source=delivery.source,
        mapping=intake.mapping_of(stage.library.find(source.mapping)),
        library=stage.library,
    )
    rejected = delivery.path.with_name(f"rejected-{delivery.path.stem}.csv")
    listed = await taking_in.write_refused(stage.db, summary, rejected)
    stage.told.intakes.append(Intake(delivery, summary, listed))


async def _citizens_look(stage: Stage) -> None:
    first, second, late = stage.city.residents[:3]
    for who in (first, second):
        caller, participant = await Phone(PHONES[who.name]).sign_in(stage.client, stage.phones)
        stage.told.views.append(await _view(caller, who, participant))
        if who is first:
            stage.told.explained = await _explain(stage, caller, "cycling")
            stage.told.overlaid = await _explain(stage, caller, "metro")
    caller, participant = await Phone(PHONES[late.name]).sign_in(stage.client, stage.phones)
    before = (await _view(caller, late, participant)).month
    await _link(stage, caller, "card", "demo-card", late.card)
    stage.told.views.append(await _view(caller, late, participant, before))


async def _explain(stage: Stage, caller: Caller, activity: str) -> dict[str, Any]:
    shown = next(act for act in stage.told.views[0].acts if act["activity"] == activity)
    explained: dict[str, Any] = await caller.ask("GET", f"/mobile/v1/acts/{shown['id']}")
    return explained


async def _view(
    caller: Caller, who: Resident, participant: UUID, before: dict[str, Any] | None = None
) -> View:
    home = await caller.ask("GET", "/mobile/v1/home")
    acts = await caller.ask("GET", "/mobile/v1/acts?limit=100")
    return View(
        name=who.name,
        participant=participant,
        me=await caller.ask("GET", "/mobile/v1/me"),
        month=home["total"],
        wallet=await caller.ask("GET", f"/mobile/v1/wallets/{PROGRAMME}"),
        acts=acts["items"],
        before_linking=before,
    )


async def _seal(stage: Stage) -> None:
    """Seal every finished row into the log and sign the log's head, as the scheduled job does."""
    stage.told.blocks = len(await log.seal_all(stage.db))
    async with stage.db.transaction() as session:
        stage.told.head = await log.publish(session, settings=stage.settings)
