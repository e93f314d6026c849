"""Recompute the log and the seals from the rows and name everything that is not as it was written.

The log is recomputed from each entry's bytes upwards; every signed head must be the root of exactly those bytes at its
size, which is stronger than a consistency proof between heads. Each sealed row is hashed again and compared with its
block. Whoever can write every table can forge a whole new history; only a head kept elsewhere shows that.
"""

from __future__ import annotations

import base64
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit.checks import Since, Violation
from backend.kit.settings import Settings
from backend.log import canonical, heads, merkle, queries, sealing, sealing_queries
from backend.log.errors import HeadNotGenuine, NotSealable
from backend.log.merkle import Frontier, Node
from backend.log.queries import Entry, PublicKey, TreeHead
from backend.log.sealing import MARK_BYTES
from backend.log.sealing_queries import XID_BYTES, Block

_ENTRIES = 2_000  # read at once
_BLOCKS = 50
_BLOCKS_AT_ONCE = 2_000
_ROWS = 500_000  # small blocks are read together up to about this many rows
_NAMED = 5  # rows named per block


Stated = tuple[Block, dict[str, Any] | None]  # a block, and what the log states of it


async def verify(session: AsyncSession, *, settings: Settings) -> list[Violation]:
    """Everything wrong with the log and the sealed rows; an empty list when all is as it was written.

    Bounded memory; reads every entry and every sealed row. Safe beside running writers.
    """
    return [*await verify_log(session, settings=settings), *await verify_seals(session)]


async def verify_log(
    session: AsyncSession, *, settings: Settings, since: Since | None = None
) -> list[Violation]:
    """What is wrong with entries, nodes, keys and heads; of entries and heads, with those added since then."""
    size = await queries.size(session)
    found, keys = await _check_keys(session, settings)
    frontier, begin = Frontier(), 0
    if since is not None:
        begin = since.log_size
        edge = await _frontier(session, since, size=size)
        if edge is None:
            return [*found, _violation("log_node", f"size {begin}", *_SINCE)]
        frontier = edge
    for low in range(begin, size, _ENTRIES):
        entries = await queries.entries(session, low=low, high=min(size, low + _ENTRIES))
        signed = {head.size: head for head in await queries.heads(session, above=low, up_to=low + _ENTRIES)}
        nodes: dict[Node, bytes] = {}
        if len(entries) != min(size, low + _ENTRIES) - low:
            missing = set(range(low, min(size, low + _ENTRIES))) - {entry.index for entry in entries}
            return [
                *found,
                *(_violation("log_entry", f"#{index}", *_GONE) for index in sorted(missing)[:_NAMED]),
            ]
        for entry in entries:
            found += _check_entry(entry)
            nodes.update(frontier.append(merkle.leaf_hash(entry.canonical)))
            head = signed.get(frontier.size)
            if head is not None:
                found += _check_head(head, frontier.root(), keys)
        stored = await queries.nodes(session, nodes)
        found += [
            _violation("log_node", f"{node.level}/{node.number}", *(_GONE if node not in stored else _NODE))
            for node, value in nodes.items()
            if stored.get(node) != value and (node.level or node not in stored)
        ]
    for head in await queries.heads_beyond(session):
        found.append(_violation("log_tree_head", f"size {head.size}", *_BEYOND))
    for node in await queries.nodes_beyond(session):
        found.append(_violation("log_node", f"{node.level}/{node.number}", *_BEYOND))
    return found


async def _frontier(session: AsyncSession, since: Since, *, size: int) -> Frontier | None:
    """The tree as it stood then, from its stored nodes; None when that is not the tree that was audited."""
    if since.log_size > size:
        return None
    peaks = merkle.complete_nodes((0, since.log_size)) if since.log_size else []
    stored = await queries.nodes(session, peaks)
    if len(stored) != len(peaks):
        return None
    frontier = Frontier.of(since.log_size, [stored[peak] for peak in peaks])
    return frontier if frontier.root() == since.log_root else None


