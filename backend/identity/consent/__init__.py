"""What people agreed to, in which words, and when they took it back.

Holds    consent per scenario, the assignment of the right to claim (委托协议), and the agreed texts themselves;
         the views `right_assigned(participant_id, covers, …)` and `consent_given(participant_id, scenario, given, …)`
         are there for set-based joins.
Promises every consent names the fingerprint of its text; nothing said is ever removed; one assignment at a time;
         revoking acts forward.
Ignores  what becomes of acts that are not covered.
"""

from backend import log
from backend.identity.consent.agreements import Agreement, agreement, agreements
from backend.identity.consent.errors import (
    AgreementChanged,
    AgreementUnknown,
    AssignedAlready,
    ConsentNeeded,
    NothingToRevoke,
    ScenarioUnknown,
)
from backend.identity.consent.linking import asked_on_linking, say_on_linking
from backend.identity.consent.service import (
    RIGHT,
    SCENARIO,
    agree,
    assign_right,
    assign_right_list,
    assignments_of,
    consent_history,
    consent_list,
    consents_of,
    revoke_right,
    say,
    withdraw_all,
)
from backend.identity.consent.tables import Assignment, Consent, Scenario

log.register(
    log.Sealed("agreement_text", key=("sha256",)),
    log.Sealed("consent_event", key=("id",)),
    log.Sealed("assignment_of_right", key=("id",), leave_out=("covers", "revoked_at")),
)

__all__ = [
    "RIGHT",
    "SCENARIO",
    "Agreement",
    "AgreementChanged",
    "AgreementUnknown",
    "AssignedAlready",
    "Assignment",
    "Consent",
    "ConsentNeeded",
    "NothingToRevoke",
    "Scenario",
    "ScenarioUnknown",
    "agree",
    "agreement",
    "agreements",
    "asked_on_linking",
    "assign_right",
    "assign_right_list",
    "assignments_of",
    "consent_history",
    "consent_list",
    "consents_of",
    "revoke_right",
    "say",
    "say_on_linking",
    "withdraw_all",
]
