"""Which member of staff opened what of whom, and why.

Holds    a row per look: whose, by whom of which organisation, through which operation, for what stated reason.
Promises a look is noted in the transaction that answers it, or nothing is answered; none is ever removed; the person
         who was looked at is told of every one.
Ignores  what was seen.
"""

from backend import log
from backend.identity.looks.errors import ReasonMissing
from backend.identity.looks.service import Look, look, looks_of

log.register(log.Sealed("person_look", key=("id",)))

__all__ = ["Look", "ReasonMissing", "look", "looks_of"]
