"""What settlement refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


class StatementUnknown(DomainError):
    """There is no such statement here."""

    code = "merchant.statement_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这份结算单。"


class NothingToClose(DomainError):
    """Nothing was ever captured by this merchant for this programme."""

    code = "merchant.nothing_to_close"
    kind = Kind.CONFLICT
    title_zh = "该商户在该计划下尚无核销，无可结算。"


@dataclass(eq=False)
class SettlementPeriodNotOver(DomainError):
    """The period lasts until its last day; a statement is closed after it."""

    code = "merchant.settlement_period_not_over"
    kind = Kind.CONFLICT
    title_zh = "结算期尚未结束。"

    last_day: str


class StatementChanged(DomainError):
    """What was proposed is not what would be closed now; propose again."""

    code = "merchant.statement_changed"
    kind = Kind.CONFLICT
    title_zh = "提案之后情况有变，请重新提出。"


class InvoiceGiven(DomainError):
    """This statement has an invoice already."""

    code = "merchant.invoice_given"
    kind = Kind.CONFLICT
    title_zh = "该结算单已登记发票。"


class LineUnknown(DomainError):
    """The statement has no such line."""

    code = "merchant.line_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "结算单中没有这一行。"


class DisputeUnknown(DomainError):
    """There is no such dispute here."""

    code = "merchant.dispute_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这项争议。"


class CorrectionInvalid(DomainError):
    """A correction moves points or money, and somebody but the merchant pays it."""

    code = "merchant.correction_invalid"
    kind = Kind.INVALID
    title_zh = "更正须有积分或金额，且由商户以外的一方承担。"


@dataclass(eq=False)
class CorrectionBeyondLine(DomainError):
    """All corrections of a line together come to no more than the line itself, in points and in fen, either way."""

    code = "merchant.correction_beyond_line"
    kind = Kind.CONFLICT
    title_zh = "同一行的更正合计（积分与金额）不得超过该行本身。"

    line_points: int
    line_fen: int
    moved_points: int
    moved_fen: int


class DisputeAnswered(DomainError):
    """The dispute was answered already."""

    code = "merchant.dispute_answered"
    kind = Kind.CONFLICT
    title_zh = "该争议已答复。"


class NoStatementToPay(DomainError):
    """No closed statement of this programme waits to be paid."""

    code = "merchant.no_statement_to_pay"
    kind = Kind.CONFLICT
    title_zh = "该计划没有待付的结算单。"


class SettlementPayoutUnknown(DomainError):
    """There is no such payout, or the statement is not in it."""

    code = "merchant.payout_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔付款，或其中没有该结算单。"


@dataclass(eq=False)
class PayoutEnded(DomainError):
    """It was told before what became of this payment: `outcome`."""

    code = "merchant.payout_ended"
    kind = Kind.CONFLICT
    title_zh = "该笔付款的结果已登记。"

    outcome: str
