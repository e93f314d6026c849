"""What a redemption refuses."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_constraint, name_sqlstate
from backend.kit.errors import DomainError, Kind
from merchant.shops import ShopClosed


@dataclass(eq=False)
class OfferClosed(DomainError):
    """The offer cannot be redeemed today: it was withdrawn, or its days are over or have not begun."""

    code = "merchant.offer_closed"
    kind = Kind.CONFLICT
    title_zh = "该商品今日不可兑换：已下架，或不在兑换期内。"


@dataclass(eq=False)
class SoldOut(DomainError):
    """Nothing is left of this offer."""

    code = "merchant.sold_out"
    kind = Kind.CONFLICT
    title_zh = "该商品已兑完。"


@dataclass(eq=False)
class LimitReached(DomainError):
    """You have redeemed this offer as often as one citizen may."""

    code = "merchant.limit_reached"
    kind = Kind.CONFLICT
    title_zh = "您已达到该商品的每人限兑次数。"

    per_citizen: int


@dataclass(eq=False)
class RedemptionUnknown(DomainError):
    """There is no such redemption here."""

    code = "merchant.redemption_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这笔兑换。"


@dataclass(eq=False)
class RedemptionExpired(DomainError):
    """The code is no longer valid; ask for a new one."""

    code = "merchant.redemption_expired"
    kind = Kind.GONE
    title_zh = "兑换码已过期，请出示新码。"


@dataclass(eq=False)
class RedemptionEnded(DomainError):
    """The redemption has ended: `how` it did."""

    code = "merchant.redemption_ended"
    kind = Kind.GONE
    title_zh = "这笔兑换已结束。"

    how: str


@dataclass(eq=False)
class RedemptionNotCaptured(DomainError):
    """Only what a till has captured can be refunded."""

    code = "merchant.redemption_not_captured"
    kind = Kind.CONFLICT
    title_zh = "只有已核销的兑换可以退还。"


@dataclass(eq=False)
class AlreadyRefunded(DomainError):
    """This redemption was refunded before."""

    code = "merchant.already_refunded"
    kind = Kind.CONFLICT
    title_zh = "这笔兑换已经退还。"


@dataclass(eq=False)
class PartTooLarge(DomainError):
    """The parts would be more than what was captured."""

    code = "merchant.part_too_large"
    kind = Kind.CONFLICT
    title_zh = "各部分合计将超过核销的积分。"

    left_points: int


@dataclass(eq=False)
class VoucherUsed(DomainError):
    """The voucher was used at a till; what was used is not refunded."""

    code = "merchant.voucher_used"
    kind = Kind.CONFLICT
    title_zh = "代金券已使用，不能退还。"


@dataclass(eq=False)
class VoucherInParts(DomainError):
    """A voucher is given back whole or not at all."""

    code = "merchant.voucher_in_parts"
    kind = Kind.CONFLICT
    title_zh = "代金券只能全额退还，不能部分退还。"


@dataclass(eq=False)
class VoucherCodeWanted(DomainError):
    """The offer gives a voucher, whose code has to come along."""

    code = "merchant.voucher_code_wanted"
    kind = Kind.CONFLICT
    title_zh = "该商品发放代金券，须同时给出券码。"


class PartReused(DomainError):
    """This part was refunded before, with other points."""

    code = "merchant.part_reused"
    kind = Kind.CONFLICT
    title_zh = "此部分此前已按其他积分退还。"


@dataclass(eq=False)
class AccountTooNew(DomainError):
    """Your account earns at once and redeems from a later day on."""

    code = "merchant.account_too_new"
    kind = Kind.CONFLICT
    title_zh = "新账户立即得分，自所示日期起可兑换。"

    redeems_from: str


@dataclass(eq=False)
class NotRedeemable(DomainError):
    """Nothing is redeemed here: closed, not allowed by a guardian, or another account of yours counts (join them).

    GET /mobile/v1/me/proofs tells which.
    """

    code = "merchant.not_redeemable"
    kind = Kind.CONFLICT
    title_zh = "此账户不能兑换：已注销、以同一人先核验的账户为准（可合并两个账户），或监护人尚未同意。"


@dataclass(eq=False)
class RedeemingUnknown(DomainError):
    """The programme does not say a figure that redeeming needs."""

    code = "merchant.redeeming_unknown"
    kind = Kind.CONFLICT
    title_zh = "计划未给出兑换所需的一项数值。"

    programme: str
    parameter: str


@dataclass(eq=False)
class StepUpWanted(DomainError):
    """A redemption of so many points needs you to show once more who you are."""

    code = "merchant.step_up_wanted"
    kind = Kind.FORBIDDEN
    title_zh = "兑换如此多的积分前，请再验证一次身份。"

    above_points: int


class QuestionUnknown(DomainError):
    """No till asks this of you."""

    code = "merchant.question_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有收银台向您提出此确认。"


@dataclass(eq=False)
class QuestionOver(DomainError):
    """The till does not wait for this answer any more: `how` it ended."""

    code = "merchant.question_over"
    kind = Kind.GONE
    title_zh = "收银台已不再等待此确认。"

    how: str


@dataclass(eq=False)
class TooManyMisses(DomainError):
    """Too many numbers were typed that led nowhere; scan the drawing, or try later."""

    code = "merchant.too_many_misses"
    kind = Kind.RATE_LIMITED
    title_zh = "输入的号码多次无效，请改为扫码，或稍后再试。"

    retry_after_s: int

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"retry-after": str(self.retry_after_s)}


@dataclass(eq=False)
class NotAtThisShop(DomainError):
    """This offer is given at other shops of the merchant."""

    code = "merchant.not_at_this_shop"
    kind = Kind.CONFLICT
    title_zh = "该商品不在此门店兑换。"


@dataclass(eq=False)
class ShopClosedNow(DomainError):
    """The shop is closed at this hour, and was when the code was asked for."""

    code = "merchant.shop_closed_now"
    kind = Kind.CONFLICT
    title_zh = "该门店此刻不在营业时间内，取码时亦已打烊。"


class NothingNamed(DomainError):
    """Name either the redemptions or a span of time."""

    code = "merchant.nothing_named"
    kind = Kind.INVALID
    title_zh = "请指明兑换编号，或一段时间，二者择一。"


class CodeTaken(DomainError):
    """The code that was drawn is another's; draw again."""

    code = "merchant.code_taken"
    kind = Kind.UNAVAILABLE
    title_zh = "兑换码重复，请重试。"


