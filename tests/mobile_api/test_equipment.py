"""A firm's own kinds of acts: its solar inverter, reported by a partner, earns what a filed methodology counts; a heat pump, of whose methodology
no figure was ever published, is refused. The partners' file formats are the tests' own.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backend import intake, methodologies, packs, programmes
from backend.identity import approvals, consent, means
from backend.identity.organisations import Role
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings
from tests.identity.conftest import Hire, hire
from tests.mobile_api.conftest import WORDS, Citizen
from tests.mobile_api.test_acts_and_wallet import library
from tests.mobile_api.test_members import _acting, _let_in

__all__ = ["hire", "library"]

PROGRAMME = "sh-equipment"
EARN = """
[[earn]]
id          = "pv"
methodology = "sh-pv-kwh"
activity    = "pv"
per         = "gram"
points      = "1/100"
source      = "programme policy"

[[earn]]
id          = "heat-pump"
methodology = "gd-heat-pump"
activity    = "heat-pump"
per         = "act"
points      = "5"
source      = "programme policy"

"""
HEAD = """
kind   = "mapping"
format = 1

[pack]
id       = "{kind}-readings"
version  = "1.0.0"
title_zh = "设备读数"
title_en = "Readings of equipment"
status   = "demo"

[file]
type      = "ndjson"
time_zone = "Asia/Shanghai"

[source]
partner   = "sh-equipment"
programme = "sh-equipment"
region    = "{region}"
evidence  = "operator_feed"

[means]
kind     = "{kind}"
operator = "sh-equipment"
columns  = ["serial"]
"""
SOLAR = (
    HEAD.format(kind="solar", region="CN-SH")
    + """
[[rule]]
methodology = "sh-pv-kwh"
activity    = "pv"
happened_at = "from_at"

  [[rule.input]]
  id     = "generated_kwh"
  kind   = "quantity"
  column = "kwh"
  unit   = "kWh"

  [[rule.input]]
  id     = "capacity_kw"
  kind   = "quantity"
  column = "kw"
  unit   = "kW"

  [[rule.input]]
  id     = "from_at"
  kind   = "time"
  column = "from"

  [[rule.input]]
  id     = "to_at"
  kind   = "time"
  column = "to"
"""
)
HEAT_PUMP = (
    HEAD.format(kind="heat_pump", region="CN-GD-GZ").replace("heat_pump-readings", "heat-pump-readings")
    + """
[[rule]]
methodology = "gd-heat-pump"
activity    = "heat-pump"
happened_at = "at"

  [[rule.input]]
  id     = "quantity"
  kind   = "whole"
  column = "units"

  [[rule.input]]
  id     = "at"
  kind   = "time"
  column = "at"
