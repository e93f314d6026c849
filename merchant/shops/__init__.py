"""Shops 门店: where a merchant takes points, and when.

Holds    shops in editions: names, address, district, a place to two decimals, opening hours and their exceptions.
Promises what was said of a shop before stays on record; another merchant's shop is unknown.
         For set-based joins: the view `shop_now(id, merchant_id, district, lat_e2, lon_e2, hours, closed, …)` and the
         function `shop_is_open(shop, moment)`.
Ignores  who works there and what is sold.
"""

from backend import log
from merchant.shops.errors import ShopClosed, ShopHoursUnsound, ShopUnknown
from merchant.shops.service import About, Shop, change_shop, is_open, open_shop, shop_of, shops_of

log.register(log.Sealed("shop", key=("id",)), log.Sealed("shop_edition", key=("shop_id", "number")))

__all__ = [
    "About",
    "Shop",
    "ShopClosed",
    "ShopHoursUnsound",
    "ShopUnknown",
    "change_shop",
    "is_open",
    "open_shop",
    "shop_of",
    "shops_of",
]
