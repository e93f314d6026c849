"""A thousand malformed batches: no failure of ours, nothing lost, nothing of the input told back."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from backend.identity import partners
from backend.kit.db import Database
from backend.kit.settings import Settings
from puhui.audit import audit
from tests.partner_api.bikes import Bikes, event
from tests.partner_api.conftest import Metro, NewPartner

SEED = int(os.environ.get("PUHUI_TEST_SEED", "20261122"))
COUNT = 1000
MARK = "zq7xMARKq7"  # in everything that is sent and wrong

WHOLES = (
    b"", b"{", b"[]", b"null", b"0", b'"' + MARK.encode() + b'"', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"NaN",
    b"[" * 5000 + b"]" * 5000, b'{"a":' * 400 + b"1" + b"}" * 400, b'{"events":[1e999]}', b"9" * 5000, b"\x00" * 64,
    '{"source":"乱码"}'.encode("gbk"), b'{"source":"\\ud800","events":[]}', b'{"events":[],"events":[{}]}',
    b'{"source":' + b'"x"' * 50, b"--" + MARK.encode(),
)  # fmt: skip
LITERALS = (
    "NaN", "Infinity", "-Infinity", "1e400", "-0", "1.0", "1e2", "9" * 90, "9" * 400, "123456789012345678901234567890", "1E-400",
    '"\\ud83d"', '"\\u0000"', '"' + MARK + '\\udfff"', "9223372036854775808", "-1", "0.1", "[" * 40 + "]" * 40,
    '{"a":' * 29 + "1" + "}" * 29, "true", "null", '{"a":1,"a":2}', '""',
)  # fmt: skip
TEXTS = (
    MARK, MARK * 500, "x" * 70_000, "=1+1", "'; DROP TABLE action;--" + MARK, "２０２６-10-12 08:00", "2026-02-30 00:00:00",
    "2026-10-12", "9999-12-31 23:59:59", "0001-01-01 00:00:00", "-271821-04-20 00:00:00", "2026-10-12T08:00:00+99:99", "NaN",
    "inf", "1e999", "0x10", "1_000", "１２", " ", "\t\r\n", "\u202e" + MARK, "\ufeff", "🚲" * 100, "\x7f", "null", "{}",
)  # fmt: skip


class Batches:
    """Makes batches that are wrong somewhere, always the same ones for a seed, with some sound events among the others."""

    def __init__(self, source: str, account: str) -> None:
        self.dice = random.Random(SEED)
        self.source, self.account = source, account
        self.minute = 0
        self.literals: list[str] = []

    def sound(self) -> dict[str, object]:
        self.minute += 25
        return event(self.account, self.minute, metres=1_000)

    def make(self) -> tuple[bytes, set[int], int]:
        """A body, the places of its sound events, and how many events there are."""
        dice = self.dice
        if dice.random() < 0.15:
            return dice.choice(WHOLES), set(), 0
        self.literals = []
        events: list[Any] = []
        sound: set[int] = set()
        for place in range(dice.choice([1, 2, 3, 5])):
            if dice.random() < 0.3:
                sound.add(place)
                events.append(self.sound())
            else:
                events.append(self.spoilt())
        body: dict[str, Any] = {"source": self.source, "events": events}
        for flag in ("atomic", "dry_run"):
            if dice.random() < 0.15:
                body[flag] = dice.choice([True, False, False, 1, "true", None, self.odd()])
        if dice.random() < 0.12:
            body[dice.choice(["source", "events", MARK, "Source", "event"])] = self.odd()
        if dice.random() < 0.04:
            del body[dice.choice(["source", "events"])]
        written = json.dumps(body, ensure_ascii=dice.random() < 0.5)
        for number, literal in enumerate(self.literals):
            written = written.replace(f'"literal-{number}-"', literal)
        raw = written.encode("utf-8", "surrogatepass")
        if dice.random() < 0.05:
            raw = raw[: dice.randrange(len(raw))]
        return raw, sound, len(events)

    def spoilt(self) -> Any:
        dice = self.dice
        if dice.random() < 0.15:
            return self.odd()
        spoilt: dict[str, Any] = self.sound()
        for _ in range(dice.choice([1, 1, 2])):
            name = dice.choice(list(spoilt) or ["none"])
            kind = dice.random()
            if kind < 0.15:
                spoilt.pop(name, None)
            elif kind < 0.25:
                spoilt[MARK] = self.odd()
            else:
                spoilt[name] = self.odd()
        return spoilt

    def odd(self) -> Any:
        dice = self.dice
        kind = dice.random()
        if kind < 0.35:
            self.literals.append(dice.choice(LITERALS))
            return f"literal-{len(self.literals) - 1}-"
        if kind < 0.8:
            return dice.choice(TEXTS)
        return dice.choice(
            [None, True, [], {}, [MARK], {MARK: MARK}, 2**63, -(2**63) - 1, 2**200, 0.5, "\ud800"]
        )


async def post(client: httpx.AsyncClient, partner: Metro, body: bytes, language: str) -> httpx.Response:
    headers = {
        "content-type": "application/json",
        "idempotency-key": str(uuid4()),
        "accept-language": language,
    }
    return await client.post("/batches", content=body, headers=headers, auth=partner.live)


@pytest.mark.timeout(240)
async def test_a_thousand_malformed_batches_meet_no_failure_lose_nothing_and_tell_nothing_back(
    db: Database, settings: Settings, client: httpx.AsyncClient, new_partner: NewPartner
) -> None:
    partner = await new_partner()
    bikes = Bikes(db, settings, partner=partner.code)
    await bikes.open()
    await bikes.rider("sound-rider")
    batches = Batches(bikes.source, "sound-rider")
    statuses: Counter[int] = Counter()
    outcomes: Counter[str] = Counter()
    codes: set[str] = set()
    for number in range(COUNT):
        body, sound, count = batches.make()
        answer = await post(client, partner, body, "en" if number % 2 else "zh")
        where = f"seed {SEED}, batch {number}: {body[:2000]!r}"
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, f"{answer.status_code} {answer.text[:300]} {where}"
        assert MARK not in answer.text, f"{answer.text[:500]} {where}"
        told = answer.json()
        if answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json", where
            assert told["code"], where
            continue
        assert [one["index"] for one in told["events"]] == list(range(count)), where
        assert told["received"] == count, where
        for one in told["events"]:
            assert one["code"] or one["outcome"] in {"accepted", "duplicate", "filtered"}, where
            assert one["message"] or one["outcome"] == "accepted", where
            if one["index"] in sound:
                assert one["outcome"] in {"accepted", "duplicate"}, f"{one} {where}"
            codes.add(one["code"])
        if told["stored"]:
            outcomes.update(one["outcome"] for one in told["events"])
    assert {200, 400, 422} <= set(statuses), statuses
    assert min(outcomes[name] for name in ("accepted", "rejected")) > 100, outcomes
    assert {"not_an_object", "not_a_value", "missing", "not_a_time", "not_a_number"} <= codes, codes
    async with db.transaction() as session:
        acts = await session.execute(text("SELECT count(*) FROM action"))
        refused = await session.execute(text("SELECT count(*) FROM intake_rejection"))
        counted = await session.execute(
            text("SELECT sum(accepted), sum(rejected), sum(received) FROM intake_chunk")
        )
        usage = await partners.usage_of(session, organisation_id=partner.id)
    assert acts.scalar_one() == outcomes["accepted"]
    assert refused.scalar_one() == outcomes["rejected"]
    assert tuple(counted.one()) == (outcomes["accepted"], outcomes["rejected"], outcomes.total())
    assert usage.events == outcomes.total()
    report = await audit(db, settings)
    violations = [str(one) for result in report.results for one in result.checked.violations]
    assert report.passed, violations
