"""Serial numbers, batches and totals."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.responses import Response, StreamingResponse

from backend import certification
from backend.certification import proofs
from backend.kit import echo
from backend.kit.http import Router, database
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.transparency import acts, provenance, queries, spreadsheet
from backend.transparency.access import FOR_A_MOMENT, PROOF, Followed, Wanted, cached, tagged
from backend.transparency.errors import BatchUnknown, NotAReceipt, ReceiptNotGenuine, SerialUnknown
from backend.transparency.printed import parsed
from backend.transparency.schemas import ActTold, BatchTold, Figures, FoundTold, StoryTold, TotalsTold

router = Router()

Serial = Annotated[
    str,
    Path(
        max_length=120,
        description="A printed serial: the book, a dash, the number.",
        examples=["PHCER-000000001"],
    ),
]


@router.get(
    "/serials/{serial}", response_model=StoryTold, responses=problems(SerialUnknown), tags=["serials"]
)
async def read_serial(request: Request, session: Followed, serial: Serial) -> Response:
    """Where a tonne comes from, everything that happened to it, and where it stands now."""
    book, number = parsed(serial)
    story = await provenance.story(session, book=book, number=number)
    if "_" in serial and serial != story.credit:
        raise SerialUnknown  # the number exists, with another vintage, methodology or region around it
    return cached(request, StoryTold.model_validate(story))


@router.get(
    "/serials/{serial}/proof",
    responses=problems(SerialUnknown, certification.SerialUnknown, certification.HeadNotSigned) | PROOF,
    tags=["serials"],
)
async def prove_serial(request: Request, session: Followed, serial: Serial) -> Response:
    """The proof of a credit: which grams of its batch it is. Saved as it comes, it is a file that `puhui verify` takes."""
    book, number = parsed(serial)
    story = await provenance.story(session, book=book, number=number)
    proof = await certification.serial_proof(session, book=story.line, number=number)
    return tagged(request, proofs.to_bytes(proof), media_type="application/json", keep=FOR_A_MOMENT)


@router.get("/serials", response_model=Page[FoundTold], tags=["serials"])
async def search_serials(request: Request, session: Followed, wanted: Wanted, paging: Paging) -> Response:
    """Serial numbers by project, methodology, vintage, status and so on, as runs that stand alike."""
    found = await provenance.search(session, wanted, after=paging.after(str, int), limit=paging.fetch)
    page = paging.page(found, position=lambda one: (one.line, one.low), show=FoundTold.model_validate)
    return cached(request, page)


@router.get("/serials.csv", response_class=StreamingResponse, responses=spreadsheet.ANSWER, tags=["serials"])
async def download_serials(request: Request, session: Followed, wanted: Wanted) -> Response:
    """The same search as one file, in the field names of CAD Trust where it has them; UTF-8, for spreadsheets too."""
    as_of = await queries.progress(session)
    rows = spreadsheet.serials(database(request), wanted)
    name = f"serials-{as_of}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": FOR_A_MOMENT}
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/batches", response_model=Page[BatchTold], tags=["batches"])
async def list_batches(request: Request, session: Followed, wanted: Wanted, paging: Paging) -> Response:
    """Batches by project, methodology and vintage, the newest first."""
    (after,) = paging.after(int) or (None,)
    found = await provenance.batches(session, wanted, after=after, limit=paging.fetch)
    page = paging.page(
        found, position=lambda one: (one[0],), show=lambda one: BatchTold.model_validate(one[1])
    )
    return cached(request, page)


@router.get(
    "/batches/{batch_id}", response_model=BatchTold, responses=problems(BatchUnknown), tags=["batches"]
)
async def read_batch(
    request: Request, session: Followed, batch_id: Annotated[str, Path(max_length=100)]
) -> Response:
    """One batch: what was frozen, what verification left of it, and what was issued."""
    return cached(request, BatchTold.model_validate(await provenance.batch_of(session, batch=batch_id)))


@router.get("/figures", response_model=Figures, tags=["figures"])
async def read_figures(request: Request, session: Followed, wanted: Wanted) -> Response:
    """Tonnes issued, and where they stand, by project, methodology, vintage and market."""
    figures = Figures(
        as_of_entries=await queries.progress(session),
        items=[TotalsTold.of(one) for one in await provenance.totals(session, wanted)],
    )
    return cached(request, figures)


@router.post(
    "/acts/provenance",
    responses=problems(proofs.ProofUnreadable, NotAReceipt, ReceiptNotGenuine),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    },
    tags=["acts"],
)
async def trace_act(request: Request, session: Followed) -> ActTold:
    """Where the grams of one act went: send the act's receipt as it is. Without it nothing is told of an act."""
    receipt = await request.body()
    echo.remember(request.scope, receipt)  # also where it was not sent as JSON
    return ActTold.model_validate(await acts.trace(session, receipt))
