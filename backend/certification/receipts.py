"""Proofs over stored batches: what grams a serial number is made of, and where an act's grams are.

Each reads a few hundred rows, however large the batch, and gives a document that `puhui verify` checks offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import intake, log
from backend.certification import proofs, queries, reading, trees, verifying
from backend.certification.errors import HeadNotSigned, NotFrozenYet, SerialUnknown
from backend.certification.facts import Digester, facts_of
from backend.certification.layout import Layout
from backend.certification.model import Batch, Finding, Issuance, Statement
from backend.certification.runs import layout_of
from backend.certification.sumtree import (
    CHUNK_LEAVES,
    Opening,
    SumRoot,
    prove_leaf,
    prove_range,
    verify_opening,
)
from backend.certification.sumtree.tonnes import carry_leaf, tonne_range, tonnes_of
from backend.identity import joining
from backend.kit.settings import Keys
from backend.log import TreeHead


@dataclass(frozen=True, slots=True)
class Step:
    """Where an act's grams are in one batch: in which serial numbers, and how many were carried on."""

    batch: Batch
    issuance: Issuance
    first_serial: int | None
    last_serial: int | None
    carried_on_g: int


@dataclass(frozen=True, slots=True)
class ActReceipt:
    """An act's receipt: what is proven of it, and what became of its grams.

    `counted_g` are the certified grams once the batch is issued, the frozen ones before. `finding` is why fewer count.
    """

    batch: Batch
    frozen_g: int
    counted_g: int
    finding: Finding | None
    steps: tuple[Step, ...]
    proof: proofs.Receipt


async def serial_proof(session: AsyncSession, *, book: str, number: int) -> proofs.Serial:
    """The proof of a serial number in the book that it was issued in. SerialUnknown, HeadNotSigned."""
    row = (await session.execute(queries.ISSUANCE_OF_SERIAL, {"book": book, "number": number})).one_or_none()
    if row is None:
        raise SerialUnknown
    issuance = Issuance(*row)
    assert issuance.first_serial is not None
    witness = await Witness.of(session, behind=issuance.log_index)
    certified = await _Certified.of(session, issuance)
    low, high = tonne_range(number - issuance.first_serial + 1)
    opening = await certified.open_range(session, low, high)
    carried = []
    earlier, carry = certified, certified.layout.carry
    while carry is not None and low < carry.grams:
        assert earlier.batch.previous_id is not None
        low, high = carry.from_gram + low, carry.from_gram + min(high, carry.grams)
        earlier = await _Certified.of(
            session, await reading.issuance(session, batch_id=earlier.batch.previous_id)
        )
        carried.append(
            proofs.Link(
                await witness.statement(session, earlier.issuance.log_index),
                await earlier.open_range(session, low, high),
            )
        )
        carry = earlier.layout.carry
    return proofs.Serial(
        key=witness.key,
        head=witness.head.note,
        book=book,
        serial=number,
        statement=await witness.statement(session, issuance.log_index),
        opening=opening,
        carried=tuple(carried),
    )


async def receipt(session: AsyncSession, keys: Keys, *, participant_id: UUID, claim_key: UUID) -> ActReceipt:
    """The receipt of one of the participant's acts, or of an account that ended in theirs: in the certified tree once issued, in the frozen one before.

    ActUnknown, also for another's act; NotFrozenYet; HeadNotSigned.
    """
    people = [participant_id, *await joining.joined_accounts(session, participant_id=participant_id)]
    act = (await session.execute(queries.ACT_BY_KEY, {"key": claim_key, "people": people})).one_or_none()
    if act is None:
        raise intake.ActUnknown
    leaf = (await session.execute(queries.LEAF_OF_ACT, {"key": claim_key})).one_or_none()
    if leaf is None:
        raise NotFrozenYet
    batch = await reading.batch(session, leaf.batch_id)
    issuance = await reading.issuance_of(session, batch.id)
    certified = None if issuance is None else await _Certified.of(session, issuance)
    index = None if certified is None else certified.layout.index_of(leaf.position)
    steps: list[Step] = []
    onward: list[proofs.Link] = []
    if certified is None or index is None:
        witness = await Witness.of(session, behind=batch.log_index)
        statement = await witness.statement(session, batch.log_index)
        layout = Layout(carry=None, keeps={}, kept_acts=batch.acts, last_keeps_g=None)
        opening = await _open_leaf(session, batch.id, trees.FROZEN, layout, leaf.position)
    else:
        witness = await Witness.of(session, behind=certified.issuance.log_index)
        statement = await witness.statement(session, certified.issuance.log_index)
        opening = await certified.open_leaf(session, index)
        low = verify_opening(opening, root=certified.root).first_at
        steps, onward = await _follow(session, witness, certified, low, low + opening.leaves[0].grams)
    computed = (await reading.computed_of(session, [act.method_id]))[act.method_id]
    feed = (await reading.feeds_by_id(session))[act.source_id]
    counted_g = opening.leaves[0].grams
    if certified is not None and index is None:
        counted_g = 0
    return ActReceipt(
        batch=batch,
        frozen_g=leaf.grams,
        counted_g=counted_g,
        finding=None if certified is None else certified.findings.get(leaf.position),
        steps=tuple(steps),
        proof=proofs.Receipt(
            key=witness.key,
            head=witness.head.note,
            act=facts_of(computed=computed, feed=feed, day=leaf.day, inputs=act.inputs, grams=act.grams),
            salt=Digester(keys).salt_of(claim_key),
            statement=statement,
            opening=opening,
            onward=tuple(onward),
        ),
    )


