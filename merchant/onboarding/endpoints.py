"""How somebody applies to take points: without an account, by a secret of the application's own."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Header

from backend.identity.organisations import OrganisationMisnamed
from backend.identity.staff import LoginMisnamed, LoginTaken
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.problems import problems
from backend.programmes import ProgrammeUnknown
from merchant.onboarding import service
from merchant.onboarding.errors import (
    AnotherWaits,
    ApplicationStands,
    ApplicationUnknown,
    CreditCodeTaken,
    CreditCodeUnsound,
    DocumentMissing,
    DocumentTooLarge,
    DocumentUnknown,
    DocumentUnreadable,
    ManagerMadeAlready,
    TooManyDocuments,
)
from merchant.onboarding.schemas import (
    ApplicationBegun,
    ApplicationMade,
    ApplicationTold,
    DocumentAdded,
    DocumentTold,
    ManagerNamed,
    ManagerTold,
)

MOST_BODY_BYTES = 7_100_000  # the largest document in base64, and what is written around it
router = Router(prefix="/applications", tags=["applications"])

Secret = Annotated[
    str,
    Header(
        alias="Application-Secret",
        min_length=20,
        max_length=100,
        description="The secret that was told when the application was begun.",
    ),
]
_WRITING = (ApplicationUnknown, ApplicationStands)
_SAID = (CreditCodeUnsound, OrganisationMisnamed, ProgrammeUnknown)


@router.post("", status_code=201, responses=problems(*_SAID))
async def begin_application(
    made: ApplicationMade, settings: AppSettings, session: WriteSession
) -> ApplicationBegun:
    """Begin an application. Nothing is looked at before it is submitted with its documents."""
    application_id, secret = await service.apply(session, settings.keys, about=made.particulars())
    return ApplicationBegun(application_id=application_id, secret=secret)


@router.get("/{application_id}", responses=problems(ApplicationUnknown))
async def get_application(
    application_id: UUID, secret: Secret, settings: AppSettings, session: ReadSession
) -> ApplicationTold:
    """My application, how far it is, and why it came back."""
    return ApplicationTold.of(
        await service.application_of(session, settings.keys, application_id=application_id, secret=secret)
    )


@router.put("/{application_id}", responses=problems(*_WRITING, *_SAID))
async def change_application(
    application_id: UUID,
    made: ApplicationMade,
    secret: Secret,
    settings: AppSettings,
    session: WriteSession,
) -> ApplicationTold:
    """Say something else, before it is submitted or once it came back."""
    return ApplicationTold.of(
        await service.change(
            session, settings.keys, application_id=application_id, secret=secret, about=made.particulars()
        )
    )


@router.post(
    "/{application_id}/documents",
    status_code=201,
    responses=problems(*_WRITING, DocumentTooLarge, DocumentUnreadable, TooManyDocuments),
)
async def add_application_document(
    application_id: UUID,
    added: DocumentAdded,
    secret: Secret,
    settings: AppSettings,
    session: WriteSession,
) -> DocumentTold:
    """Add a document. What it is, is told by its bytes; it is kept sealed."""
    content = service.decoded(added.content)
    return DocumentTold.of(
        await service.add_document(
            session,
            settings.keys,
            application_id=application_id,
            secret=secret,
            kind=added.kind,
            content=content,
        )
    )


@router.delete(
    "/{application_id}/documents/{document_id}",
    status_code=204,
    responses=problems(*_WRITING, DocumentUnknown),
)
async def remove_application_document(
    application_id: UUID, document_id: UUID, secret: Secret, settings: AppSettings, session: WriteSession
) -> None:
    """Take a document out again."""
    await service.remove_document(
        session, settings.keys, application_id=application_id, secret=secret, document_id=document_id
    )


@router.post(
    "/{application_id}/submission",
    responses=problems(*_WRITING, DocumentMissing, CreditCodeTaken, AnotherWaits),
)
async def submit_application(
    application_id: UUID, secret: Secret, settings: AppSettings, session: WriteSession
) -> ApplicationTold:
    """Hand it in. A business licence has to be among its documents."""
    return ApplicationTold.of(
        await service.submit(session, settings.keys, application_id=application_id, secret=secret)
    )


@router.post(
    "/{application_id}/manager",
    status_code=201,
    responses=problems(*_WRITING, ManagerMadeAlready, LoginMisnamed, LoginTaken),
)
async def make_first_manager(
    application_id: UUID, named: ManagerNamed, secret: Secret, settings: AppSettings, session: WriteSession
) -> ManagerTold:
    """The first manager of a merchant that was admitted: once, and nobody but me sees the password."""
    new, password = await service.make_manager(
        session, settings.keys, application_id=application_id, secret=secret, login=named.login
    )
    return ManagerTold(login=new.staff.login, first_password=password, totp_uri=new.totp_uri)
