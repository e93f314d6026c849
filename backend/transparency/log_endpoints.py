"""The log itself: heads, keys, entries and proofs. Nothing here is computed; it is read and handed on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from backend import log
from backend.certification import proofs
from backend.kit.http import ReadSession, Router
from backend.kit.problems import problems
from backend.transparency.access import FOR_A_MOMENT, FOR_GOOD, PROOF, Index, cached, tagged
from backend.transparency.errors import EntryUnknown, NothingSigned
from backend.transparency.schemas import (
    ConsistencyTold,
    EntryPage,
    EntryTold,
    HeadPage,
    HeadTold,
    InclusionTold,
    KeyTold,
)
from backend.transparency.telling import MOST

router = Router(prefix="/log", tags=["log"])

Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/head", response_model=HeadTold, responses=problems(NothingSigned))
async def latest_head(request: Request, session: ReadSession) -> Response:
    """The newest signed head. Keep one: every later log can be checked against it."""
    head = await log.latest_head(session)
    if head is None:
        raise NothingSigned
    return cached(request, HeadTold.of(head))


@router.get("/heads", response_model=HeadPage)
async def list_heads(request: Request, session: ReadSession, above: Index = 0, limit: Limit = 50) -> Response:
    """Signed heads of more than `above` entries, by size."""
    found = await log.signed_heads(session, above=above, at_most=limit + 1)
    more = len(found) > limit
    shown = [HeadTold.of(head) for head in found[:limit]]
    page = HeadPage(items=shown, next=shown[-1].size if more else None)
    return cached(request, page, keep=FOR_GOOD if more else FOR_A_MOMENT)


@router.get("/keys")
async def list_keys(session: ReadSession) -> list[KeyTold]:
    """Every key that ever signed a head, the oldest first."""
    return [KeyTold.of(key) for key in await log.public_keys(session)]


@router.get("/entries", response_model=EntryPage)
async def list_entries(
    request: Request,
    session: ReadSession,
    start: Annotated[int, Query(alias="from", ge=0, lt=MOST)] = 0,
    limit: Limit = 50,
    kind: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z]+([._-][a-z]+)*$")] = None,
) -> Response:
    """Entries from index `from` on, of one kind or of all."""
    size = await log.size(session)
    if kind is None:
        found = await log.entries(session, low=start, high=min(size, start + limit))
        following = start + limit if start + limit < size else None
    else:
        found = await log.entries(session, low=start, high=size, kind=kind, at_most=limit + 1)
        following = found[limit].index if len(found) > limit else None
    page = EntryPage(items=[EntryTold.of(entry) for entry in found[:limit]], next=following, size=size)
    return cached(request, page)


@router.get("/entries/{index}", response_model=EntryTold, responses=problems(EntryUnknown))
async def read_entry(
    request: Request, session: ReadSession, index: Annotated[int, Path(ge=0, lt=MOST)]
) -> Response:
    """One entry, which never changes."""
    found = await log.entries_at(session, [index])
    if not found:
        raise EntryUnknown
    return cached(request, EntryTold.of(found[0]), keep=FOR_GOOD)


@router.get(
    "/proofs/inclusion",
    response_model=InclusionTold,
    responses=problems(NothingSigned, EntryUnknown, log.OutsideTheTree) | PROOF,
)
async def prove_inclusion(
    request: Request,
    session: ReadSession,
    index: Index,
    size: Annotated[int | None, Query(ge=1, lt=MOST, description="Default: the newest signed head.")] = None,
) -> Response:
    """That an entry is in the log. At a signed size, the answer is a file that `puhui verify` takes as it is."""
    head = await (log.latest_head(session) if size is None else log.signed_head(session, size=size))
    at = size if head is None else head.size
    if at is None:
        raise NothingSigned
    path = await log.inclusion_proof(session, index=index, size=at)
    (entry,) = await log.entries_at(session, [index])
    if head is None:
        told = InclusionTold(
            index=index,
            size=at,
            leaf_hash=entry.leaf_hash.hex(),
            root=(await log.root(session, size=at)).hex(),
            proof=[one.hex() for one in path],
        )
        return cached(request, told)
    key = next(one for one in await log.public_keys(session) if one.key_id == head.key_id)
    proof = proofs.Inclusion(
        key=proofs.LogKey(key.name, key.public_key),
        head=head.note,
        statement=proofs.Statement(index, entry.canonical, tuple(path)),
    )
    keep = FOR_A_MOMENT if size is None else FOR_GOOD
    return tagged(request, proofs.to_bytes(proof), media_type="application/json", keep=keep)


@router.get("/proofs/consistency", response_model=ConsistencyTold, responses=problems(log.OutsideTheTree))
async def prove_consistency(request: Request, session: ReadSession, old: Index, new: Index) -> Response:
    """That the log of `new` entries begins with the log of `old` entries (RFC 9162, section 2.1.4)."""
    proof = await log.consistency_proof(session, old=old, new=new)
    heads = [await log.signed_head(session, size=size) for size in (old, new)]
    roots = [(await log.root(session, size=size)).hex() for size in (old, new)]
    old_head, new_head = (None if head is None else HeadTold.of(head) for head in heads)
    told = ConsistencyTold(
        old=old,
        new=new,
        old_root=roots[0],
        new_root=roots[1],
        proof=[one.hex() for one in proof],
        old_head=old_head,
        new_head=new_head,
    )
    return cached(request, told, keep=FOR_GOOD if old_head and new_head else FOR_A_MOMENT)
