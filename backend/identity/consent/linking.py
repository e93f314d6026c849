"""Linking a means asks for the scenarios in which it is used: nobody's acts come in on silence."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity.consent.errors import ConsentNeeded
from backend.identity.consent.service import consents_of, say
from backend.identity.consent.tables import Scenario

# In which scenarios a kind of means is used; a kind that is not named here needs no consent of its own.
USED_IN: dict[str, tuple[Scenario, ...]] = {
    "card": (Scenario.BUS, Scenario.METRO),
    "bike_account": (Scenario.BIKE,),
    "bike": (Scenario.BIKE,),
    "charging_account": (Scenario.CHARGING,),
    "meter": (Scenario.ELECTRICITY,),
    "charger": (Scenario.CHARGING,),
    "solar": (Scenario.ELECTRICITY,),
    "heat_pump": (Scenario.ELECTRICITY,),
}


async def asked_on_linking(
    session: AsyncSession, *, participant_id: UUID, kind: str, agreed: bool
) -> tuple[Scenario, ...]:
    """The scenarios of a means that its holder never spoke of, to which linking says yes if they `agreed`.

    What was said no to stays no. Raises ConsentNeeded where not one scenario would then be consented to.
    """
    used = USED_IN.get(kind, ())
    if not used:
        return ()
    said = {one.scenario: one.given for one in await consents_of(session, participant_id=participant_id)}
    silent = tuple(one for one in used if one.value not in said) if agreed else ()
    if not silent and not any(said.get(one.value) for one in used):
        raise ConsentNeeded(", ".join(one.value for one in used))
    return silent


async def say_on_linking(
    session: AsyncSession, *, participant_id: UUID, scenarios: tuple[Scenario, ...], text_sha256: bytes
) -> None:
    """Record the yes that was given with a link. Raises AgreementChanged."""
    for one in scenarios:
        await say(
            session, participant_id=participant_id, scenario=one.value, given=True, text_sha256=text_sha256
        )
