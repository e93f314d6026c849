"""What becomes of acts that are not, or no longer, plainly accepted: held, decided, withdrawn, corrected, appealed.

Holds    held rows and what was decided of them, withdrawals, revisions of acts, corrections of partners, appeals.
Promises what is withdrawn is withdrawn once, and its points and grams with it, in one transaction; a claim has one act
         that stands for it, or none; a row is decided once, by the rule or by a person with a reason; where one act
         replaces another, whoever looks sees one of them at every moment.
Ignores  how rows arrive, and what certification took out of the pools: whoever did answers for it (`register_keeper`).
"""

from backend.intake.holding.appeals import (
    Appeal,
    OwnHeld,
    answer_appeal,
    appeal,
    appeal_held,
    appeal_withdrawn,
    appeals,
    last_day_to_appeal,
    own_appeals,
    own_held,
    words_of,
)
from backend.intake.holding.correcting import Correction, CorrectionAnswer, correct_events, take_back
from backend.intake.holding.decisions import Resolved, decide, resolve_by_rule, resolve_row
from backend.intake.holding.errors import (
    AppealTooLate,
    AppealUnknown,
    ClaimStands,
    ConsentWithdrawn,
    DecidedAlready,
    HeldUnknown,
    NothingToAppeal,
    OverlapStands,
    ProgrammeLeft,
    WithdrawnAlready,
)
from backend.intake.holding.hooks import Holder, Keeper, PooledGrams, register_holder, register_keeper
from backend.intake.holding.model import Accepted, Decision, Facts, Held, NewHeld, Stored, Withdrawn
from backend.intake.holding.service import (
    PairOfSources,
    acts,
    conflicts_by_pair,
    held,
    held_rows,
    hold,
    hold_apart,
)
from backend.intake.holding.weighing import told_of
from backend.intake.holding.withdrawing import lock_means, withdraw

__all__ = [
    "Accepted",
    "Appeal",
    "AppealTooLate",
    "AppealUnknown",
    "ClaimStands",
    "ConsentWithdrawn",
    "Correction",
    "CorrectionAnswer",
    "DecidedAlready",
    "Decision",
    "Facts",
    "Held",
    "HeldUnknown",
    "Holder",
    "Keeper",
    "NewHeld",
    "NothingToAppeal",
    "OverlapStands",
    "OwnHeld",
    "PairOfSources",
    "PooledGrams",
    "ProgrammeLeft",
    "Resolved",
    "Stored",
    "Withdrawn",
    "WithdrawnAlready",
    "acts",
    "answer_appeal",
    "appeal",
    "appeal_held",
    "appeal_withdrawn",
    "appeals",
    "conflicts_by_pair",
    "correct_events",
    "decide",
    "held",
    "held_rows",
    "hold",
    "hold_apart",
    "last_day_to_appeal",
    "lock_means",
    "own_appeals",
    "own_held",
    "register_holder",
    "register_keeper",
    "resolve_by_rule",
    "resolve_row",
    "take_back",
    "told_of",
    "withdraw",
    "words_of",
]
