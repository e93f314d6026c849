"""What budgets of offers refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.db import name_sqlstate
from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class BudgetUsedUp(DomainError):
    """What the merchant or the campaign may give in these days is used up."""

    code = "merchant.budget_used_up"
    kind = Kind.CONFLICT
    title_zh = "该商户或活动本期的兑换预算已用完。"

    budget_zh: str
    budget_en: str


@dataclass(eq=False)
class BudgetUnknown(DomainError):
    """There is no such budget here."""

    code = "merchant.budget_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有此预算。"


@dataclass(eq=False)
class BudgetInvalid(DomainError):
    """A budget is of one merchant or of offers of the programme, from a day to a later one that is not over."""

    code = "merchant.budget_invalid"
    kind = Kind.INVALID
    title_zh = "预算须属于一个商户或本计划的若干商品，且起止日有先后、尚未结束。"

    field: str


name_sqlstate(
    "PM045",
    lambda facts: BudgetUsedUp(budget_zh=str(facts.get("zh")), budget_en=str(facts.get("en"))),
)
