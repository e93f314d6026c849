"""Programmes (碳普惠计划): who rewards what, the points they give, and the wallets those lie in.

Holds    programme packs and their earning rules, the programmes that run and by which pack since when, and every verb
         on points: earn, hold, release, capture, refund, expire, claw back.
Promises points are issued, spent and lapse exactly once, in whole numbers; the lots that lapse first are spent first;
         a refund restores the exact lots; a debt is repaid before anything new is given;
         issued points equal what became of them, at every moment (`points_identity`).
Ignores  where acts come from and how their grams are found, who a merchant is, and when money is paid.
"""

from backend.programmes import codes, wallets
from backend.programmes.earning import expires_on, points_for, points_of_one
from backend.programmes.rules import EarningRule, Programme, load_programme, programme_of
from backend.programmes.wallets import (
    ClawedBack,
    Earned,
    Earning,
    Expired,
    Liability,
    PointsLot,
    StatementEntry,
    Wallet,
)

__all__ = [
    "ClawedBack",
    "Earned",
    "Earning",
    "EarningRule",
    "Expired",
    "Liability",
    "PointsLot",
    "Programme",
    "StatementEntry",
    "Wallet",
    "codes",
    "expires_on",
    "load_programme",
    "points_for",
    "points_of_one",
    "programme_of",
    "wallets",
]
