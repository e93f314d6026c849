"""1 November: the partners' files come in, and citizens look at what they have."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from backend import intake
from puhui import refused
from puhui.demo import files
from puhui.demo.city import Resident
from puhui.demo.files import Delivery
from puhui.demo.first_day import link
from puhui.demo.people import Caller, Phone
from puhui.demo.stage import PHONES, PROGRAMME, Intake, Stage, Step, View


async def month_end(stage: Stage, folder: Path, step: Step) -> None:
    for login in ("operator-1", "demo-card-desk"):
        await stage.sign_in(login)
    step("合作方文件", "the partners' files")
    for delivery in files.write_all(stage.city, folder):
        if delivery.source == "demo-docks":
            stage.late.append(delivery)
            continue
        step(f"接入 {delivery.zh}", f"taking in {delivery.en}")
        await take_in(stage, delivery)
    step("市民查看与补领", "citizens look; one claims late")
    await _citizens_look(stage)


async def take_in(stage: Stage, delivery: Delivery) -> None:
    """Take one file in, as `puhui ingest` does, and list the rows that were not accepted."""
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
    listed = await refused.write(stage.db, summary, rejected)
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
    await link(stage, caller, "card", "demo-card", late.card)
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
