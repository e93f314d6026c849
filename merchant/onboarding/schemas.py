"""What applicants and the operator ask and are told about applications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit.schemas import Asked, Code, Sha256, Told
from merchant.onboarding.service import Application, Document, DocumentKind, Particulars, Stands

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class Contact(Asked):
    """Whom the operator may ask. Kept sealed, shown to the applicant and to the operator."""

    name: Short
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{4,24}$")]
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,180}$")] | None = None


class ApplicationMade(Asked):
    """Who wants to take points, of which programmes. `code` is the merchant's short name here, `credit_code` its unified social
    credit code.
    """

    code: Code
    name_zh: Name
    name_en: Name
    credit_code: Annotated[str, StringConstraints(pattern="^[0-9A-Z]{18}$")]
    programmes: list[Code] = Field(default=[], max_length=50)
    contact: Contact

    def particulars(self) -> Particulars:
        """The same as the noun takes it."""
        contact = {name: value for name, value in self.contact.model_dump().items() if value is not None}
        return Particulars(
            code=self.code,
            name_zh=self.name_zh,
            name_en=self.name_en,
            credit_code=self.credit_code,
            programmes=self.programmes,
            contact=contact,
        )


class DocumentAdded(Asked):
    """A PDF, PNG, JPEG or WebP file of at most five million bytes, in base64."""

    kind: DocumentKind
    content: Annotated[str, StringConstraints(min_length=4, max_length=7_000_000)]


class ManagerNamed(Asked):
    """The login of the merchant's first manager."""

    login: Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9._@-]{1,126}$")]


class ManagerTold(Told):
    """The first manager. Password and authenticator are told here once; change the password after signing in."""

    login: str
    first_password: str
    totp_uri: str


class DocumentTold(Told):
    """A document of an application, without its content."""

    document_id: UUID
    kind: DocumentKind
    media_type: str
    size_bytes: int
    sha256: Sha256
    added_at: datetime

    @classmethod
    def of(cls, one: Document) -> DocumentTold:
        return cls(
            document_id=one.id,
            kind=one.kind,
            media_type=one.media_type,
            size_bytes=one.size_bytes,
            sha256=one.sha256.hex(),
            added_at=one.added_at,
        )


class ApplicationTold(Told):
    """An application as it stands. `subject_sha256` is the fingerprint of what was submitted last; `reason`: why it came back."""

    application_id: UUID
    code: str
    name_zh: str
    name_en: str
    credit_code: str
    programmes: list[str]
    contact: dict[str, str]
    documents: list[DocumentTold]
    stands: Stands
    reason: str | None
    submissions: int
    subject_sha256: Sha256 | None
    submitted_at: datetime | None
    organisation_id: UUID | None
    made_at: datetime

    @classmethod
    def of(cls, one: Application) -> ApplicationTold:
        about = one.particulars
        return cls(
            application_id=one.id,
            code=about.code,
            name_zh=about.name_zh,
            name_en=about.name_en,
            credit_code=about.credit_code,
            programmes=list(about.programmes),
            contact=dict(about.contact),
            documents=[DocumentTold.of(document) for document in one.documents],
            stands=one.stands,
            reason=one.reason,
            submissions=one.number,
            subject_sha256=None if one.subject_sha256 is None else one.subject_sha256.hex(),
            submitted_at=one.submitted_at,
            organisation_id=one.organisation_id,
            made_at=one.made_at,
        )


class ApplicationBegun(Told):
    """A new application. The secret is told here once: send it as the header `Application-Secret` from now on."""

    application_id: UUID
    secret: str
