"""My account as a whole: who looked at it, everything that is held about me, and closing it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import Response
from pydantic import Field

from backend.identity import archive, closing, guardians, looks, members, people, step_up
from backend.identity.step_up import Purpose
from backend.kit import i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Told
from merchant import redemption

router = Router(tags=["privacy"])

_CLOSES = (closing.AccountClosed, step_up.StepUpNeeded, people.ParticipantUnknown)


class LookTold(Told):
    """Somebody of an organisation opened what is held about me, and said why."""

    id: UUID
    organisation: str
    organisation_name: str
    operation: str
    reason: str
    looked_at: datetime


class ClosureTold(Told):
    """What becomes of what is in the account, part by part; what it says on asking is done on closing."""

    groups: list[dict[str, str | int]] = Field(
        description="Households and firms that I alone manage: each `passes` to whoever came first of the members, or `closes`, too, with "
        "all that it holds."
    )
    redemptions: list[dict[str, str | int]] = Field(
        description="Given up; their points go back to the lots first."
    )
    vouchers: list[dict[str, str | int]] = Field(
        description="Good ones: they stay good for whoever shows the code, which nobody is told any more."
    )
    wallets: list[dict[str, str | int]] = Field(
        description="By programme: points forfeited to breakage, money forgone (fen), and debts, which nobody collects."
    )
    grams: list[dict[str, str | int]] = Field(
        description="By pool: grams that no batch has taken leave it; frozen and issued ones stay."
    )
    points: list[dict[str, str | int]] = Field(
        description="The points among them by the day until which they are good; an empty day is for ever."
    )
    certificates: list[dict[str, str | int]] = Field(
        description="Of trees: they stand, and can be checked by their numbers, under nobody's name."
    )
    messages: list[dict[str, str | int]] = Field(description="In the inbox: forgotten, with what I chose.")


@router.get("/looks", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_looks(citizen: SignedInCitizen, session: ReadSession, asked: Paging) -> Page[LookTold]:
    """Which organisations' staff opened what is held about me, and why; newest first."""
    found = await looks.looks_of(
        session, participant_id=citizen.id, limit=asked.fetch, after=asked.after(datetime, UUID)
    )
    return asked.page(found, position=lambda one: (one.looked_at, one.id), show=_look)


def _look(one: looks.Look) -> LookTold:
    return LookTold(
        id=one.id,
        organisation=one.organisation,
        organisation_name=one.name_zh if i18n.language() == "zh" else one.name_en,
        operation=one.operation,
        reason=one.reason,
        looked_at=one.looked_at,
    )


@router.post(
    "/me/archive",
    response_class=Response,
    responses={
        **problems(Unauthenticated, step_up.StepUpNeeded),
        200: {"content": {"application/zip": {}}, "description": "A ZIP of JSON files with an index."},
    },
)
async def make_archive(citizen: SignedInCitizen, settings: AppSettings, session: WriteSession) -> Response:
    """Everything that is held about me, as one ZIP of JSON files and an index in Chinese and English; needs a step-up."""
    assert citizen.session_id is not None
    await step_up.use(
        session, session_id=citizen.session_id, participant_id=citizen.id, purpose=Purpose.EXPORT
    )
    body = await archive.archive_of(session, settings.keys, participant_id=citizen.id)
    return Response(
        body,
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="puhui.zip"', "Cache-Control": "no-store"},
    )


@router.get("/me/closure", responses=problems(Unauthenticated))
async def get_closure(citizen: SignedInCitizen, session: ReadSession) -> ClosureTold:
    """What would become of everything in my account if I closed it now."""
    return ClosureTold.model_validate(await closing.told(session, participant_id=citizen.id))


@router.post(
    "/me/closure",
    responses=problems(
        Unauthenticated,
        members.GroupUnknown,
        members.OnlyManagers,
        guardians.ChildUnknown,
        *_CLOSES,
        redemption.RedemptionEnded,
        *idempotency.REFUSALS,
    ),
)
async def close_account(citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey) -> ClosureTold:
    """Close my account, once and for good: needs a step-up. Everything personal is erased; books and proofs stay whole.

    A household or firm is closed by one of its managers, a child's account by its guardian.
    """
    assert citizen.session_id is not None
    if citizen.actor_id is not None:
        if await guardians.keeps(session, guardian_id=citizen.actor_id, child_id=citizen.id):
            await guardians.end(session, guardian_id=citizen.actor_id, child_id=citizen.id)
        else:
            await members.check_manager(session, group_id=citizen.id, member_id=citizen.actor_id)
    await step_up.use(
        session, session_id=citizen.session_id, participant_id=citizen.id, purpose=Purpose.CLOSE_ACCOUNT
    )
    return ClosureTold.model_validate(await closing.close(session, participant_id=citizen.id))