async def _follow(
    session: AsyncSession, witness: Witness, certified: _Certified, low: int, high: int
) -> tuple[list[Step], list[proofs.Link]]:
    """The serial numbers of grams `[low, high)`, in this batch and in those that they were carried to."""
    steps = [certified.step(low, high)]
    links: list[proofs.Link] = []
    while (carry := carry_leaf(certified.root)) is not None and high > carry.from_gram:
        later = await reading.following(session, certified.batch.id)
        issuance = None if later is None else await reading.issuance_of(session, later.id)
        if issuance is None or issuance.log_index >= witness.head.size:
            break
        low, high = max(low, carry.from_gram) - carry.from_gram, high - carry.from_gram
        certified = await _Certified.of(session, issuance)
        links.append(
            proofs.Link(
                await witness.statement(session, issuance.log_index), await certified.open_leaf(session, 0)
            )
        )
        steps.append(certified.step(low, high))
    return steps, links


@dataclass(frozen=True, slots=True)
class Witness:
    """A signed head of the log, and what it vouches for."""

    key: proofs.LogKey
    head: TreeHead

    @classmethod
    async def of(cls, session: AsyncSession, *, behind: int) -> Witness:
        """The newest signed head, which must hold the entry `behind`. HeadNotSigned."""
        head = await log.latest_head(session)
        if head is None or head.size <= behind:
            raise HeadNotSigned
        key = next(one for one in await log.public_keys(session) if one.key_id == head.key_id)
        return cls(proofs.LogKey(key.name, key.public_key), head)

    async def statement(self, session: AsyncSession, index: int) -> proofs.Statement:
        """An entry with its way to the head's root."""
        (entry,) = await log.entries_at(session, [index])
        path = await log.inclusion_proof(session, index=index, size=self.head.size)
        return proofs.Statement(index=index, entry=entry.canonical, path=tuple(path))


@dataclass(frozen=True, slots=True)
class _Certified:
    """The certified tree of an issued batch, open at a few places."""

    batch: Batch
    issuance: Issuance
    statement: Statement
    layout: Layout
    findings: dict[int, Finding]

    @classmethod
    async def of(cls, session: AsyncSession, issuance: Issuance) -> _Certified:
        batch = await reading.batch(session, issuance.batch_id)
        statement = await verifying.statement(session, batch_id=issuance.batch_id, revision=issuance.revision)
        found = await verifying.findings(session, batch_id=batch.id, until=statement.findings)
        return cls(
            batch, issuance, statement, await layout_of(session, batch, statement), verifying.standing(found)
        )

    @property
    def root(self) -> SumRoot:
        return self.statement.certified

    async def open_range(self, session: AsyncSession, low: int, high: int) -> Opening:
        """Open the leaves of the first and the last of these grams."""
        chunks = await trees.chunks_at(
            session, batch_id=self.batch.id, revision=self.statement.revision, grams=(low, high - 1)
        )
        part = await trees.part_of(
            session,
            batch_id=self.batch.id,
            revision=self.statement.revision,
            layout=self.layout,
            chunks=chunks,
        )
        return prove_range(part, low=low, high=high)

    async def open_leaf(self, session: AsyncSession, index: int) -> Opening:
        return await _open_leaf(session, self.batch.id, self.statement.revision, self.layout, index)

    def step(self, low: int, high: int) -> Step:
        """Which serial numbers grams `[low, high)` are part of."""
        tonnes = tonnes_of(low=low, high=high, total_g=self.root.grams)
        carry = carry_leaf(self.root)
        before = (self.issuance.first_serial or 1) - 1
        return Step(
            batch=self.batch,
            issuance=self.issuance,
            first_serial=before + tonnes[0] if tonnes else None,
            last_serial=before + tonnes[-1] if tonnes else None,
            carried_on_g=0 if carry is None else max(0, high - max(low, carry.from_gram)),
        )


async def _open_leaf(
    session: AsyncSession, batch_id: UUID, revision: int, layout: Layout, index: int
) -> Opening:
    part = await trees.part_of(
        session, batch_id=batch_id, revision=revision, layout=layout, chunks=[index // CHUNK_LEAVES]
    )
    return prove_leaf(part, index=index)
