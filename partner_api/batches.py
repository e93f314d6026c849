"""Batches of events, with an answer for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import Field, StrictBool
from starlette.responses import Response

from backend import intake
from backend.identity import partners
from backend.identity.partners import CallingPartner
from backend.intake import EventAnswer, Summary, Taken, batches, sandbox
from backend.intake.batches import LaterAnswer
from backend.intake.errors import ROW_REASONS
from backend.kit import i18n, idempotency, paging
from backend.kit.errors import DomainError, Kind, title_en
from backend.kit.http import AnswerInstead, ReadSession, Router, WriteSession, database, settings_of
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Paging
from backend.kit.problems import problems, rendered
from backend.kit.schemas import Asked, Code, Told
from partner_api.access import NOT_LET_IN, Partner, give_back, spend
from partner_api.exact import exact
from partner_api.library import library
from partner_api.scope import own_source
from partner_api.turns import BatchesBusy, BatchTurn

router = Router(tags=["batches"])

MOST_EVENTS = 10_000
Outcome = Literal["accepted", "duplicate", "conflict", "rejected", "filtered"]


class BatchHasConflicts(DomainError):
    """Nothing of the batch is stored: it was to be taken whole, and some of its events conflict with others."""

    code = "partner.batch_has_conflicts"
    kind = Kind.CONFLICT
    title_zh = "要求整批接收，但其中有与其他记录冲突的事件：整批未保存。"


class BatchHasRejections(DomainError):
    """Nothing of the batch is stored: it was to be taken whole, and some of its events are not as they should be."""

    code = "partner.batch_has_rejections"
    kind = Kind.INVALID
    title_zh = "要求整批接收，但其中有不合要求的事件：整批未保存。"


class NewBatch(Asked):
    """Events of one source."""

    source: Code = Field(description="The code of a source of mine.")
    events: list[Any] = Field(
        min_length=1,
        max_length=MOST_EVENTS,
        description="Objects with the fields that `GET /sources` names; what they hold beside is not read.",
        json_schema_extra={"items": {"type": "object"}},
    )
    atomic: StrictBool = Field(
        default=False,
        description="True: either every event is stored, is a duplicate or is left out, or none is stored.",
    )
    dry_run: StrictBool = Field(
        default=False, description="True: say what would become of them, and store nothing."
    )


class EventTold(Told):
    """What became of one event, by its place in the batch, from 0.

    `code` is stable and `message` says the same in the language asked for; `field` is the field that it is about and `bound` the
    limit that it met. By `claim_key` the event can be corrected later.
    """

    index: int
    outcome: Outcome
    code: str
    message: str
    field: str
    bound: str
    claim_key: UUID | None
    reduction_g: int
    points: int
    benefit_fen: int = Field(description="Where the programme gives money and no points.")

    @classmethod
    def of(cls, one: EventAnswer) -> EventTold:
        return cls(
            index=one.index,
            outcome=one.outcome,
            code=one.code,
            message=message_of(one.outcome, one.code),
            field=one.field,
            bound=one.bound,
            claim_key=one.claim_key,
            reduction_g=one.grams,
            points=one.points,
            benefit_fen=one.benefit_fen,
        )


class BatchCounts(Told):
    """received = accepted + duplicates + conflicts + rejected + filtered."""

    received: int
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    filtered: int
    waiting: int
    reduction_g: int
    points: int

    @classmethod
    def of(cls, sums: Summary) -> BatchCounts:
        named = {name: getattr(sums, name) for name in cls.model_fields if name != "reduction_g"}
        return cls(**named, reduction_g=sums.grams)


class BatchTold(BatchCounts):
    """A batch's answers in the order of its events. `id` is null when nothing was stored."""

    id: UUID | None
    stored: bool
    events: list[EventTold]

    @classmethod
    def answering(cls, taken: Taken, *, dry_run: bool) -> BatchTold:
        stored = taken.stored and not dry_run
        return cls(
            **BatchCounts.of(taken.summary).model_dump(),
            id=taken.summary.job_id if stored and taken.summary.job_id.int else None,
            stored=stored,
            events=[EventTold.of(one) for one in taken.answers],
        )


class LaterTold(Told):
    """What became of an event that was not accepted at once; one that waited is told as what was decided of it."""

    index: int
    outcome: Outcome
    code: str
    message: str
    field: str
    bound: str
    claim_key: UUID | None

    @classmethod
    def of(cls, one: LaterAnswer) -> LaterTold:
        return cls.model_validate(
            {
                **{name: getattr(one, name) for name in LaterAnswer.__slots__},
                "message": message_of(one.outcome, one.code),
            }
        )