async def verify_seals(
    session: AsyncSession, *, since: Since | None = None, only: str | None = None
) -> list[Violation]:
    """What is wrong with sealed rows and their blocks, or with those sealed since then, or with one table's alone."""
    begin = 0 if since is None else since.log_size
    size = await queries.size(session)
    found = [
        _violation("log_seal", f"{table}, entry #{index}", *_GONE)
        for index, table in await sealing_queries.entries_without_block(session, log_size=size, since=begin)
    ]
    found += [
        _violation("log_seal", f"{table}, block {number}", *_STATED)
        for table, number in await sealing_queries.blocks_without_entry(session)
    ]
    known = {sealed.table for sealed in sealing.registered()}
    sealed_tables = await sealing_queries.sealed_tables(session)
    if only is not None:
        known, sealed_tables = known & {only}, [table for table in sealed_tables if table == only]
    types = await sealing_queries.column_types(session, tables=known.union(sealed_tables))
    for table in sealed_tables:
        found += await _check_table(session, table, types.get(table, {}), log_size=size, begin=begin)
    future = await sealing_queries.with_rows_from_the_future(
        session, tables=[table for table in sorted(known) if table in types]
    )
    return found + [_violation(table, "xid", *_FUTURE) for table in sorted(future)]


async def verify_coverage(session: AsyncSession) -> list[Violation]:
    """Tables that should be sealed but that nobody registered. Only for a process that has imported every noun."""
    known = {sealed.table for sealed in sealing.registered()}
    lapsed = set(await sealing_queries.sealed_tables(session)) - known
    missing = sorted(lapsed.union(await sealing.unregistered(session)))
    return [_violation(table, "", *_UNSEALED) for table in missing]


async def _check_keys(
    session: AsyncSession, settings: Settings
) -> tuple[list[Violation], dict[bytes, Signer]]:
    """The first key of a name is the platform's own; each later one is what an entry of the log says."""
    found = []
    keys: dict[bytes, Signer] = {}
    size = await queries.size(session)
    rotations = [
        (entry.index, entry.body)
        for entry in await queries.entries(session, low=0, high=size, kind=heads.ROTATED)
    ]
    for key in await queries.keys(session):
        place = f"{key.name}, {key.generation}"
        after = [index for index, body in rotations if body.get("name") == key.name]
        if key.generation == heads.FIRST:
            own = heads.public_key(settings.keys, name=key.name)
            since = 0
        else:
            stated = [(index, body) for index, body in rotations if _names(body, key)]
            if len(stated) != 1:
                found.append(_violation("log_key", place, *_KEY))
                continue
            since, own = stated[0][0] + 1, key
        until = min((index + 1 for index in after if index + 1 > since), default=None)
        keys[key.key_id] = Signer(own, since, until)
        if key != own:
            found.append(_violation("log_key", place, *_KEY))
    known = {(signer.key.name, signer.key.generation) for signer in keys.values()}
    for index, body in rotations:
        if (body.get("name"), body.get("generation")) not in known:
            found.append(_violation("log_key", f"{body.get('name')}, entry #{index}", *_GONE))
    return found, keys


@dataclass(frozen=True)
class Signer:
    """A key, and the sizes of the heads that it may have signed: above `since`, up to `until`."""

    key: PublicKey
    since: int
    until: int | None


def _names(body: dict[str, Any], key: PublicKey) -> bool:
    stated = (body.get("name"), body.get("generation"), body.get("public_key"), body.get("key_id"))
    public = base64.b64encode(key.public_key).decode()
    return stated == (key.name, key.generation, public, key.key_id.hex())


def _check_entry(entry: Entry) -> list[Violation]:
    wrong = [] if merkle.leaf_hash(entry.canonical) == entry.leaf_hash else ["leaf_hash"]
    try:
        document = canonical.decode(entry.canonical)
        facts = {"kind": entry.kind, "body": entry.body, "recorded_at": canonical.moment(entry.recorded_at)}
        wrong += [name for name, value in facts.items() if document.get(name) != value]
    except (ValueError, AttributeError, canonical.NotCanonical):
        wrong.append("canonical")
    return [
        _violation(
            "log_entry", f"#{entry.index}", f"{name} is not what was hashed", f"{name} 与被哈希的内容不符"
        )
        for name in wrong
    ]


