"""Money of organisations in a market, so that units can be paid for in the transaction that delivers them.

Holds    deposits and withdrawals as the authority recorded them, and balances in fen.
Promises no balance is below zero; each movement has the reference of the payment outside.
Ignores  banks: what arrived is what the authority says arrived.
"""

from backend import log
from offset_bridge.cash.service import CashMoved, Direction, balance, code, movements, record

log.register(log.Sealed("cash_movement", key=("id",)))

__all__ = ["CashMoved", "Direction", "balance", "code", "movements", "record"]
