"""Settlement 结算: what each programme owes a merchant, in points.

Holds    nothing of its own: the payable balances are the ledger's.
Promises captured less refunded less settled, per programme, at the moment of asking.
Ignores  money, and paying it out.
"""

from merchant.settlement.service import Payable, payables_of

__all__ = ["Payable", "payables_of"]