def _check_head(head: TreeHead, root: bytes, keys: dict[bytes, Signer]) -> list[Violation]:
    place = f"size {head.size}"
    found = [] if head.root == root else [_violation("log_tree_head", place, *_ROOT)]
    signer = keys.get(head.key_id)
    if signer is None:
        return [*found, _violation("log_tree_head", place, *_KEY)]
    if head.size <= signer.since or (signer.until is not None and head.size > signer.until):
        found.append(_violation("log_tree_head", place, *_RETIRED))
    try:
        stated = heads.verify_head(head.note, key=signer.key)
    except HeadNotGenuine as error:
        return [
            *found,
            _violation("log_tree_head", place, f"the note is not genuine: {error.reason}", "签名注记不真实"),
        ]
    # Nobody but the key's holder can make another signature that holds, so the note is known to the last character.
    exact = heads.is_exact(head.note, stated=stated, key=signer.key)
    if not exact or (stated.size, stated.root, stated.signed_at) != (head.size, head.root, head.signed_at):
        found.append(_violation("log_tree_head", place, *_NOTE))
    return found


async def _check_table(
    session: AsyncSession, table: str, types: dict[str, str], *, log_size: int, begin: int
) -> list[Violation]:
    found = [] if types else [_violation(table, "", *_GONE)]
    before: Block | None = None
    if begin:
        before = await sealing_queries.block_before(session, table=table, entry=begin)
    waiting: list[Block] = []
    rows = 0
    after = -1 if before is None else before.block
    async for block, stated in _blocks(session, table, log_size=log_size, after=after):
        found += _check_block(block, before, stated)
        before = block
        if not types:
            continue
        if waiting and not _read_together(waiting, block, rows=rows):
            found += await _check_rows(session, waiting, types)
            waiting, rows = [], 0
        waiting.append(block)
        rows += block.rows
    return found + (await _check_rows(session, waiting, types) if waiting else [])


def _read_together(waiting: Sequence[Block], block: Block, *, rows: int) -> bool:
    alike = (waiting[0].key, waiting[0].columns) == (block.key, block.columns)
    few = len(waiting) < _BLOCKS_AT_ONCE and rows + block.rows <= _ROWS
    return alike and (few or block.part > 0)  # parts of one transaction stay together


async def _blocks(session: AsyncSession, table: str, *, log_size: int, after: int) -> AsyncIterator[Stated]:
    while True:
        found = await sealing_queries.stated_blocks(
            session, table=table, after=after, log_size=log_size, count=_BLOCKS
        )
        for block in found:
            yield block
        if len(found) < _BLOCKS:
            return
        after = found[-1][0].block


def _check_block(block: Block, before: Block | None, stated: dict[str, Any] | None) -> list[Violation]:
    """Whether a block says what the log says of it, and continues the one before."""
    place = f"{block.table}, block {block.block}"
    found = []
    if stated != sealing.statement(block):
        found.append(_violation("log_seal", place, *_STATED))
    if before is None:
        continues = (block.block, block.part, block.from_xid) == (0, 0, 0)
    elif block.part:
        continues = (before.part + 1, before.from_xid, before.to_xid) == (
            block.part,
            block.from_xid,
            block.to_xid,
        )
    else:
        continues = before.to_xid == block.from_xid
    if not continues or (before is not None and before.block + 1 != block.block):
        found.append(_violation("log_seal", place, *_BROKEN))
    return found


async def _check_rows(
    session: AsyncSession, blocks: Sequence[Block], types: dict[str, str]
) -> list[Violation]:
    """Hash the rows of neighbouring blocks again, in one read."""
    first, last = blocks[0], blocks[-1]
    reader = _Reader(
        sealing_queries.leaves(
            session,
            table=first.table,
            types=types,
            key=first.key,
            columns=first.columns,
            low=first.from_xid,
            high=last.to_xid,
        )
    )
    found = []
    try:
        for parts in sealing_queries.spans(blocks):
            for block, following in pairwise([*parts, None]):
                assert block is not None
                # The last part takes whatever its transactions hold, so that a row too many is noticed.
                rows = await reader.take(block.to_xid, at_most=block.rows if following else None)
                if not _matches(block, rows):
                    before = sum(part.rows for part in parts[: block.part])
                    found.append(await _name(session, block, rows, before=before))
    except NotSealable as error:
        found.append(_violation(first.table, error.column, *_COLUMN))
    return found


