"""Settlement 结算: what each capture was worth, statements of closed periods, and paying them.

Holds    the worth of captures and of what came back, statements with their lines, invoice numbers, disputes and answers,
         payouts and what became of each payment.
Promises each capture and refund is in one statement at most, whatever was open when it was closed; a closed statement is
         never edited: what was wrong with it is a line of the next one; a statement is paid once, as two people let it go;
         closed unpaid statements and what is open come to what the ledger owes, to the point.
Ignores  how banks move money: somebody says here what became of it.
"""

from backend import log, webhooks
from merchant.settlement.closing import (
    STATEMENT,
    accruals_of,
    lines_of,
    note_invoice,
    settled_of,
    statement_of,
    statements,
    statements_to_pay,
)
from merchant.settlement.closing import approve as approve_close
from merchant.settlement.closing import propose as propose_close
from merchant.settlement.closing import reject as reject_close
from merchant.settlement.disputes import (
    CORRECTION,
    approve_correction,
    dispute_of,
    disputes_of,
    open_dispute,
    propose_correction,
    reject_correction,
    turn_down,
)
from merchant.settlement.errors import (
    CorrectionBeyondLine,
    CorrectionInvalid,
    DisputeAnswered,
    DisputeUnknown,
    InvoiceGiven,
    LineUnknown,
    NoStatementToPay,
    NothingToClose,
    PayoutEnded,
    SettlementPayoutUnknown,
    SettlementPeriodNotOver,
    StatementChanged,
    StatementUnknown,
)
from merchant.settlement.model import (
    Accruals,
    Dispute,
    Kind,
    Line,
    Numbered,
    Payable,
    Payout,
    PayoutLine,
    Placed,
    Settled,
    State,
    Statement,
    Totals,
)
from merchant.settlement.paying import (
    PAYOUT,
    confirm,
    payout_of,
    payouts,
)
from merchant.settlement.paying import approve as approve_payout
from merchant.settlement.paying import file as payout_file
from merchant.settlement.paying import propose as propose_payout
from merchant.settlement.paying import reject as reject_payout
from merchant.settlement.service import payables_of

KINDS = (STATEMENT, CORRECTION, PAYOUT)

log.register(
    log.Sealed("capture_value", key=("redemption_id",)),
    log.Sealed("refund_value", key=("redemption_id", "part_id")),
    log.Sealed("settlement_statement", key=("id",)),
    log.Sealed("settlement_line", key=("statement_id", "line")),
    log.Sealed("settlement_invoice", key=("statement_id",)),
    log.Sealed("settlement_dispute", key=("id",)),
    log.Sealed("settlement_answer", key=("dispute_id",)),
    log.Sealed("settlement_payout", key=("id",)),
    log.Sealed("settlement_payout_line", key=("payout_id", "statement_id")),
    log.Sealed("settlement_payout_end", key=("payout_id", "statement_id")),
)
webhooks.register(
    webhooks.EventType("statement.closed", "结算单已关账", "A statement of yours was closed by two people")
)
webhooks.register(webhooks.EventType("payout.paid", "结算款已支付", "A statement of yours was paid"))

__all__ = [
    "CORRECTION",
    "KINDS",
    "PAYOUT",
    "STATEMENT",
    "Accruals",
    "CorrectionBeyondLine",
    "CorrectionInvalid",
    "Dispute",
    "DisputeAnswered",
    "DisputeUnknown",
    "InvoiceGiven",
    "Kind",
    "Line",
    "LineUnknown",
    "NoStatementToPay",
    "NothingToClose",
    "Numbered",
    "Payable",
    "Payout",
    "PayoutEnded",
    "PayoutLine",
    "Placed",
    "Settled",
    "SettlementPayoutUnknown",
    "SettlementPeriodNotOver",
    "State",
    "Statement",
    "StatementChanged",
    "StatementUnknown",
    "Totals",
    "accruals_of",
    "approve_close",
    "approve_correction",
    "approve_payout",
    "confirm",
    "dispute_of",
    "disputes_of",
    "lines_of",
    "note_invoice",
    "open_dispute",
    "payables_of",
    "payout_file",
    "payout_of",
    "payouts",
    "propose_close",
    "propose_correction",
    "propose_payout",
    "reject_close",
    "reject_correction",
    "reject_payout",
    "settled_of",
    "statement_of",
    "statements",
    "statements_to_pay",
    "turn_down",
]
