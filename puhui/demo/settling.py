"""20 November: the week of the shops is closed by two people, paid, and each shop has a statement to check line by line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from backend.kit import clock
from puhui.demo.shops import SHOPS
from puhui.demo.stage import CLOSING, PROGRAMME, Settled, Stage, Step

SETTLING = CLOSING + timedelta(hours=1)
_HERE = f"/operator/v1/programmes/{PROGRAMME}/settlement"
_BY = ("operator-1", "operator-2")


async def settling(stage: Stage, folder: Path, step: Step) -> None:
    """Close what each shop has, pay what is owed, and keep what the shops get to see."""
    step("商户结算与付款", "the shops are settled and paid")
    with clock.travel(SETTLING):
        for login in (*_BY, *(f"{code}-till" for code in SHOPS)):
            await stage.sign_in(login)
        for code in SHOPS:
            closed = await _agree(stage, "/closings/proposals", {"merchant": code})
            stage.told.settled.append(await _settled(stage, folder / "statements", code, closed))
        run = await _agree(stage, "/payouts/proposals")
        operator = stage.callers[_BY[0]]
        paid = await operator.fetch(f"{_HERE}/payouts/{run['id']}/file")
        _keep(folder / "statements", {"payout.csv": paid})
        stage.told.payout = folder / "statements" / "payout.csv"
        for line in run["lines"]:
            outcome = {"paid": True, "words": "演示回单 demonstration"}
            at = f"{_HERE}/payouts/{run['id']}/statements/{line['statement_id']}/outcome"
            await operator.ask("POST", at, outcome)


async def _agree(stage: Stage, path: str, body: dict[str, Any] | None = None) -> Any:
    return await stage.agree(_BY, _HERE + path, _HERE + path + "/{act}/approval", body)


async def _settled(stage: Stage, folder: Path, code: str, closed: dict[str, Any]) -> Settled:
    """The shop reads its own statement and keeps it in every form, and each line leads to its redemption."""
    till = stage.callers[f"{code}-till"]
    at = f"/merchant/v1/statements/{closed['id']}"
    lines = (await till.ask("GET", f"{at}/lines"))["items"]
    led = [
        await till.ask("GET", f"/merchant/v1/redemptions/{line['redemption_id']}")
        for line in lines
        if line["redemption_id"]
    ]
    told = await till.ask("GET", at)
    kept = {f"{code}.{form}": await till.fetch(f"{at}/{form}") for form in ("pdf", "xlsx")}
    kept[f"{code}.json"] = json.dumps(told | {"lines": lines}, ensure_ascii=False, indent=1).encode()
    _keep(folder, kept)
    totals = told["totals"]
    return Settled(
        code, len(lines), len(led), totals["payable_points"], totals["payable_fen"], folder / f"{code}.pdf"
    )


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
