"""The one double-entry ledger.

Holds    accounts and transfers; `post` and its sisters `fill`, `draw`, `sweep`, `capture` and `reverse` are the only ways to
         write them, and the database lets the application do nothing else.
Promises every transfer names both of its accounts, so the books balance by construction;
         rows are never updated or deleted, a mistake is corrected by a further transfer;
         the same posting id never moves value twice; a posting is reversed and a hold captured at most once;
         a guarded account never passes zero, and an unguarded one is never locked.
Ignores  what points, grams or merchants are: callers bring the reason and the accounts.
"""

from backend.ledger import chart
from backend.ledger.errors import (
    AlreadyResolved,
    InsufficientBalance,
    PostingIdReused,
    PostingUnknown,
    TransferNotAllowed,
)
from backend.ledger.model import (
    AccountSpec,
    Cursor,
    Drawn,
    Figures,
    Fill,
    Filled,
    Line,
    Lot,
    Movement,
    Outcome,
    Posting,
    Transfer,
    TrialLine,
)
from backend.ledger.service import (
    advance_checkpoints,
    balance_at,
    balances,
    balances_by_code,
    capture,
    counterparties,
    draw,
    due_accounts,
    due_forecast,
    end_of_prefix,
    fill,
    find_accounts,
    group_figures,
    lots,
    open_accounts,
    post,
    post_hot,
    reverse,
    share_source,
    statement,
    sweep,
    transfers,
    trial_balance,
)

__all__ = [
    "AccountSpec",
    "AlreadyResolved",
    "Cursor",
    "Drawn",
    "Figures",
    "Fill",
    "Filled",
    "InsufficientBalance",
    "Line",
    "Lot",
    "Movement",
    "Outcome",
    "Posting",
    "PostingIdReused",
    "PostingUnknown",
    "Transfer",
    "TransferNotAllowed",
    "TrialLine",
    "advance_checkpoints",
    "balance_at",
    "balances",
    "balances_by_code",
    "capture",
    "chart",
    "counterparties",
    "draw",
    "due_accounts",
    "due_forecast",
    "end_of_prefix",
    "fill",
    "find_accounts",
    "group_figures",
    "lots",
    "open_accounts",
    "post",
    "post_hot",
    "reverse",
    "share_source",
    "statement",
    "sweep",
    "transfers",
    "trial_balance",
]
