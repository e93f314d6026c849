"""Where one act's grams went, told to whoever has its receipt, and to nobody else.

Nothing is kept by act here, so there is nothing to look up: the receipt itself says in which batch the act lies and
proves it, and what became of the batch's tonnes is public.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.certification import proofs
from backend.transparency import provenance, queries
from backend.transparency.errors import BatchUnknown, NotAReceipt, ReceiptCheck, ReceiptNotGenuine
from backend.transparency.model import ActStep, ActTrace, Found


async def trace(session: AsyncSession, document: bytes) -> ActTrace:
    """Check a receipt against this log and follow its grams.

    Raises ProofUnreadable, NotAReceipt, or ReceiptNotGenuine with the first check that failed.
    """
    proof = proofs.read(document)
    if not isinstance(proof, proofs.Receipt):
        raise NotAReceipt
    facts = await _proven(session, proof)
    statements = (proof.statement, *(link.statement for link in proof.onward))
    steps = [
        await _step(session, step, statement)
        for step, statement in zip(facts["steps"], statements, strict=True)
    ]
    return ActTrace(
        counted_g=facts["counted_g"], steps=tuple(steps), as_of_entries=await queries.progress(session)
    )


async def _proven(session: AsyncSession, proof: proofs.Receipt) -> dict[str, Any]:
    """What the receipt proves under a key of this log, about entries that this log has."""
    own = {key.public_key: key for key in await log.public_keys(session)}
    key = own.get(proof.key.public_key)
    if key is None:
        raise ReceiptNotGenuine(check=ReceiptCheck.HEAD_GENUINE)
    verdict = proofs.verify(proof, key=proofs.PinnedKey(key.public_key, key.name))
    for check in verdict.checks:
        if not check.passed:
            raise ReceiptNotGenuine(check=ReceiptCheck(check.code))
    said = {one.index: one.entry for one in (proof.statement, *(link.statement for link in proof.onward))}
    logged = {entry.index: entry.canonical for entry in await log.entries_at(session, said)}
    if said != logged:
        raise ReceiptNotGenuine(check=ReceiptCheck.ENTRY_LOGGED)
    return dict(verdict.facts)


async def _step(session: AsyncSession, step: dict[str, Any], statement: proofs.Statement) -> ActStep:
    try:
        batch = await provenance.batch_of(session, batch=step["batch"])
    except BatchUnknown:
        batch = None
    first, last = step.get("first_tonne"), step.get("last_tonne")
    carried = step.get("carried_on_g", 0)
    tonnes: tuple[Found, ...] = ()
    if first is not None and last is not None and await _issued_as(session, step["batch"], statement):
        tonnes = await _tonnes(session, step["batch"], first, last)
    return ActStep(
        batch=step["batch"],
        kind=step["entry_kind"],
        state=None if batch is None else batch.state,
        low_g=step["low_g"],
        high_g=step["high_g"],
        carried_on_g=carried,
        carried_to=batch.next if batch is not None and carried else None,
        first_tonne=first,
        last_tonne=last,
        tonnes=tonnes,
    )


async def _issued_as(session: AsyncSession, batch: str, statement: proofs.Statement) -> bool:
    """Whether the tree that a statement is about is the one whose tonnes were issued."""
    issued = await provenance.entry_of(session, batch=batch, kind="credit.issued")
    said = json.loads(statement.entry)["body"]
    return issued is not None and issued.body.get("certified_root") == said.get("certified_root")


async def _tonnes(session: AsyncSession, batch: str, first: int, last: int) -> tuple[Found, ...]:
    source = await queries.source_of_batch(session, batch=batch)
    if source is None:
        return ()
    low, high = source["low"] + first - 1, source["low"] + last
    rows = await queries.standing(session, line=source["line"], low=low, high=high)
    return tuple(provenance.found_of(row) for row in rows)
