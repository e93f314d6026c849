"""What is refused of trees."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class OrderUnknown(DomainError):
    """There is no such order of a tree here."""

    code = "planting.order_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔植树或认养订单。"


@dataclass(eq=False)
class NotHandedOver(DomainError):
    """The order was not handed over to the partner yet, or it is reported already."""

    code = "planting.not_handed_over"
    kind = Kind.CONFLICT
    title_zh = "该订单尚未移交合作方,或已有结果。"


@dataclass(eq=False)
class NothingToHandOver(DomainError):
    """No order waits to be handed over to this partner."""

    code = "planting.nothing_to_hand_over"
    kind = Kind.CONFLICT
    title_zh = "没有待移交该合作方的订单。"


@dataclass(eq=False)
class ReportUnfit(DomainError):
    """A planted tree has no term, an adopted one has; neither day lies in the future of its report or before its order."""

    code = "planting.report_unfit"
    kind = Kind.INVALID
    title_zh = "植树不设期限,认养须有期限;种植日不得晚于今日或早于下单日,期限不得早于起始日。"


@dataclass(eq=False)
class ReferenceTaken(DomainError):
    """The partner's reference already stands for another tree, or for one that is adopted at that time."""

    code = "planting.reference_taken"
    kind = Kind.CONFLICT
    title_zh = "该编号已对应另一棵树,或该时段已被认养。"


@dataclass(eq=False)
class NoCertificate(DomainError):
    """There is no certificate with this number, or none yet for this order."""

    code = "planting.no_certificate"
    kind = Kind.NOT_FOUND
    title_zh = "没有此编号的证书,或该订单尚无证书。"
