"""1 October: the authority, the operator and its partners come in, methodologies are filed, people join."""

from __future__ import annotations

from uuid import UUID

from backend.identity import Role, consent, organisations, people, staff
from puhui.demo import city
from puhui.demo.city import Resident
from puhui.demo.people import Caller, Phone, StaffMember
from puhui.demo.stage import (
    AUTHORITY,
    OPERATOR,
    PARTNERS,
    PHONES,
    PROGRAMME,
    REGION,
    SOURCES,
    Method,
    Stage,
    Step,
)


async def first_day(stage: Stage, step: Step) -> None:
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
        await stage.sign_in(login)


async def _admit_operator(stage: Stage) -> None:
    by = ("authority-1", "authority-2")
    await stage.admit_organisation(
        by,
        OPERATOR,
        ("演示市碳普惠运营中心（虚构）", "Demo city operating centre (fictional)"),
        Role.OPERATOR,
    )
    for login in ("operator-1", "operator-2"):
        await stage.admit_staff(by, OPERATOR, login, Role.OPERATOR)


async def _admit_partners(stage: Stage) -> None:
    by = ("operator-1", "operator-2")
    for code, names in PARTNERS.items():
        await stage.admit_organisation(by, code, names, Role.PARTNER)
    for code in ("demo-bikes", "demo-card"):  # whose customers link by code
        await stage.admit_staff(by, code, f"{code}-desk", Role.PARTNER)


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
        await link(stage, caller, "card", "demo-card", who.card)
    for account in who.accounts:
        await link(stage, caller, "bike_account", "demo-bikes", account)
    texts = {one["id"]: one["text_sha256"] for one in await caller.ask("GET", "/mobile/v1/agreements")}
    for scenario in ("bike", "bus", "metro"):
        said = {"given": True, "text_sha256": texts[consent.SCENARIO]}
        await caller.ask("PUT", f"/mobile/v1/consents/{scenario}", said)
    if who.name == "甲":
        await caller.ask("PUT", "/mobile/v1/right", {"text_sha256": texts[consent.RIGHT]})
        stage.told.assigned += 1
    return caller, participant


async def link(stage: Stage, caller: Caller, kind: str, partner: str, number: str) -> None:
    desk = stage.callers[f"{partner}-desk"]
    code = await desk.ask("POST", "/operator/v1/means/link-codes", {"kind": kind, "number": number})
    texts = {one["id"]: one["text_sha256"] for one in await caller.ask("GET", "/mobile/v1/agreements")}
    body = {"kind": kind, "operator": partner, "number": number, "code": code["code"]}
    await caller.ask("POST", "/mobile/v1/means", body | {"consent_sha256": texts[consent.SCENARIO]})
    stage.told.linked += 1