"""
)


class Plant:
    """A partner that reads equipment, and the files that it sends."""

    def __init__(self, db: Database, settings: Settings, library: packs.Library, tmp: Path) -> None:
        self._db, self._settings, self._library, self._tmp = db, settings, library, tmp
        self._number = uuid4().hex[:8]

    async def opens(self, mapping: str, *, programme_id: int, region: str = "CN-SH") -> intake.Mapping:
        read = intake.mapping_of(packs.parse(mapping.encode()))
        async with self._db.transaction() as session:
            feed = intake.Source(
                code=self.source_of(read),
                programme=PROGRAMME,
                partner="sh-equipment",
                region=region,
                evidence="operator_feed",
                mapping=read.id,
                overlays=(),
                covered_boundary=False,
            )
            await intake.register_source(session, feed, programme_id=programme_id)
        return read

    def source_of(self, mapping: intake.Mapping) -> str:
        return f"{mapping.id}-{self._number}"

    async def send(self, mapping: intake.Mapping, line: str) -> intake.Summary:
        path = self._tmp / f"{uuid4()}.ndjson"
        path.write_text(line + "\n", encoding="utf-8")
        return await intake.ingest(
            self._db,
            self._settings,
            path=path,
            source=self.source_of(mapping),
            mapping=mapping,
            library=self._library,
        )


@pytest.fixture
async def programme_id(db: Database, library: packs.Library) -> int:
    """A programme that rewards equipment."""
    text = library.find("gd-green-travel").text.replace('"gd-green-travel"', f'"{PROGRAMME}"')
    text = text.replace('"CN-GD"', '"CN"').replace("[[earn]]", EARN + "[[earn]]", 1)
    async with db.transaction() as session:
        return (await programmes.register(session, pack=packs.parse(text.encode()))).id


async def _file(db: Database, library: packs.Library, hire: Hire) -> None:
    """The methodology of photovoltaics is filed by two people of the authority."""
    first, second = await hire(Role.AUTHORITY), await hire(Role.AUTHORITY)
    async with db.transaction() as session:
        act = await methodologies.propose_filing(
            session,
            pack=library.find("sh-pv-kwh"),
            region="CN-SH",
            valid_from=dt.date(2020, 1, 1),
            proposed_by=first.id,
        )
        await methodologies.approve_filing(
            session, act_id=act.id, approved_by=second.id, subject_sha256=approvals.sha256_of(act.body)
        )


async def _links(who: Citizen, settings: Settings, kind: str, serial: str) -> None:
    named = {"kind": kind, "operator": "sh-equipment", "number": serial}
    code = means.link_code(settings.keys, **named, day=clock.today())
    linked = await who.post("/means", named | {"code": code, "consent_sha256": WORDS})
    assert linked.status_code == 201, linked.text


async def test_a_firms_solar_inverter_earns_and_its_heat_pump_is_refused_for_want_of_a_figure(
    *,
    alice: Citizen,
    bob: Citizen,
    db: Database,
    settings: Settings,
    library: packs.Library,
    programme_id: int,
    hire: Hire,
    tmp_path: Path,
) -> None:
    await _file(db, library, hire)
    made = await alice.post("/members/groups", {"kind": "firm", "name": "茶店"})
    firm = str(made.json()["id"])
    await _let_in(alice, bob, firm, "observer")
    acting, seeing = await _acting(alice, firm), await _acting(bob, firm)
    plant = Plant(db, settings, library, tmp_path)
    solar = await plant.opens(SOLAR, programme_id=programme_id)
    roof, pump = uuid4().hex[:12], uuid4().hex[:12]
    await _links(acting, settings, "solar", roof)
    async with db.transaction() as session:
        since = clock.now() - dt.timedelta(days=5)
        await consent.assign_right_list(session, participant_ids=[acting.id], covers_from=since)
    day = clock.today() - dt.timedelta(days=1)
    reading = (
        f'{{"serial": "{roof}", "kwh": "12.5", "kw": "8", "from": "{day} 06:00:00", "to": "{day} 18:00:00"}}'
    )
    sent = await plant.send(solar, reading)
    assert (sent.accepted, sent.grams, sent.points) == (1, 5_250, 52)  # 12.5 kWh of 0.42 kg
    (act,) = (await seeing.get("/acts")).json()["items"]
    assert (act["activity"], act["reduction_g"], act["points"]) == ("pv", 5_250, 52)
    assert (await acting.get(f"/wallets/{PROGRAMME}")).json()["spendable"] == 52
    assert "0.42" in str((await seeing.get(f"/acts/{act['id']}")).json())
    again = await plant.send(solar, reading)
    assert (again.accepted, again.points) == (0, 0)
    assert (act["status"], act["uncredited_because"]) == (
        "pooled",
        None,
    )  # filed, by its operator, the right assigned
    assert (await alice.get("/acts")).json()["items"] == []  # the firm's, and nobody's own

    heat = await plant.opens(HEAT_PUMP, programme_id=programme_id, region="CN-GD-GZ")
    await _links(acting, settings, "heat_pump", pump)
    with pytest.raises(packs.ParameterUnknown) as refused:
        await plant.send(heat, f'{{"serial": "{pump}", "units": 1, "at": "{day} 06:00:00"}}')
    assert (refused.value.code, refused.value.pack, refused.value.parameter) == (
        "packs.unknown_parameter",
        "gd-heat-pump",
        "net_factor",
    )
    assert len((await acting.get("/acts")).json()["items"]) == 1


async def test_without_consent_to_electricity_what_equipment_did_is_refused(
    *,
    alice: Citizen,
    db: Database,
    settings: Settings,
    library: packs.Library,
    programme_id: int,
    tmp_path: Path,
) -> None:
    firm = str((await alice.post("/members/groups", {"kind": "firm", "name": "茶店"})).json()["id"])
    acting, plant = await _acting(alice, firm), Plant(db, settings, library, tmp_path)
    solar = await plant.opens(SOLAR, programme_id=programme_id)
    roof = uuid4().hex[:12]
    await _links(acting, settings, "solar", roof)
    said = await acting.put("/consents/electricity", {"given": False, "text_sha256": WORDS})
    assert said.status_code == 200, said.text
    moment = clock.now().astimezone(clock.SHANGHAI) + dt.timedelta(minutes=1)
    told = f'"from": "{moment:%Y-%m-%d %H:%M:%S}", "to": "{moment + dt.timedelta(hours=1):%Y-%m-%d %H:%M:%S}"'
    with clock.travel(clock.now() + dt.timedelta(hours=2)):
        sent = await plant.send(solar, f'{{"serial": "{roof}", "kwh": "1", "kw": "8", {told}}}')
    assert (sent.accepted, sent.points) == (0, 0)
    assert UUID(firm) == acting.id
