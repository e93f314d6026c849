"""What an action refers to when it says how its grams were found; and the way back from there to a computation."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from backend import log, packs
from backend.methodologies import queries
from backend.methodologies.errors import EngineDiffers, MethodUnknown
from backend.methodologies.quantifier import Quantifier, prepare_recorded
from backend.methodologies.shape import methodology_of
from backend.packs import ENGINE_VERSION, Library, PackUnknown

log.register(log.Sealed("method_ref", key=("id",)))


async def reference(session: AsyncSession, quantifier: Quantifier, *, library: Library) -> int:
    """The id under which actions record this method; the packs behind it are stored with their full text.

    `library` holds the pack and the overlays that the quantifier was prepared from; `PackUnknown` when it does not,
    or holds other bytes under the same id.
    """
    method = quantifier.methodology
    pack_sha256 = await _store(session, library, pack=method.id, sha256=method.sha256)
    overlays = [
        await _store(session, library, pack=overlay.id, sha256=overlay.sha256)
        for overlay in quantifier.overlays
    ]
    return await queries.record(
        session,
        pack_sha256=pack_sha256,
        edition=quantifier.edition.id,
        activity=quantifier.activity.id,
        overlay_sha256=sorted(overlays),
        engine_version=quantifier.engine_version,
    )


async def _store(session: AsyncSession, library: Library, *, pack: str, sha256: str) -> str:
    found = library.find(pack)
    if found.sha256 != sha256:
        raise PackUnknown(pack=sha256)
    return await packs.store(session, found)


async def recover(session: AsyncSession, *, method_id: int) -> Quantifier:
    """The method behind an id, built again from the stored texts: the same inputs give the same grams.

    `MethodUnknown` when there is none; `EngineDiffers` when another version of the engine computed it.
    """
    row = await queries.method(session, method_id)
    if row is None:
        raise MethodUnknown(id=method_id)
    if row["engine_version"] != ENGINE_VERSION:
        raise EngineDiffers(recorded=row["engine_version"], present=ENGINE_VERSION)
    pack = await packs.recall(session, sha256=row["pack_sha256"])
    overlays = [await packs.recall(session, sha256=sha256) for sha256 in row["overlay_sha256"]]
    return prepare_recorded(
        methodology_of(pack),
        activity=row["activity"],
        edition=row["edition"],
        overlays=[packs.overlay_of(overlay) for overlay in overlays],
    )
