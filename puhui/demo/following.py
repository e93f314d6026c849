"""20 November: a rider asks for the receipt of one ride; anybody follows its tonne, with no login, and checks it offline."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx

from backend.certification import proofs
from backend.kit import clock
from puhui.demo.people import Phone, answered
from puhui.demo.stage import FOLLOWING, PHONES, Stage, Step


async def following(stage: Stage, folder: Path, step: Step) -> None:
    """From a ride to the surrendered tonne, and from the tonne back to its rides."""
    step("由一吨追回到骑行", "one tonne followed back to its rides")
    with clock.travel(FOLLOWING):
        rider, _ = await Phone(PHONES["甲"]).sign_in(stage.client, stage.phones)
        key = _key(answered(await stage.client.get("/public/v1/log/keys")))
        told = stage.told.followed
        for act in stage.told.views[0].acts:
            if act["activity"] != "cycling" or act["status"] != "pooled":
                continue
            receipt = (await rider.ask("GET", f"/mobile/v1/acts/{act['id']}/receipt"))["proof"]
            traced = answered(await stage.client.post("/public/v1/acts/provenance", json=receipt))
            tonnes = [tonne for one in traced["steps"] for tonne in one["tonnes"]]
            told.act, told.traced = act, traced
            told.serial = tonnes[0]["first_serial"] if tonnes else ""
            if tonnes and tonnes[0]["status"] == "surrendered":
                break
        told.receipt = folder / "receipt.json"
        told.receipt.write_text(json.dumps(receipt, ensure_ascii=False), encoding="utf-8")
        told.receipt_proven = _verified(told.receipt, key)
        told.story = answered(await stage.client.get(f"/public/v1/serials/{told.serial}"))
        proof: httpx.Response = await stage.client.get(f"/public/v1/serials/{told.serial}/proof")
        answered(proof)
        told.proof, told.proof_bytes = folder / "tonne.json", len(proof.content)
        told.proof.write_bytes(proof.content)
        told.proven = _verified(told.proof, key)
        told.figures = answered(await stage.client.get("/public/v1/figures"))


def _verified(file: Path, key: proofs.PinnedKey) -> bool:
    """What `puhui verify FILE --key KEY` says."""
    return proofs.verify(proofs.read(file.read_bytes()), key=key).proven


def _key(told: list[dict[str, Any]]) -> proofs.PinnedKey:
    return proofs.parse_key(base64.b64encode(bytes.fromhex(told[-1]["public_key"])).decode())
