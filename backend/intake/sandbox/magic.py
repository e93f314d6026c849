"""Texts that force an answer in a sandbox: an event in which any value ends with one of them is answered so.

Any member serves, also one that the mapping does not know: `{"id": "order-7-sandbox-0409", …}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from backend.intake.sandbox.errors import SandboxBusy, SandboxQuotaReached
from backend.intake.taking import EventAnswer, Outcome

MAGIC: Mapping[str, tuple[Outcome, str]] = {
    "sandbox-0200": ("accepted", ""),
    "sandbox-0204": ("filtered", ""),
    "sandbox-0208": ("duplicate", ""),
    "sandbox-0409": ("conflict", "claim"),
    "sandbox-0423": ("conflict", "overlap"),
    "sandbox-0422": ("rejected", "above_maximum"),
}
WHOLE = {"sandbox-0429": SandboxQuotaReached, "sandbox-0503": SandboxBusy}
LENGTH = len("sandbox-0000")
FORCED_GRAMS, FORCED_POINTS = 1000, 10  # of an event that is accepted by force and could not be computed


def refuse_whole(rows: Sequence[Mapping[str, object]]) -> None:
    """Raise what an event of the batch asks for in place of every answer."""
    for row in rows:
        for refusal, error in WHOLE.items():
            if refusal in _endings(row):
                raise error


def forced(row: Mapping[str, object]) -> str | None:
    """The magic text of an event, if it has one."""
    return next((text for text in MAGIC if text in _endings(row)), None)


def answered(text: str, computed: EventAnswer) -> EventAnswer:
    """The answer that a magic text forces; what was computed of the event stays where it is accepted."""
    outcome, code = MAGIC[text]
    if outcome != "accepted":
        return replace(computed, outcome=outcome, code=code, field="", bound="", grams=0, points=0)
    if computed.outcome == "accepted":
        return computed
    return EventAnswer(
        computed.index, outcome, code, "", "", computed.claim_key or UUID(int=0), FORCED_GRAMS, FORCED_POINTS
    )


def _endings(row: Mapping[str, object]) -> set[str]:
    if not isinstance(row, Mapping):
        return set()
    return {value[-LENGTH:] for value in row.values() if isinstance(value, str)}
