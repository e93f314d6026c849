"""Budgets 兑换预算: how many points offers may take between two days, a merchant's or a campaign's.

Holds    budgets, the offers of a campaign, the ends of budgets, and which redemption was taken from which budget.
Promises what is taken never exceeds a budget, whoever redeems at once; what was dropped or lapsed is there again.
Ignores  who redeems, and what a point is worth.
"""

from backend import log
from merchant.budgets.errors import BudgetInvalid, BudgetUnknown, BudgetUsedUp
from merchant.budgets.service import Budget, budget_of, budgets_of, end, set_budget

log.register(
    log.Sealed("offer_budget", key=("id",)),
    log.Sealed("offer_budget_offer", key=("offer_id", "budget_id")),
    log.Sealed("offer_budget_end", key=("budget_id",)),
    log.Sealed("redemption_budget", key=("redemption_id", "budget_id")),
)

__all__ = [
    "Budget",
    "BudgetInvalid",
    "BudgetUnknown",
    "BudgetUsedUp",
    "budget_of",
    "budgets_of",
    "end",
    "set_budget",
]