@dataclass(eq=False)
class RefundTooLate(DomainError):
    """The time in which this redemption could be refunded is over."""

    code = "merchant.refund_too_late"
    kind = Kind.CONFLICT
    title_zh = "已超过可退还的期限。"

    within_days: int


name_sqlstate("PM002", lambda _: OfferClosed())
name_sqlstate("PM003", lambda _: SoldOut())
name_sqlstate("PM004", lambda facts: LimitReached(per_citizen=int(facts.get("per_citizen", 0))))
name_sqlstate(
    "PM011",
    lambda facts: RedeemingUnknown(
        programme=str(facts.get("programme")), parameter=str(facts.get("parameter"))
    ),
)
name_sqlstate("PM012", lambda facts: AccountTooNew(redeems_from=str(facts.get("from"))))
name_sqlstate("PM013", lambda facts: StepUpWanted(above_points=int(facts.get("above_points", 0))))
name_sqlstate("PM061", lambda _: VoucherCodeWanted())
name_sqlstate("PM015", lambda _: NotRedeemable())
name_sqlstate("PM014", lambda _: NotAtThisShop())
name_sqlstate("PM016", lambda _: ShopClosed())
name_sqlstate("PM017", lambda _: ShopClosedNow())
for _constraint in ("redemption_code_mac", "redemption_code_pkey"):
    name_constraint(_constraint, CodeTaken)
