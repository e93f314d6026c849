"""Methodologies and their filing by the authority."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend import methodologies, packs
from backend.identity import approvals
from backend.identity.approvals.schemas import UNDECIDABLE, ActTold, Shown
from backend.kit import idempotency
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Sha256, Told
from backend.methodologies import DemoOverride, Filing, Methodology
from operator_api.access import Authority, OperatorOrAuthority
from operator_api.library import library

router = Router(prefix="/methodologies", tags=["methodologies"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
Region = Annotated[str, StringConstraints(pattern="^CN-[A-Z]{2}(-[A-Z]{2,4})?$")]


class MethodologyTold(Told):
    """A methodology pack that comes with this deployment; `pack_sha256` is what a filing is about."""

    id: str
    version: str
    pack_sha256: Sha256
    title_zh: str
    title_en: str
    official: bool
    jurisdiction: str

    @classmethod
    def of(cls, one: Methodology) -> MethodologyTold:
        return cls(
            id=one.id,
            version=one.version,
            pack_sha256=one.sha256,
            title_zh=one.title_zh,
            title_en=one.title_en,
            official=one.official,
            jurisdiction=one.jurisdiction,
        )


class FilingProposal(Asked):
    """A methodology that is to be filed for a region; both days are included, no end means until further notice."""

    methodology: Code
    region: Region = Field(examples=["CN-GD"])
    valid_from: date
    valid_until: date | None = None


class FilingTold(Told):
    """A filed methodology."""

    id: UUID
    pack_sha256: Sha256
    methodology: str
    version: str
    region: str
    valid_from: date
    valid_until: date | None
    act_id: UUID
    filed_at: datetime

    @classmethod
    def of(cls, one: Filing) -> FilingTold:
        return cls.model_validate(one)


class OverrideRequest(Asked):
    """A methodology that is not filed, to be used for demonstrations in a region, and why."""

    methodology: Code
    region: Region
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class OverrideTold(Told):
    """Leave to use a methodology that is not filed; all that rests on it is marked as a demonstration."""

    id: UUID
    pack_sha256: Sha256
    methodology: str
    version: str
    region: str
    reason: str
    set_at: datetime

    @classmethod
    def of(cls, one: DemoOverride) -> OverrideTold:
        return cls.model_validate(one)


@router.get("", responses=problems(*_NOT_LET_IN))
async def list_methodologies(_person: OperatorOrAuthority) -> list[MethodologyTold]:
    """The methodologies of this deployment, by id, with their fingerprints."""
    found = (await library()).of_kind("methodology")
    sound = [methodologies.methodology_of(pack) for pack in found if not pack.faults]
    return sorted((MethodologyTold.of(one) for one in sound), key=lambda one: one.id)


@router.get("/filings", responses=problems(*_NOT_LET_IN))
async def list_filings(_person: OperatorOrAuthority, session: ReadSession) -> list[FilingTold]:
    """Every filing, oldest first."""
    return [FilingTold.of(one) for one in await methodologies.filings(session)]


@router.get("/filings/proposals", responses=problems(*_NOT_LET_IN))
async def list_filing_proposals(_person: Authority, session: ReadSession) -> list[ActTold]:
    """Proposed filings that wait for a second person, oldest first."""
    return [ActTold.of(act) for act in await methodologies.open_filings(session)]


@router.post(
    "/filings/proposals",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        packs.PackUnknown,
        packs.PackFaulty,
        packs.OutsideJurisdiction,
        methodologies.FilingEndsBeforeItBegins,
        approvals.ActNeedsRole,
        *idempotency.REFUSALS,
    ),
)
async def propose_filing(
    asked: FilingProposal, person: Authority, session: WriteSession, _: IdempotencyKey
) -> ActTold:
    """Ask for a methodology to be filed: a second person of the authority has to agree to the same fingerprint."""
    pack = (await library()).find(asked.methodology)
    act = await methodologies.propose_filing(
        session,
        pack=pack,
        region=asked.region,
        valid_from=asked.valid_from,
        valid_until=asked.valid_until,
        proposed_by=person.id,
    )
    return ActTold.of(act)


@router.post("/filings/proposals/{act_id}/approval", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def approve_filing(act_id: UUID, shown: Shown, person: Authority, session: WriteSession) -> FilingTold:
    """Agree, as the second person, to exactly what was proposed; the filing stands from then on."""
    filing = await methodologies.approve_filing(
        session,
        act_id=act_id,
        approved_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return FilingTold.of(filing)


@router.post("/filings/proposals/{act_id}/rejection", responses=problems(*_NOT_LET_IN, *UNDECIDABLE))
async def reject_filing(act_id: UUID, shown: Shown, person: Authority, session: WriteSession) -> ActTold:
    """Turn a proposed filing down, as the second person."""
    act = await methodologies.reject_filing(
        session,
        act_id=act_id,
        rejected_by=person.id,
        subject_sha256=bytes.fromhex(shown.subject_sha256),
    )
    return ActTold.of(act)


@router.get("/demo-overrides", responses=problems(*_NOT_LET_IN))
async def list_demo_overrides(_person: OperatorOrAuthority, session: ReadSession) -> list[OverrideTold]:
    """Every leave to use a methodology that is not filed, oldest first."""
    return [OverrideTold.of(one) for one in await methodologies.demo_overrides(session)]


@router.post(
    "/demo-overrides",
    status_code=204,
    responses=problems(
        *_NOT_LET_IN,
        packs.PackUnknown,
        packs.PackFaulty,
        methodologies.OverrideNeedsRole,
        *idempotency.REFUSALS,
    ),
)
async def set_demo_override(
    asked: OverrideRequest, person: OperatorOrAuthority, session: WriteSession, _: IdempotencyKey
) -> None:
    """Let a methodology that is not filed reach pools marked as a demonstration. Logged; again changes nothing."""
    await methodologies.override_for_demo(
        session,
        pack=(await library()).find(asked.methodology),
        region=asked.region,
        reason=asked.reason,
        set_by=person.id,
    )