class BatchLater(BatchCounts):
    """A batch as it was counted when it came, and its events that were not accepted at once; the others were, or are duplicates."""

    id: UUID
    source: str
    received_at: datetime
    events: list[LaterTold]
    next_cursor: str | None


_PLAIN: dict[str, tuple[str, str]] = {
    "accepted": ("", ""),
    "duplicate": ("已接收过，未重复计入", "it was taken in before, and counts once"),
    "filtered": ("映射按规则略过", "the mapping leaves such events out"),
}


def message_of(outcome: str, code: str) -> str:
    """The sentence for people, in the language asked for; nothing in it comes from the sender."""
    place = 0 if i18n.language() == "zh" else 1
    if outcome in _PLAIN:
        return _PLAIN[outcome][place]
    if code in ROW_REASONS:
        return ROW_REASONS[code][place]
    return ("未通过合理性检查", "it does not pass a plausibility screen")[place]


@router.post(
    "/batches",
    response_model=BatchTold,
    responses=problems(
        *NOT_LET_IN,
        BatchHasConflicts,
        BatchHasRejections,
        BatchesBusy,
        partners.EventsQuotaReached,
        intake.SourceUnknown,
        *idempotency.REFUSALS,
    ),
)
async def send_batch(
    asked: NewBatch,
    caller: Partner,
    _turn: BatchTurn,
    request: Request,
    session: WriteSession,
    _: IdempotencyKey,
) -> Response:
    """Send up to 10,000 events; each is answered for itself, and one that was taken in before never fails the others.

    With `atomic`, a conflict answers 409 and a rejection 422, with the list, and nothing is stored.
    """
    await own_source(session, caller, asked.source)
    rows = await exact(request, "events")
    counted = 0 if asked.dry_run else len(rows)
    await spend(request, caller, events=counted)
    try:
        taken = await _taken(request, caller, asked, rows)
    except BaseException:
        await give_back(request, caller, events=counted)
        raise
    if asked.atomic and taken.summary.conflicts + taken.summary.rejected:
        await give_back(request, caller, events=counted)
        if not asked.dry_run:
            await session.rollback()  # the key may be used again
            raise AnswerInstead(_refused(taken.answers))
    told = BatchTold.answering(taken, dry_run=asked.dry_run)
    return Response(told.model_dump_json(), media_type="application/json")


async def _taken(request: Request, caller: CallingPartner, asked: NewBatch, rows: list[Any]) -> Taken:
    given: dict[str, Any] = {
        "source": asked.source,
        "rows": rows,
        "library": await library(),
        "atomic": asked.atomic,
        "dry_run": asked.dry_run,
    }
    db, settings = database(request), settings_of(request)
    if caller.sandbox:
        return await sandbox.take(db, settings, organisation_id=caller.id, **given)
    return await intake.take(db, settings, **given)


def _refused(answers: Sequence[EventAnswer]) -> Response:
    """The problem of an atomic batch, with the events that stood in its way; it is not kept for its key."""
    listed = [one for one in answers if one.outcome in {"conflict", "rejected"}]
    kind = BatchHasRejections if any(one.outcome == "rejected" for one in listed) else BatchHasConflicts
    return rendered(
        status=kind.kind.http_status,
        code=kind.code,
        title_zh=kind.title_zh,
        title=title_en(kind),
        facts={"events": [EventTold.of(one).model_dump(mode="json") for one in listed]},
    )


@router.get(
    "/batches/{batch_id}", responses=problems(*NOT_LET_IN, batches.BatchUnknown, paging.CursorUnusable)
)
async def get_batch(batch_id: UUID, caller: Partner, session: ReadSession, asked: Paging) -> BatchLater:
    """What became of a batch of mine: its counts, and the events that were not accepted at once."""
    batch = await batches.batch_of(session, partner=caller.organisation, batch_id=batch_id)
    after = asked.after(int)
    rows = await batches.later_answers(session, batch, after=after[0] if after else None, limit=asked.fetch)
    page = asked.page(rows, position=lambda row: (row.index,), show=LaterTold.of)
    return BatchLater(
        **BatchCounts.of(batch.summary).model_dump(),
        id=batch_id,
        source=batch.source,
        received_at=batch.received_at,
        events=page.items,
        next_cursor=page.next_cursor,
    )
