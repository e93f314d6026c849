"""Reading and computing a source's events as the real thing does, with nothing asked of the books."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.intake.convert import Converted, Converter
from backend.intake.mapping import mapping_of
from backend.intake.opening import require_programme
from backend.intake.reading import rows_of_events
from backend.intake.sandbox.screened import Feed, screened
from backend.intake.screening import rules_for
from backend.intake.sources import source_of
from backend.intake.taking import EventAnswer
from backend.kit.settings import Keys
from backend.methodologies import methodology_of
from backend.packs import Library
from backend.packs.overlays import overlay_of


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One event: its answer as if it were the first, and the digest (32 bytes) of what tells it from another act."""

    answer: EventAnswer
    facts: bytes


class _Converter(Converter):
    """A converter whose present is the sandbox's."""

    def __init__(self, *, now: datetime, **given: Any) -> None:
        super().__init__(**given)
        self._now_us = int(now.timestamp() * 1_000_000)


async def evaluate(
    session: AsyncSession,
    keys: Keys,
    *,
    source: str,
    rows: Sequence[Mapping[str, object]],
    library: Library,
    now: datetime,
) -> list[Evaluated]:
    """Every event of a registered source, in order. Raises SourceUnknown and what packs refuse."""
    feed = await source_of(session, source)
    programme = (await programmes.programme_of(session, code=feed.programme)).pack
    mapping = mapping_of(library.find(feed.mapping))
    overlays = [overlay_of(library.find(name)) for name in feed.overlays]
    require_programme(programme, feed, overlays)
    methods = {
        rule.methodology: methodology_of(library.find(rule.methodology))
        for rule in mapping.rules
        if rule.filter is None
    }
    converter = _Converter(
        now=now,
        keys=keys,
        mapping=mapping,
        programme=programme,
        methodologies=methods,
        overlays=overlays,
        region=feed.region,
        evidence=feed.evidence,
    )
    rules = rules_for(programme, library)

    def computed() -> list[Evaluated]:
        batch = converter.convert(rows_of_events(rows, mapping.columns))
        answers, facts = _answers(batch, source=source, events=len(rows))
        activities = [method.quantifier.activity.id for method in converter.methods]
        seen = Feed(id=feed.id, activities=activities)
        screened(answers, batch, feed=seen, rules=rules, now=now)
        return [Evaluated(answers[index], facts.get(index, b"")) for index in range(len(rows))]

    return await asyncio.to_thread(computed)


def _answers(
    batch: Converted, *, source: str, events: int
) -> tuple[dict[int, EventAnswer], dict[int, bytes]]:
    """Each event's answer before any screen, and the facts of those that are acts, by their index."""
    answers: dict[int, EventAnswer] = {}
    facts: dict[int, bytes] = {}
    for act in batch.table.to_pylist():
        index, key = act["line"] - 1, UUID(bytes=act["claim_key"])
        answers[index] = EventAnswer(index, "accepted", "", "", "", key, act["grams"], act["points"])
        told = (source, act["happened_us"], act["ended_us"], act["token"].hex(), act["inputs"])
        facts[index] = hashlib.sha256(repr(told).encode()).digest()
    for fault in batch.faults:
        index = fault.line - 1
        answers.setdefault(
            index, EventAnswer(index, "rejected", fault.code, fault.field, fault.bound, None, 0, 0)
        )
    for index in range(events):
        answers.setdefault(index, EventAnswer(index, "filtered", "", "", "", None, 0, 0))
    return answers, facts
