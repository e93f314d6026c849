"""What the market's registry is told of the numbers that arrive: the facts of their issuance."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log, methodologies, packs
from offset_bridge import registry
from offset_bridge.bridge.model import BridgeTransfer
from offset_bridge.origin import UNIT, Issued, issued


async def record_lots(session: AsyncSession, transfer: BridgeTransfer) -> None:
    """Say in the registry what the deposited numbers are, a lot for each issuance that they are from."""
    for piece in await issued(session, book=transfer.from_book, serials=transfer.serials):
        await registry.record_lot(
            session,
            book=transfer.to_book,
            serials=piece.serials,
            unit=UNIT,
            source=registry.Source.BRIDGED,
            source_id=transfer.id,
            facts=await _facts(session, piece),
        )


async def _facts(session: AsyncSession, piece: Issued) -> dict[str, Any]:
    start, end = piece.vintage
    gases = await _gases(session, piece)
    return {
        "project_id": piece.project,
        "project_region": piece.region,
        "project_type": "inclusion",
        "vintage_start": start.isoformat(),
        "vintage_end": end.isoformat(),
        "filed": True,  # issued is filed: the authority approved these very tonnes
        "covered_boundary": False,  # acts inside a covered boundary never reach a pool
        "batch": str(piece.batch),
        "methodology": piece.methodology,
        **({"gases": gases} if gases else {}),
    }


async def _gases(session: AsyncSession, piece: Issued) -> dict[str, str] | None:
    """The one gas that the batch's methodology counts; None where there are several, whose parts nobody states."""
    size = await log.size(session)
    species: set[str] = set()
    for entry in await log.entries(session, low=0, high=size, kind="batch.frozen"):
        if entry.body.get("batch") == str(piece.batch):
            for sha256 in entry.body["pack_sha256s"]:
                pack = await packs.recall(session, sha256=sha256)
                species.update(methodologies.methodology_of(pack).gas_species)
    return {species.pop(): "1.0"} if len(species) == 1 else None
