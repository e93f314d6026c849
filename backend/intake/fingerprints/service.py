"""Making the file that the other platform gets, and comparing the one that it sent."""

from __future__ import annotations

import csv
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.means import MeansMisnamed, means_token
from backend.identity.people import exchanging
from backend.intake.fingerprints import files, queries
from backend.intake.fingerprints.agreement import Agreement, ExchangeKey
from backend.intake.fingerprints.errors import NumbersFaulty
from backend.intake.fingerprints.prints import Act, collisions, own_prints, probes_of
from backend.intake.fingerprints.rates import Rates
from backend.kit import clock, ids
from backend.kit.db import Database
from backend.kit.settings import Keys, Settings

_AT_ONCE = 20_000
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Exported:
    """A file for the other platform. `unnamed` acts have nobody whose number this exchange is about, and are left out."""

    acts: int
    unnamed: int
    fingerprints: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Matched:
    """A comparison: what was found, how much of it chance explains, and how many external claims are new."""

    match_id: UUID
    unnamed: int
    beside: int
    noted: int
    rates: Rates


async def export(
    db: Database,
    settings: Settings,
    *,
    agreement: Agreement,
    key: ExchangeKey,
    path: Path,
    numbers: Path | None = None,
) -> Exported:
    """Write the fingerprints of our acts into a file (`.parquet`, or NDJSON) for the other platform.

    `numbers` is a CSV list of cards and accounts (kind, operator, number): what an exchange about numbers needs, since the
    platform stores none. Nothing is written to the database. Raises NumbersFaulty.
    """
    async with db.transaction() as session:
        acts, _, unnamed = await _acts(session, settings.keys, agreement, key, numbers)
    prints = own_prints(agreement, acts)
    sha256 = files.write(path, agreement, key, prints)
    return Exported(acts=len(acts), unnamed=unnamed, fingerprints=len(prints), sha256=sha256)


async def match(
    db: Database,
    settings: Settings,
    *,
    agreement: Agreement,
    key: ExchangeKey,
    path: Path,
    numbers: Path | None = None,
) -> Matched:
    """Compare our acts with the other platform's fingerprints, and note every collision as an external claim.

    An act that this platform claimed before is not noted again. Nothing is withdrawn. Raises what `files.read` refuses.
    """
    received = files.read(path, agreement, key)
    async with db.transaction() as session:
        acts, claim_keys, unnamed = await _acts(session, settings.keys, agreement, key, numbers)
        probes = probes_of(agreement, acts)
        found = collisions(probes, received.prints)
        await session.execute(queries.ONE_AT_A_TIME, {"platform": agreement.other})
        keys = {claim_keys[place]: beside for place, beside in found.items()}
        known = await session.execute(queries.KNOWN, {"platform": agreement.other, "keys": list(keys)})
        for row in known:
            del keys[row.claim_key]
        match_id = ids.uuid7()
        rates = Rates(
            bits=agreement.bits,
            acts=len(acts),
            probes=probes.distinct,
            theirs=len(received.prints),
            matched=len(found),
        )
        await session.execute(
            queries.ADD_MATCH,
            {
                "id": match_id,
                "exchange": agreement.exchange,
                "platform": agreement.other,
                "agreement": json.dumps(agreement.agreed()),
                "agreement_sha256": agreement.sha256,
                "file_sha256": received.sha256,
                "bits": rates.bits,
                "acts": rates.acts,
                "probes": rates.probes,
                "theirs": rates.theirs,
                "matched": rates.matched,
                "noted": len(keys),
                "at": clock.now(),
            },
        )
        if keys:
            await session.execute(
                queries.ADD_CLAIMS,
                {
                    "match": match_id,
                    "platform": agreement.other,
                    "keys": list(keys),
                    "beside": list(keys.values()),
                },
            )
    return Matched(match_id, unnamed, sum(found.values()), len(keys), rates)


async def _acts(
    session: AsyncSession, keys: Keys, agreement: Agreement, key: ExchangeKey, numbers: Path | None
) -> tuple[list[Act], list[UUID], int]:
    """Our acts of the agreed days and modes, the claim key at each act's place, and how many have no subject."""
    secret = key.under(agreement)
    listed = _numbers(keys, secret, numbers) if agreement.subject == "number" else {}
    acts: list[Act] = []
    claim_keys: list[UUID] = []
    unnamed = 0
    rows = await session.stream(
        queries.ACTS,
        {
            "low": _day_key(agreement.since),
            "high": _day_key(agreement.until + dt.timedelta(days=1)),
            "activities": list(agreement.activities),
        },
    )
    people: dict[UUID, bytes | None] = {}
    async for part in rows.partitions(_AT_ONCE):
        if agreement.subject == "phone":
            new = {row.participant_id for row in part} - people.keys() - {None}
            digests = await exchanging.phone_digests(
                session, keys, exchange_key=secret, participant_ids=sorted(new)
            )
            people |= {who: digests.get(who) for who in new}
        for row in part:
            subject = (
                people.get(row.participant_id)
                if agreement.subject == "phone"
                else listed.get(row.means_token)
            )
            if subject is None:
                unnamed += 1
                continue
            mode = agreement.activities[row.activity]
            acts.append(Act(len(claim_keys), subject, mode, row.happened_at.timestamp()))
            claim_keys.append(row.claim_key)
    return acts, claim_keys, unnamed


def _numbers(keys: Keys, secret: bytes, path: Path | None) -> dict[UUID, bytes]:
    """The digests of listed cards and accounts by their token. Raises NumbersFaulty with the line."""
    if path is None:
        raise NumbersFaulty(line=0)
    found = {}
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not {"kind", "operator", "number"} <= set(reader.fieldnames or ()):
                raise NumbersFaulty(line=1)
            for row in reader:
                line = reader.line_num
                one = {name: row[name] or "" for name in ("kind", "operator", "number")}
                token = means_token(keys, one["kind"], one["operator"], one["number"])
                if not one["number"].strip():
                    raise NumbersFaulty(line=line)
                found[token] = exchanging.number_digest(secret, **one)
    except csv.Error:  # the record behind the last whole one
        raise NumbersFaulty(line=line + 1) from None
    except (OSError, UnicodeDecodeError, MeansMisnamed):
        raise NumbersFaulty(line=line) from None
    return found


def _day_key(day: dt.date) -> UUID:
    """The lowest claim key of a Shanghai day."""
    return UUID(f"{(day - _EPOCH).days:08x}" + "0" * 24)
