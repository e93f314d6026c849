"""What programmes refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ProgrammeUnknown(DomainError):
    """There is no such programme here."""

    code = "programmes.not_found"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个碳普惠计划。"

    programme: str


@dataclass(eq=False)
class OperatorDiffers(DomainError):
    """The programme is run by another operator; a pack does not change that."""

    code = "programmes.operator_differs"
    kind = Kind.CONFLICT
    title_zh = "该计划由另一运营主体登记，规则包不能变更运营主体。"

    programme: str
    operator: str


@dataclass(eq=False)
class FeatureOff(DomainError):
    """The programme does not offer this; its pack would have to switch it on."""

    code = "programmes.feature_off"
    kind = Kind.NOT_FOUND
    title_zh = "该碳普惠计划未开放此功能。"

    programme: str
    feature: str


@dataclass(eq=False)
class OverlayMisses(DomainError):
    """The overlay sets a figure that the programme's pack does not have."""

    code = "programmes.overlay_misses"
    kind = Kind.INVALID
    title_zh = "叠加包设定了该计划规则包中没有的参数。"

    overlay: str
    pack: str
    parameter: str


@dataclass(eq=False)
class NothingToPay(DomainError):
    """Nobody has a benefit in money that could be paid out."""

    code = "programmes.nothing_to_pay"
    kind = Kind.CONFLICT
    title_zh = "没有可支付的补贴。"

    programme: str


@dataclass(eq=False)
class PayoutChanged(DomainError):
    """Somebody no longer has what the payout says; ask for it anew."""

    code = "programmes.payout_changed"
    kind = Kind.CONFLICT
    title_zh = "有人的补贴已少于支付清单所列，请重新发起。"

    programme: str


@dataclass(eq=False)
class PayoutUnknown(DomainError):
    """There is no such payout."""

    code = "programmes.payout_not_found"
    kind = Kind.NOT_FOUND
    title_zh = "没有该支付批次。"


@dataclass(eq=False)
class NothingToCollect(DomainError):
    """Nothing that is ripe waits to be collected."""

    code = "programmes.nothing_to_collect"
    kind = Kind.CONFLICT
    title_zh = "没有可收取的积分。"


@dataclass(eq=False)
class RedemptionsOpen(DomainError):
    """A redemption is under way in the account that would end; finish or drop it first."""

    code = "programmes.redemptions_open"
    kind = Kind.CONFLICT
    title_zh = "将被合并的账户有进行中的兑换，请先完成或放弃兑换。"
