"""The example in `docs/compliance.md` comes out as the page shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from backend.kit.db import Database
from offset_bridge import surrender
from offset_bridge.registry.checks import agreed
from offset_bridge.surrender import AskedLot
from offset_bridge.surrender import checks as audited
from offset_bridge.surrender.schemas import NewPledge
from puhui.audit import INVARIANTS
from tests.offset_bridge.stage import Stage, give_phcer

TEXT = (Path(__file__).parents[3] / "docs" / "compliance.md").read_text("utf-8")


async def test_the_example_of_the_documentation_comes_out_as_shown(stage: Stage, db: Database) -> None:
    block = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert block
    asked = NewPledge.model_validate(json.loads(block[1]))
    stage.year = asked.compliance_year
    plant = await stage.entity()
    await stage.owe(plant, 10_000)
    await stage.adopt()
    await stage.allot((plant, 9_200))
    await stage.ccer(plant, 350)
    await stage.ccer(plant, 500, project_region="CN-YN")
    await give_phcer(stage, plant, 600)

    lots = [AskedLot(lot.book, quantity_t=lot.quantity_t) for lot in asked.lots]
    done = await stage.pledge(plant, *lots, accept_partial=asked.accept_partial)
    shown = re.findall(
        r"^\| ([A-Z]{4,5})\b[^|]* \| (\d+) \| (\d+) \| (\d+) \| ([^|]*)\|$", TEXT, re.MULTILINE
    )
    found = [
        (
            line.unit,
            str(line.serials.quantity),
            str(line.pledged_t),
            str(line.refused_t),
            "".join(f"`{reason.code}` " for reason in line.reasons),
        )
        for line in done.lines
    ]
    assert found == shown
    await stage.close()
    _, again = await stage.owe(plant, 9_500)
    said = dict(
        re.findall(r"`(\w+_t)` (\d+)[,.]", TEXT.split("In the example, a revision")[1].split("##")[0])
    )
    assert {name: str(getattr(again, name)) for name in said} == said
    assert len(said) == 4
    for check in (agreed, audited.decisions, audited.moves):
        async with db.transaction() as session:
            assert (await check(session)).violations == []


def test_every_invariant_and_reason_that_the_page_names_exists() -> None:
    named = set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", TEXT, re.MULTILINE))
    assert named <= {one.name for one in INVARIANTS}
    assert len(named) == 6
    for field in re.findall(r"`(\w+_t)`", TEXT):
        shapes = (surrender.Recount, surrender.Surrendered, surrender.PledgeLine, surrender.Pledge)
        known = {name for shape in shapes for name in dir(shape)} | set(NewPledge.model_fields)
        known |= {
            "quantity_t",
            "issued_t",
            "initial_t",
            "confirmed_emissions_t",
            *(n for s in shapes for n in s.__annotations__),
        }
        assert field in known, field
