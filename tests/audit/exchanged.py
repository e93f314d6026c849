"""Rides that another platform noted too: one is found theirs, one ours, and one waits for somebody to decide."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import replace
from pathlib import Path

from backend.identity import staff
from backend.identity.people.exchanging import phone_digest
from backend.intake import fingerprints
from backend.intake.fingerprints import files
from backend.intake.fingerprints.prints import Act, own_prints
from backend.kit import clock
from backend.kit.db import Database
from backend.kit.settings import Settings

PHONE = "13800138000"  # of the rider whose rides are contested
HOURS = (8, 9, 13)  # of 9 November: acts of that rider that stand
AGREEMENT = """
exchange    = "audited-2026-11"
between     = ["puhui", "elsewhere"]
from        = 2026-11-01
until       = 2026-11-30
subject     = "phone"
bits        = 48
bucket_s    = 600
tolerance_s = 60
modes       = ["bike"]

[local]
platform   = "puhui"
activities = { cycling = "bike" }
"""


async def build(db: Database, settings: Settings, folder: Path) -> None:
    """Compare with the other platform's file twice, and decide two of three claims."""
    (folder / "agreement.toml").write_text(AGREEMENT, encoding="utf-8")
    (folder / "exchange.key").write_bytes(base64.b64encode(b"audited exchange " * 2))
    agreed = fingerprints.read_agreement(folder / "agreement.toml")
    secret = fingerprints.read_key(folder / "exchange.key")
    subject = phone_digest(secret.under(agreed), PHONE)
    times = [dt.datetime(2026, 11, 9, hour, 0, 30, tzinfo=clock.SHANGHAI).timestamp() for hour in HOURS]
    noted = [Act(place, subject, "bike", at) for place, at in enumerate(times)]
    theirs = folder / "elsewhere.ndjson"
    for some in (noted[:2], noted):
        files.write(theirs, replace(agreed, own="elsewhere"), secret, own_prints(agreed, some))
        await fingerprints.match(db, settings, agreement=agreed, key=secret, path=theirs)
    async with db.transaction() as session:
        anna = (await staff.staff_by_login(session, login="anna")).id
        claims = await fingerprints.list_claims(session, programmes=["gd-green-travel"])
        outcomes: tuple[fingerprints.Outcome, ...] = ("theirs", "ours")
        for claim, outcome in zip(claims, outcomes, strict=False):
            await fingerprints.decide(
                session,
                claim_key=claim.claim_key,
                platform="elsewhere",
                outcome=outcome,
                staff_id=anna,
                reason="compared with the dock's log",
            )
