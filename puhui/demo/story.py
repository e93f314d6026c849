"""What happens in the demo city, in order. Every act is done by somebody who may do it, over HTTP where people act;
files come in by the same service as `puhui ingest`.

Two things have no HTTP interface and need none: the machine's owner makes the authority's first two people, as
`puhui admin` does; and members who joined on paper are entered in bulk.
"""

from __future__ import annotations

from pathlib import Path

from backend import ledger, log, packs
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui.demo import city
from puhui.demo.complying import complying
from puhui.demo.crediting import crediting
from puhui.demo.first_day import first_day
from puhui.demo.following import following
from puhui.demo.month_end import month_end
from puhui.demo.people import Phones, city_app, client_of, keep_logins
from puhui.demo.settling import settling
from puhui.demo.shops import shopping
from puhui.demo.stage import BEGINS, ENDS, FOLLOWING, PHONES, PROGRAMME, Happened, Stage, Step


async def play(db: Database, settings: Settings, *, folder: Path, step: Step) -> Happened:
    """Play the month; `step` hears what is being done, in Chinese and in English."""
    step("城市与行程", "the city and its trips")
    phones = Phones()
    app = city_app(settings, db, phones)
    async with client_of(app) as client:
        stage = Stage(db, settings, client, phones, packs.load_all(), city.found(), Happened())
        with clock.travel(BEGINS):
            await first_day(stage, step)
        with clock.travel(ENDS):
            await month_end(stage, folder, step)
        await shopping(stage, step)
        await crediting(stage, step)
        await complying(stage, step)
        await settling(stage, folder, step)
        step("封存与签名", "sealing and signing")
        with clock.travel(FOLLOWING):
            await _figures(stage)
            await _seal(stage)
        await following(stage, folder, step)
        stage.told.logins = folder / "logins.json"
        keep_logins(list(stage.staff.values()), PHONES, stage.told.logins)
        return stage.told


async def _figures(stage: Stage) -> None:
    """What the operator's figures and the ledger say when everything has happened."""
    operator = await stage.sign_in("operator-2")
    stage.told.figures = await operator.ask("GET", f"/operator/v1/programmes/{PROGRAMME}/figures")
    async with stage.db.transaction() as session:
        code = f"measured:{PROGRAMME}"
        stage.told.measured_g = -(await ledger.balances_by_code(session, code))[code]


async def _seal(stage: Stage) -> None:
    """Seal every finished row into the log and sign the log's head, as the scheduled job does."""
    stage.told.blocks = len(await log.seal_all(stage.db))
    async with stage.db.transaction() as session:
        stage.told.head = await log.publish(session, settings=stage.settings)
