"""Who is who: the only place with personal data.

Holds    participants by pseudonym (`people`), what they act with (`means`), what they agreed to (`consent`),
         organisations and their staff (`organisations`, `staff`, `admission`), acts that take two people (`approvals`),
         how everybody signs in (`sign_in`, `doors`, `step_up`, `devices`, `tokens`), how partners' machines sign
         (`partners`), which accounts became one (`joining`), and who acts for households and firms (`members`).
         For set-based joins by the rooms above: the tables `participant(id, kind)` and
         `means(id, token, kind, operator)`, and the views `means_holder(token, participant_id, held)`,
         `right_assigned(participant_id, covers, agreement_id, edition, text_sha256)` and
         `consent_given(participant_id, scenario, edition, given)`; `held`, `covers` and `given` are tstzrange.
Promises everybody else sees pseudonyms and tokens only; personal data is sealed under a key per person, and
         destroying that key erases the person while every book and proof stays whole.
Ignores  what anybody earns, holds or owes.
"""

from backend.identity import (
    admission,
    approvals,
    closing,
    consent,
    devices,
    doors,
    guardians,
    joining,
    looks,
    means,
    members,
    organisations,
    partners,
    people,
    proving,
    sign_in,
    staff,
    step_up,
    tokens,
)
from backend.identity.housekeeping import forget_expired
from backend.identity.leaving import erase_person
from backend.identity.means import means_token, means_tokens
from backend.identity.organisations import Role
from backend.identity.people import Participant, ParticipantKind

__all__ = [
    "Participant",
    "ParticipantKind",
    "Role",
    "admission",
    "approvals",
    "closing",
    "consent",
    "devices",
    "doors",
    "erase_person",
    "forget_expired",
    "guardians",
    "joining",
    "looks",
    "means",
    "means_token",
    "means_tokens",
    "members",
    "organisations",
    "partners",
    "people",
    "proving",
    "sign_in",
    "staff",
    "step_up",
    "tokens",
]
