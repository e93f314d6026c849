"""Agreements and keys for tests, and what the other platform would have made."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from random import Random

from backend.identity.people.exchanging import phone_digest
from backend.intake.fingerprints import Agreement, ExchangeKey, read_agreement, read_key
from backend.intake.fingerprints.prints import Act

SECRET = bytes(range(32))
TEXT = """
exchange    = "gd-bj-2026-10"
between     = ["puhui-gd", "other-city"]
from        = 2026-10-01
until       = 2026-10-31
subject     = "phone"
bits        = 40
bucket_s    = 600
tolerance_s = 60
modes       = ["bike", "rail"]

[local]
platform   = "puhui-gd"
activities = { cycling = "bike", metro = "rail" }
"""
NOON = dt.datetime(2026, 10, 12, 12, tzinfo=dt.UTC).timestamp()


def agreement(folder: Path, text: str = TEXT, **changed: str) -> Agreement:
    """The agreement with some lines written otherwise: `bits="20"` replaces the line that begins with `bits`."""
    return read_agreement(agreement_file(folder, text, **changed))


def agreement_file(folder: Path, text: str = TEXT, **changed: str) -> Path:
    lines = []
    for line in text.splitlines():
        name = line.split("=")[0].strip()
        lines.append(f"{name} = {changed[name]}" if name in changed else line)
    path = folder / "agreement.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def key_file(folder: Path, secret: bytes = SECRET) -> Path:
    path = folder / "exchange.key"
    path.write_bytes(base64.b64encode(secret))
    return path


def key(folder: Path, secret: bytes = SECRET) -> ExchangeKey:
    return read_key(key_file(folder, secret))


def acts(agreed: Agreement, secret: ExchangeKey, dice: Random, count: int, *, first: int = 0) -> list[Act]:
    """Acts of `count` people of their own, each at another moment of the agreed days."""
    begin = dt.datetime.combine(agreed.since, dt.time(), dt.UTC).timestamp()
    under = secret.under(agreed)
    return [
        Act(
            place=place,
            subject=phone_digest(under, f"139{first + place:08d}"),
            mode=dice.choice(agreed.modes),
            at_s=begin + dice.random() * 30 * 86_400,
        )
        for place in range(count)
    ]
