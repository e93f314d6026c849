"""What vouchers refuse. A till is told no instead, with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class VoucherUnknown(DomainError):
    """There is no such redemption of a voucher here."""

    code = "merchant.voucher_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔代金券兑换。"


@dataclass(eq=False)
class OfferGivesNoVouchers(DomainError):
    """The offer gives no vouchers."""

    code = "merchant.offer_gives_no_vouchers"
    kind = Kind.CONFLICT
    title_zh = "该商品不发放代金券。"
