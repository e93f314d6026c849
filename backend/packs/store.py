"""Packs kept by their fingerprint, so that whatever was decided by one can be decided again."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.packs import queries
from backend.packs.errors import PackFaulty, PackUnknown
from backend.packs.pack import ENGINE_VERSION, Pack, parse

log.register(log.Sealed("pack_text", key=("sha256",)))


async def store(session: AsyncSession, pack: Pack) -> str:
    """Keep a sound pack's full text; its fingerprint, by which it is found again. Storing twice changes nothing."""
    if pack.faults:
        raise PackFaulty(pack=pack.id or pack.file, faults=tuple(str(fault) for fault in pack.faults))
    await queries.insert(
        session,
        sha256=pack.sha256,
        kind=pack.kind,
        pack_id=pack.id,
        version=pack.version,
        text=pack.text,
        engine_version=ENGINE_VERSION,
    )
    return pack.sha256


async def recall(session: AsyncSession, *, sha256: str) -> Pack:
    """The pack of this fingerprint, read again from its stored text; `PackUnknown` when none is stored."""
    row = await queries.get(session, sha256)
    if row is None:
        raise PackUnknown(pack=sha256)
    return _read(str(row["text"]), f"{row['pack_id']} {row['version']}")


@lru_cache(maxsize=128)
def _read(text: str, name: str) -> Pack:
    """The same text is the same pack; an audit recalls each many times over."""
    return parse(text.encode(), name)


async def verify(session: AsyncSession) -> list[log.Violation]:
    """Stored packs whose text is not what their fingerprint says, or which name themselves otherwise than their row."""
    found = []
    async for row in queries.each(session):
        raw = str(row["text"]).encode()
        if hashlib.sha256(raw).hexdigest() != row["sha256"]:
            found.append(
                log.Violation(
                    "pack_text", row["sha256"], "the text has another fingerprint", "全文与指纹不符"
                )
            )
            continue
        pack = parse(raw)
        if (pack.kind, pack.id, pack.version) != (row["kind"], row["pack_id"], row["version"]):
            found.append(
                log.Violation(
                    "pack_text",
                    row["sha256"],
                    "the row names another pack than its text",
                    "所记名称与全文不符",
                )
            )
    return found
