"""Admitting organisations and their staff.

Holds    the rule who admits whom, and the two-person acts that do it.
Promises nobody is admitted by one person; operators admit merchants and partners only, the authority anyone.
Ignores  the command line of the machine's owner, which makes the first organisations and staff.
"""

from backend.identity.admission.errors import AdmissionNeedsAuthority
from backend.identity.admission.service import (
    KINDS,
    Admitted,
    approve,
    open_proposals,
    propose_organisation,
    propose_staff,
    reject,
    suspend,
)

__all__ = [
    "KINDS",
    "AdmissionNeedsAuthority",
    "Admitted",
    "approve",
    "open_proposals",
    "propose_organisation",
    "propose_staff",
    "reject",
    "suspend",
]
