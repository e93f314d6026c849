"""Merchants: what they offer for points, how it is redeemed at a till, what they are owed.

Holds    offers and their stock (`catalogue`), redemptions from the hold to the till and back (`redemption`), what the
         programmes owe (`settlement`), and the surface of a merchant's staff.
Promises points are set aside, captured and given back by the ledger alone; an item is sold once; a code is captured once.
Ignores  money, and what points are earned for.
"""
