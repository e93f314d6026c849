"""What becomes of acts that are not, or no longer, plainly accepted: held, decided, withdrawn, corrected, appealed.

Holds    withdrawals, and whom they are told to.
Promises what is withdrawn is withdrawn once, and its points and grams with it, in one transaction.
Ignores  how rows arrive, and what certification took out of the pools: whoever did answers for it (`register_keeper`).
"""

from backend.intake.holding.hooks import Keeper, PooledGrams, register_keeper

__all__ = ["Keeper", "PooledGrams", "register_keeper"]
