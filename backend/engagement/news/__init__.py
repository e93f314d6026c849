"""News 资讯: what a programme tells everybody, in both languages.

Holds    items that the operator published and withdrew; those of the pack are in the pack.
Promises what was published stays on record with who published it; what is withdrawn is read no longer.
Ignores  who read it.
"""

from backend import log
from backend.engagement.news.errors import NewsUnknown
from backend.engagement.news.service import Item, items, publish, published, withdraw

log.register(log.Sealed("news_item", key=("id",)), log.Sealed("news_withdrawal", key=("item_id",)))

__all__ = ["Item", "NewsUnknown", "items", "publish", "published", "withdraw"]
