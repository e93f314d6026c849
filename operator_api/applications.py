"""Applications of merchants: looked at, and decided by two people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import StringConstraints

from backend.identity import approvals, organisations
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.kit import paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked
from merchant import onboarding
from merchant.onboarding.schemas import ApplicationTold
from operator_api.access import Operator

router = Router(prefix="/applications", tags=["applications"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_STANDING = (onboarding.ApplicationUnknown, onboarding.ApplicationStands)


class SentBack(Asked):
    """Why an application cannot be admitted as it is; its writer reads this."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class Admitted(ActTold):
    """The act that admitted a merchant, and the merchant."""

    organisation_id: UUID


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_applications(
    _person: Operator, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[ApplicationTold]:
    """Applications that wait for a decision, the longest waiting first."""
    after = asked.after(datetime, UUID)
    rows = await onboarding.waiting(
        session, settings.keys, limit=asked.fetch, after=(after[0], after[1]) if after else None
    )
    return asked.page(rows, position=lambda row: (row.submitted_at, row.id), show=ApplicationTold.of)


@router.get("/{application_id}", responses=problems(*_NOT_LET_IN, onboarding.ApplicationUnknown))
async def get_merchant_application(
    application_id: UUID, _person: Operator, settings: AppSettings, session: ReadSession
) -> ApplicationTold:
    """One application with its documents."""
    return ApplicationTold.of(
        await onboarding.application_of(session, settings.keys, application_id=application_id)
    )


@router.get(
    "/{application_id}/documents/{document_id}",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(*_NOT_LET_IN, onboarding.DocumentUnknown),
    },
)
async def get_application_document(
    application_id: UUID, document_id: UUID, _person: Operator, settings: AppSettings, session: ReadSession
) -> Response:
    """A document as it was sent, to be saved: a browser is told not to open it."""
    told, content = await onboarding.document_content(
        session, settings.keys, application_id=application_id, document_id=document_id
    )
    name = f"{told.kind}-{told.sha256.hex()[:12]}"
    return Response(
        content,
        media_type=told.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


@router.post(
    "/{application_id}/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        *_STANDING,
        onboarding.CreditCodeTaken,
        approvals.ActNeedsRole,
        approvals.ActShownDiffers,
    ),
)
async def propose_merchant(
    application_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Ask, as the first person, for what was submitted to be admitted. `subject_sha256`: the application's, as it was looked at."""
    act = await onboarding.propose(
        session,
        application_id=application_id,
        proposed_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.post(
    "/{application_id}/proposals/{act_id}/approval",
    responses=problems(
        *_NOT_LET_IN,
        *_STANDING,
        *UNDECIDABLE,
        onboarding.CreditCodeTaken,
        organisations.OrganisationCodeTaken,
    ),
)
async def admit_merchant(
    application_id: UUID, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> Admitted:
    """Agree, as the second person: the merchant is there, and its writer makes its first manager."""
    sha256 = bytes.fromhex(shown.subject_sha256)
    made = await onboarding.approve(
        session, application_id=application_id, act_id=act_id, approved_by=person.id, subject_sha256=sha256
    )
    act = await approvals.act(session, onboarding.ADMISSION, act_id=act_id)
    return Admitted(**ActTold.of(act).model_dump(), organisation_id=made.id)


@router.post("/{application_id}/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_merchant(
    application_id: UUID, act_id: UUID, shown: Shown, person: Operator, session: WriteSession
) -> ActTold:
    """Turn the first person's proposal down; the application goes on waiting."""
    sha256 = bytes.fromhex(shown.subject_sha256)
    return ActTold.of(
        await onboarding.reject(
            session,
            application_id=application_id,
            act_id=act_id,
            rejected_by=person.id,
            subject_sha256=sha256,
        )
    )


@router.post("/{application_id}/return", responses=problems(*_NOT_LET_IN, *_STANDING))
async def send_application_back(
    application_id: UUID, back: SentBack, person: Operator, settings: AppSettings, session: WriteSession
) -> ApplicationTold:
    """Send it back with a reason; its writer may mend it and hand it in again."""
    return ApplicationTold.of(
        await onboarding.send_back(
            session,
            settings.keys,
            application_id=application_id,
            sent_back_by=person.id,
            reason=back.reason,
        )
    )
