"""Programmes (碳普惠计划): who rewards what, the points they give, and the wallets those lie in.

Holds    programme packs, the programmes that run, by which pack and which overlays since when, and every verb
         on points: earn, hold, release, capture, refund, expire, claw back.
Promises points are issued, spent and lapse exactly once, in whole numbers; the lots that lapse first are spent first;
         a refund restores the exact lots; a debt is repaid before anything new is given;
         issued points equal what became of them, at every moment (`points_identity`).
Ignores  where acts come from and how their grams are found, who a merchant is, and when money is paid.
"""

from backend.programmes import (
    awards,
    benefits,
    codes,
    forfeiting,
    lapsing,  # noqa: F401 - whoever reads its messages words them
    pending,
    purses,
    reckoning,
    redeeming,
    settled,
    spending,
    taking_part,
    wallets,
)
from backend.programmes.earning import expires_on, points_for, points_of_one, require_known, tier_of
from backend.programmes.errors import FeatureOff, OperatorDiffers, OverlayMisses, ProgrammeUnknown
from backend.programmes.features import Features
from backend.programmes.purses import Earned
from backend.programmes.rules import EarningRule, Programme
from backend.programmes.service import (
    PayableIdentity,
    PointsIdentity,
    PoolFigure,
    ProgrammeFigures,
    Registered,
    figures_of,
    payable_identity,
    points_identity,
    programme_of,
    programmes,
    register,
    require,
)
from backend.programmes.shape import load_programme
from backend.programmes.wallets import (
    ClawedBack,
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
    "FeatureOff",
    "Features",
    "Liability",
    "OperatorDiffers",
    "OverlayMisses",
    "PayableIdentity",
    "PointsIdentity",
    "PointsLot",
    "PoolFigure",
    "Programme",
    "ProgrammeFigures",
    "ProgrammeUnknown",
    "Registered",
    "StatementEntry",
    "Wallet",
    "awards",
    "benefits",
    "codes",
    "expires_on",
    "figures_of",
    "forfeiting",
    "load_programme",
    "payable_identity",
    "pending",
    "points_for",
    "points_identity",
    "points_of_one",
    "programme_of",
    "programmes",
    "purses",
    "reckoning",
    "redeeming",
    "register",
    "require",
    "require_known",
    "settled",
    "spending",
    "taking_part",
    "tier_of",
    "wallets",
]
