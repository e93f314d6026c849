"""Consent per scenario, and the assignment of the right to claim reductions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field, StrictBool

from backend.identity import consent
from backend.identity.consent import Agreement, Assignment, Consent, Scenario
from backend.intake import releasing
from backend.kit import i18n, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Sha256, Told
from mobile_api import account_told

router = Router(tags=["consent"])


class AgreementText(Told):
    """A text to agree to, in the language asked for. Agreeing names its fingerprint, which covers both languages."""

    id: str
    edition: str
    purpose: str
    sample: bool = Field(description="True for a text that only shows the mechanism.")
    title: str
    text: str
    text_sha256: Sha256

    @classmethod
    def of(cls, agreement: Agreement) -> AgreementText:
        return cls(
            id=agreement.id,
            edition=agreement.edition,
            purpose=agreement.purpose,
            sample=agreement.sample,
            title=agreement.title(i18n.language()),
            text=agreement.text(i18n.language()),
            text_sha256=agreement.sha256.hex(),
        )


class ConsentSaid(Told):
    """What I said about one scenario, and about which text."""

    scenario: str
    given: bool
    agreement_id: str
    edition: str
    text_sha256: Sha256
    happened_at: datetime

    @classmethod
    def of(cls, said: Consent) -> ConsentSaid:
        return cls(
            scenario=said.scenario,
            given=said.given,
            agreement_id=said.agreement_id,
            edition=said.edition,
            text_sha256=said.text_sha256.hex(),
            happened_at=said.happened_at,
        )


class ConsentSwitch(Asked):
    """The switch of one scenario, and the fingerprint of the text that was read."""

    given: StrictBool
    text_sha256: Sha256


class ScenarioConsent(Told):
    """Where one scenario stands; `said` is null when nothing was said yet, which is no consent."""

    scenario: Scenario
    given: bool
    said: ConsentSaid | None


class RightAssigned(Told):
    """An assignment of the right to claim, for the acts from `covers_from` up to but not including `covers_until`."""

    id: UUID
    agreement_id: str
    edition: str
    text_sha256: Sha256
    covers_from: datetime
    covers_until: datetime | None
    recorded_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, assignment: Assignment) -> RightAssigned:
        return cls(
            id=assignment.id,
            agreement_id=assignment.agreement_id,
            edition=assignment.edition,
            text_sha256=assignment.text_sha256.hex(),
            covers_from=assignment.covers_from,
            covers_until=assignment.covers_until,
            recorded_at=assignment.recorded_at,
            revoked_at=assignment.revoked_at,
        )


class AssignRequest(Asked):
    """The fingerprint of the agreement that was read."""

    text_sha256: Sha256


class Right(Told):
    """Whether the right is assigned now, and every assignment that was ever made, oldest first."""

    assigned: bool
    assignments: list[RightAssigned]


@router.get("/agreements")
async def list_agreements() -> list[AgreementText]:
    """The texts that can be agreed to at present. Anyone may read them."""
    return [AgreementText.of(agreement) for agreement in consent.agreements()]


@router.get("/consents", responses=problems(Unauthenticated))
async def list_consents(citizen: SignedInCitizen, session: ReadSession) -> list[ScenarioConsent]:
    """Every scenario and whether I consent to it."""
    said = {one.scenario: one for one in await consent.consents_of(session, participant_id=citizen.id)}
    return [_scenario_consent(scenario, said.get(scenario)) for scenario in Scenario]


@router.get("/consents/history", responses=problems(Unauthenticated, paging.CursorUnusable))
async def list_consent_history(
    citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[ConsentSaid]:
    """Everything I ever said about scenarios, oldest first."""
    after = asked.after(int)
    said = await consent.consent_history(
        session, participant_id=citizen.id, after=after[0] if after else 0, limit=asked.fetch
    )
    return asked.page(said, position=lambda one: (one.id,), show=ConsentSaid.of)


@router.put(
    "/consents/{scenario}",
    responses=problems(Unauthenticated, consent.AgreementChanged, consent.ScenarioUnknown),
)
async def set_consent(
    scenario: Scenario, switch: ConsentSwitch, citizen: SignedInCitizen, session: WriteSession
) -> ScenarioConsent:
    """Give or withdraw my consent to one scenario."""
    said = await consent.say(
        session,
        participant_id=citizen.id,
        scenario=scenario.value,
        given=switch.given,
        text_sha256=bytes.fromhex(switch.text_sha256),
    )
    return _scenario_consent(scenario, said)


@router.get("/right", responses=problems(Unauthenticated))
async def get_right(citizen: SignedInCitizen, session: ReadSession) -> Right:
    """Whether I have assigned the right to claim my reductions, and since when."""
    assignments = await consent.assignments_of(session, participant_id=citizen.id)
    return Right(
        assigned=any(one.revoked_at is None for one in assignments),
        assignments=[RightAssigned.of(one) for one in assignments],
    )


@router.put("/right", responses=problems(Unauthenticated, consent.AgreementChanged, consent.AssignedAlready))
async def assign_right(
    asked: AssignRequest, citizen: SignedInCitizen, session: WriteSession
) -> RightAssigned:
    """Assign the right to claim the reductions of my acts from now on. Doing so again changes nothing."""
    assignment = await consent.assign_right(
        session, participant_id=citizen.id, text_sha256=bytes.fromhex(asked.text_sha256)
    )
    return RightAssigned.of(assignment)


class RightTakenBack(Told):
    """What became of the grams: `left_g` left the pools, `stay_g` a batch had taken before and keeps. Points stay mine."""

    left_acts: int
    left_g: int
    stay_acts: int
    stay_g: int


@router.delete("/right", responses=problems(Unauthenticated, consent.NothingToRevoke))
async def revoke_right(citizen: SignedInCitizen, session: WriteSession) -> RightTakenBack:
    """Take the right back for my acts from now on, and for grams that still wait in a pool; points stay mine."""
    taken = await releasing.revoke_right(session, participant_id=citizen.id)
    told = RightTakenBack.model_validate(taken)
    await account_told.tell(
        session,
        account_told.RIGHT_REVOKED,
        participant_id=citizen.id,
        left=told.left_acts,
        stay=told.stay_acts,
    )
    return told


def _scenario_consent(scenario: Scenario, said: Consent | None) -> ScenarioConsent:
    return ScenarioConsent(
        scenario=scenario,
        given=said is not None and said.given,
        said=ConsentSaid.of(said) if said is not None else None,
    )
