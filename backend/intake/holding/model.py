"""Acts as decisions, corrections and appeals see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from backend.programmes import Programme

Kind = Literal["claim", "overlap", "early", "late", "screen"]
Cause = Literal["withdrawn", "corrected", "conflict", "appeal"]
TIERS = {"operator_feed": 0, "receipt_upload": 1, "self_report": 2}  # the lower one is believed


@dataclass(frozen=True, slots=True)
class Facts:
    """What was reported of one act, read and computed: all that accepting it takes. `claim_key` is that of the facts.

    `covered` when the sender says that the act lies inside a boundary that some ETS covers: points, never credits.
    `inputs` are those of the method other than the act's two times; `grams` are what the method yields for them.
    """

    claim_key: UUID
    source_id: int
    mapping_sha256: str
    method_id: int
    means_token: UUID
    happened_at: dt.datetime
    ended_at: dt.datetime | None
    inputs: Mapping[str, Any]
    grams: int
    covered: bool


@dataclass(frozen=True, slots=True)
class NewHeld:
    """A row that was received, read and computed, and waits for a decision; `against` for a claim or an overlap only.

    `code` names the screen; `points` are what the programme's rule gave when the row came, before any cap.
    """

    line: int
    kind: Kind
    code: str
    bound: str
    claim_key: UUID
    against: UUID | None
    method_id: int
    means_token: UUID
    participant_id: UUID | None
    happened_at: dt.datetime
    ended_at: dt.datetime | None
    inputs: Mapping[str, Any]
    grams: int
    points: int
    barrier: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A held row with its source, and what was decided of it (None: nothing yet)."""

    job_id: UUID
    line: int
    kind: Kind
    code: str
    bound: str
    against: UUID | None
    facts: Facts
    points: int
    source: str
    evidence: str
    programme: str
    operator: str
    activity: str
    methodology: str
    received_at: dt.datetime
    decision_id: UUID | None
    outcome: Literal["accepted", "refused"] | None
    by_rule: str | None
    reason: str
    decided_at: dt.datetime | None
    accepted_key: UUID | None

    @property
    def tier(self) -> int:
        return TIERS[self.evidence]

    @property
    def cursor(self) -> tuple[str, int]:
        return str(self.job_id), self.line


@dataclass(frozen=True, slots=True)
class Stored:
    """An accepted act. `root` is the claim that it stands for: its own key, or the one that it is a revision of."""

    claim_key: UUID
    root: UUID
    job_id: UUID
    seq: int
    source_id: int
    source: str
    evidence: str
    programme: str
    mapping_sha256: str
    method_id: int
    means_token: UUID
    participant_id: UUID | None
    happened_at: dt.datetime
    ended_at: dt.datetime | None
    inputs: Mapping[str, Any]
    grams: int
    points: int
    credit: str
    claimed_by: UUID | None
    withdrawn: bool
    replaced_by: UUID | None

    @property
    def tier(self) -> int:
        return TIERS[self.evidence]

    @property
    def facts(self) -> Facts:
        """What was reported of it, under the claim that it stands for."""
        return Facts(
            claim_key=self.root,
            source_id=self.source_id,
            mapping_sha256=self.mapping_sha256,
            method_id=self.method_id,
            means_token=self.means_token,
            happened_at=self.happened_at,
            ended_at=self.ended_at,
            inputs=self.inputs,
            grams=self.grams,
            covered=self.credit == "covered_boundary",
        )


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What one withdrawal took back: `points` from their holder, of which `owed` became a debt, and `grams`.

    `returned` says whether the grams went back where they came from; otherwise a batch holds them and its keeper answers.
    """

    claim_key: UUID
    participant_id: UUID | None
    points: int
    owed: int
    grams: int
    returned: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """One act that was accepted in a chunk of its own; `points` were posted when it has a holder."""

    claim_key: UUID
    job_id: UUID
    participant_id: UUID | None
    grams: int
    points: int
    credit: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a held row, once."""

    id: UUID
    job_id: UUID
    line: int
    outcome: Literal["accepted", "refused"]
    by_rule: str | None
    reason: str
    accepted_key: UUID | None
    decided_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Unposted:
    """An act that is stored and not posted yet."""

    accepted: Accepted
    programme: Programme
    account: str
    activity: str
    ruled: int  # the points before any cap
    capped: int  # what caps left of them, before the budget
    freed: int  # what its points count on that acts which give way bring back
    at: dt.datetime
