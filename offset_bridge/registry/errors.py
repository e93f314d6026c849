"""What can be refused about a compliance registry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from backend.kit.db import name_constraint
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class MarketUnknown(DomainError):
    """There is no such market here."""

    code = "registry.market_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个碳市场。"


@dataclass(eq=False)
class MarketUnopened(DomainError):
    """This market's registry is neither live nor a demonstration yet; the authority has to say which."""

    code = "registry.market_unopened"
    kind = Kind.CONFLICT
    title_zh = "该碳市场的登记簿尚未由主管部门确定为正式或演示。"


@dataclass(eq=False)
class ModeFixed(DomainError):
    """Units stand in this registry already, so it stays what it is."""

    code = "registry.mode_fixed"
    kind = Kind.CONFLICT
    title_zh = "登记簿中已有单位，其性质不能再改。"


@dataclass(eq=False)
class DemoUnitsRefused(DomainError):
    """A live registry takes no unit of a demonstration."""

    code = "registry.demo_units_refused"
    kind = Kind.CONFLICT
    title_zh = "正式登记簿不接受演示单位。"


@dataclass(eq=False)
class AccountUnknown(DomainError):
    """There is no such account that you may see."""

    code = "registry.account_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个账户，或您无权查看。"


@dataclass(eq=False)
class AccountChoiceNeeded(DomainError):
    """This organisation has accounts in several markets; say which one is meant."""

    code = "registry.account_choice_needed"
    kind = Kind.INVALID
    title_zh = "该机构在多个碳市场有账户，须指明是哪一个。"


@dataclass(eq=False)
class AccountExists(DomainError):
    """This organisation has an account in this market already."""

    code = "registry.account_exists"
    kind = Kind.CONFLICT
    title_zh = "该机构在该碳市场已有账户。"


@dataclass(eq=False)
class AccountNotFitting(DomainError):
    """Only enterprises have an obligation, only enterprises and operators hold units, and no supervisor does."""

    code = "registry.account_not_fitting"
    kind = Kind.INVALID
    title_zh = "只有企业可有履约义务，只有企业和运营方可持有单位，监管与核查机构不可。"


@dataclass(eq=False)
class RegionOutsideMarket(DomainError):
    """This region is not of the market."""

    code = "registry.region_outside_market"
    kind = Kind.INVALID
    title_zh = "该地区不属于该碳市场。"


@dataclass(eq=False)
class AccountNotRegulated(DomainError):
    """This account only holds units; its organisation has no obligation here."""

    code = "registry.account_not_regulated"
    kind = Kind.CONFLICT
    title_zh = "该账户仅用于持有单位，没有履约义务。"


@dataclass(eq=False)
class RevisedMeanwhile(DomainError):
    """Another revision was made since this was proposed; propose it again."""

    code = "registry.revised_meanwhile"
    kind = Kind.CONFLICT
    title_zh = "提出之后已有新的修订，请重新提出。"


@dataclass(eq=False)
class ObligationUnfixed(DomainError):
    """The authority has not fixed this entity's obligation for the year."""

    code = "registry.obligation_unfixed"
    kind = Kind.CONFLICT
    title_zh = "主管部门尚未确定该单位当年的应清缴量。"

    compliance_year: int


@dataclass(eq=False)
class RulesNotAdopted(DomainError):
    """The authority has not adopted rules for this market and year, so nothing can be pledged."""

    code = "registry.rules_not_adopted"
    kind = Kind.CONFLICT
    title_zh = "主管部门尚未公布该碳市场当年的规则，不能提交清缴。"

    compliance_year: int


@dataclass(eq=False)
class RulesInUse(DomainError):
    """Units are pledged under the present rules of this year; only their dates may change."""

    code = "registry.rules_in_use"
    kind = Kind.CONFLICT
    title_zh = "已有单位按当年现行规则提交清缴，只能更改日期。"


@dataclass(eq=False)
class PoolsNotAsPublished(DomainError):
    """The pack lists a province-wide pool for this year: adopt it, and no more than its tonnes."""

    code = "registry.pools_not_as_published"
    kind = Kind.INVALID
    title_zh = "规则包列有该年度的全省可用总量：须予采用，且不得超过其数量。"

    pool: str
    tonnes: int


@dataclass(eq=False)
class DatesOutOfOrder(DomainError):
    """Offsets are applied for before the surrender is due, not after it."""

    code = "registry.dates_out_of_order"
    kind = Kind.INVALID
    title_zh = "抵消申请截止日不得晚于清缴截止日。"

    apply_by: date
    surrender_by: date


@dataclass(eq=False)
class YearClosed(DomainError):
    """This compliance year is closed."""

    code = "registry.year_closed"
    kind = Kind.CONFLICT
    title_zh = "该履约年度已关闭。"

    compliance_year: int


@dataclass(eq=False)
class LotRecordedAlready(DomainError):
    """Some of these numbers are recorded as something already."""

    code = "registry.lot_recorded_already"
    kind = Kind.CONFLICT
    title_zh = "其中有编号已登记其所指。"


@dataclass(eq=False)
class BookUnknown(DomainError):
    """There is no such book of serial numbers in this market."""

    code = "registry.book_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "该碳市场没有这个编号簿。"


name_constraint("unit_lot_one_meaning", LotRecordedAlready)
name_constraint("registry_account_once", AccountExists)
