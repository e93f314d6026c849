"""The registry of a compliance market: who has an account, what they owe for a year, what their units are.

Holds    a market's mode (live or demonstration), accounts, obligations by revision, the rules adopted for a year,
         allowances and project credits as they are entered, and lots: what each number of a market's book is.
Promises whatever changes what anybody owes or owns takes two people of the authority, is in the log, and is never
         changed afterwards: a revision is a further row; every number that is held is of exactly one lot;
         a live registry takes no unit of a demonstration, and what a registry is does not change once units stand in it.
Ignores  pledging and surrender (`offset_bridge.surrender`), and how credits come over the bridge.
"""

from backend import log
from offset_bridge.registry.adoption import RULES, adoptions, approve_rules, propose_rules, rules_of
from offset_bridge.registry.errors import (
    AccountChoiceNeeded,
    AccountExists,
    AccountNotFitting,
    AccountNotRegulated,
    AccountUnknown,
    BookUnknown,
    DatesOutOfOrder,
    DemoUnitsRefused,
    LotRecordedAlready,
    MarketUnknown,
    MarketUnopened,
    ModeFixed,
    ObligationUnfixed,
    PoolsNotAsPublished,
    RegionOutsideMarket,
    RevisedMeanwhile,
    RulesInUse,
    RulesNotAdopted,
    YearClosed,
)
from offset_bridge.registry.fixing import (
    OBLIGATION,
    fix_obligation,
    obligation_of,
    obligations,
    obligations_in,
    propose_obligation,
)
from offset_bridge.registry.grants import (
    ALLOCATION,
    REGISTRATION,
    Allotment,
    allowance_book,
    approve_allocation,
    approve_registration,
    ccer_book,
    propose_allocation,
    propose_registration,
)
from offset_bridge.registry.holding import as_holding, entity_code, holdings, lots, record_lot
from offset_bridge.registry.library import stored_market
from offset_bridge.registry.model import Account, Adoption, Held, Lot, Mode, ModeSet, Obligation, Source
from offset_bridge.registry.opening import (
    MODE,
    account_by_id,
    account_of,
    accounts,
    accounts_in,
    accounts_of,
    approve_mode,
    check_acceptance,
    mode_of,
    open_account,
    own_account,
    propose_mode,
)
from offset_bridge.registry.years import is_closed, lock_year

KINDS = (MODE, OBLIGATION, RULES, ALLOCATION, REGISTRATION)

log.register(
    log.Sealed("registry_mode", key=("market", "revision")),
    log.Sealed("registry_account", key=("id",)),
    log.Sealed("compliance_obligation", key=("account_id", "compliance_year", "revision")),
    log.Sealed("compliance_rules", key=("market", "compliance_year", "revision")),
    log.Sealed("unit_lot", key=("id",)),
)

__all__ = [
    "ALLOCATION",
    "KINDS",
    "MODE",
    "OBLIGATION",
    "REGISTRATION",
    "RULES",
    "Account",
    "AccountChoiceNeeded",
    "AccountExists",
    "AccountNotFitting",
    "AccountNotRegulated",
    "AccountUnknown",
    "Adoption",
    "Allotment",
    "BookUnknown",
    "DatesOutOfOrder",
    "DemoUnitsRefused",
    "Held",
    "Lot",
    "LotRecordedAlready",
    "MarketUnknown",
    "MarketUnopened",
    "Mode",
    "ModeFixed",
    "ModeSet",
    "Obligation",
    "ObligationUnfixed",
    "PoolsNotAsPublished",
    "RegionOutsideMarket",
    "RevisedMeanwhile",
    "RulesInUse",
    "RulesNotAdopted",
    "Source",
    "YearClosed",
    "account_by_id",
    "account_of",
    "accounts",
    "accounts_in",
    "accounts_of",
    "adoptions",
    "allowance_book",
    "approve_allocation",
    "approve_mode",
    "approve_registration",
    "approve_rules",
    "as_holding",
    "ccer_book",
    "check_acceptance",
    "entity_code",
    "fix_obligation",
    "holdings",
    "is_closed",
    "lock_year",
    "lots",
    "mode_of",
    "obligation_of",
    "obligations",
    "obligations_in",
    "open_account",
    "own_account",
    "propose_allocation",
    "propose_mode",
    "propose_obligation",
    "propose_registration",
    "propose_rules",
    "record_lot",
    "rules_of",
    "stored_market",
]
