"""Who I am, as a provider of real names says: what makes one account of mine the one that is redeemed from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Request
from pydantic import Field, StringConstraints

from backend.identity import proving
from backend.identity.proving import Because, Proof, RealNames
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, database, settings_of
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from mobile_api.stepping_up import person_of

router = Router(prefix="/me/proofs", tags=["privacy"])


class ProofAsked(Asked):
    """What the provider's own app or page gave: good once, for a few minutes."""

    provider: Code
    token: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern="^[!-~]+$")]


class ProofTold(Told):
    """A provider knows who I am. What it knows is not kept here, only a keyed digest by which two accounts are compared."""

    provider: str
    proved_at: datetime


class Standing(Told):
    """Whether my points can be spent from this account, and what to do where not."""

    redeemable: bool
    because: Because | None = Field(
        description="`another_account`: the one that was proved first counts; join the two (PUT /me/phone or POST "
        "/me/doors/{provider} with `join`), or close that one. `guardian`: a guardian has not allowed it. `closed`."
    )
    providers: list[str] = Field(description="Those by which I can prove who I am.")
    proofs: list[ProofTold]


@router.get("", responses=problems(Unauthenticated))
async def get_proofs(citizen: SignedInCitizen, request: Request, session: ReadSession) -> Standing:
    """Whether points can be spent from this account, and by whom it was proved whose it is."""
    found = await proving.proofs_of(session, participant_id=citizen.id)
    return _standing(request, await proving.barred(session, participant_id=citizen.id), found)


@router.post(
    "",
    responses=problems(
        Unauthenticated,
        proving.ProviderUnknown,
        proving.ProofRefused,
        proving.RealNamesUnavailable,
        proving.AnotherPerson,
    ),
)
async def prove_person(asked: ProofAsked, citizen: SignedInCitizen, request: Request) -> Standing:
    """Prove who I am. Again by the same provider changes nothing; as another person it is refused.

    In a session for a household or firm, of myself.
    """
    whose = person_of(citizen)
    provider = _providers(request).get(asked.provider)
    if provider is None:
        raise proving.ProviderUnknown
    subject = await provider.subject(asked.token)  # before any transaction
    async with database(request).transaction() as session:
        await proving.prove(
            session,
            settings_of(request).keys,
            participant_id=whose,
            provider=provider.provider,
            subject=subject,
        )
        found = await proving.proofs_of(session, participant_id=whose)
        return _standing(request, await proving.barred(session, participant_id=whose), found)


def _standing(request: Request, because: Because | None, found: list[Proof]) -> Standing:
    return Standing(
        redeemable=because is None,
        because=because,
        providers=sorted(_providers(request)),
        proofs=[ProofTold(provider=one.provider, proved_at=one.proved_at) for one in found],
    )


def _providers(request: Request) -> Mapping[str, RealNames]:
    found: Mapping[str, RealNames] = request.app.state.real_names
    return found