class _Reader:
    """Rows from a stream of runs, taken up to a transaction."""

    def __init__(self, stream: AsyncIterator[list[bytes]]) -> None:
        self._stream = stream
        self._rows: list[bytes] = []

    async def take(self, to_xid: int, *, at_most: int | None) -> list[bytes]:
        bound = to_xid.to_bytes(XID_BYTES)
        taken: list[bytes] = []
        while at_most is None or len(taken) < at_most:
            if not self._rows:
                self._rows = await anext(self._stream, [])
                if not self._rows:
                    break
            cut = bisect_left(self._rows, bound)
            if at_most is not None:
                cut = min(cut, at_most - len(taken))
            taken += self._rows[:cut]
            del self._rows[:cut]
            if self._rows:
                break
        return taken


def _matches(block: Block, rows: Sequence[bytes]) -> bool:
    if len(rows) != block.rows:
        return False
    part = sealing.Part.of(rows)
    return (part.root, part.marks) == (block.root, block.marks)


async def _name(session: AsyncSession, block: Block, rows: Sequence[bytes], *, before: int) -> Violation:
    """The violation of one block, with the keys of rows that it did not hold."""
    part = sealing.Part.of(rows)
    place = f"block {block.block}"
    if (part.rows, part.root) == (block.rows, block.root):
        return _violation("log_seal", f"{block.table}, {place}", *_MARKS)
    sealed = Counter(_marks(block.marks))
    strange = []
    for number, mark in enumerate(_marks(part.marks)):
        if sealed[mark]:
            sealed[mark] -= 1
        else:
            strange.append(number)
    lost = sum(sealed.values())
    keys = await sealing_queries.row_keys(
        session,
        table=block.table,
        key=block.key,
        low=block.from_xid,
        high=block.to_xid,
        places=[before + number for number in strange[:_NAMED]],
    )
    if keys:
        place += ", " + "; ".join(keys) + (" …" if len(strange) > _NAMED else "")
    return _violation(
        block.table,
        place,
        f"sealed {block.rows} rows, found {part.rows}: {len(strange)} changed or added, {lost} changed or gone",
        f"封存 {block.rows} 行，现有 {part.rows} 行：{len(strange)} 行被改或新增，{lost} 行被改或缺失",
    )


def _marks(marks: bytes) -> list[bytes]:
    return [marks[at : at + MARK_BYTES] for at in range(0, len(marks), MARK_BYTES)]


def _violation(table: str, place: str, en: str, zh: str) -> Violation:
    return Violation(table=table, place=place, en=en, zh=zh)


_GONE = ("is gone", "已缺失")
_NODE = ("is not the hash of what lies below it", "不是其下内容的哈希")
_BEYOND = ("lies beyond the end of the log", "超出日志末尾")
_KEY = ("is not a key of this platform", "不是本平台的密钥")
_SINCE = ("is not the tree that the audit before saw", "并非上次审计所见的日志树")
_RETIRED = ("is signed by a key that was not in use at that size", "签名所用密钥在该大小下并非在用")
_ROOT = ("is not the root of the entries at that size", "不是该大小下日志条目的根")
_NOTE = ("its columns are not what was signed", "各列与签名内容不符")
_STATED = ("is not what the log states", "与日志所载不符")
_BROKEN = ("does not continue the block before it", "未接续前一封存块")
_MARKS = ("its marks are not those of its rows, which are unchanged", "标记与各行不符，而各行未变")
_UNSEALED = ("is not registered to be sealed", "未登记封存")
_COLUMN = ("a sealed column is missing or has another type", "已封存的列缺失或类型已变")
_FUTURE = ("rows name a transaction that has not begun", "有行标注了尚未开始的事务")
