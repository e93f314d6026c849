"""Planting and adoption 植树与认养: trees for points, and their certificates.

Holds    orders (grants of the kinds planting and adoption), their batches, and the trees that stand for them.
Promises an order is handed over to its partner once, and ends once: a tree with a certificate, or its points back; a
         partner's reference of a planted tree stands for one order; what no partner plants is called virtual wherever
         it is shown; a certificate's number tells of a tree and of nobody.
Ignores  what a tree takes up: nothing here is a reduction, and no grams follow from it.
"""

from backend import log
from backend.engagement.planting import leaving  # noqa: F401 - it takes part whenever an account closes
from backend.engagement.planting.errors import (
    NoCertificate,
    NotHandedOver,
    NothingToHandOver,
    OrderUnknown,
    ReferenceTaken,
    ReportUnfit,
)
from backend.engagement.planting.model import Batch, Certificate, Order
from backend.engagement.planting.printing import as_pdf, as_svg
from backend.engagement.planting.service import (
    batches,
    certificate,
    failed,
    hand_over,
    order,
    order_of,
    orders,
    orders_of,
    planted,
)

log.register(
    log.Sealed("tree_batch", key=("id",)),
    log.Sealed("tree_batch_order", key=("grant_id",)),
    log.Sealed("tree", key=("grant_id",)),
)

__all__ = [
    "Batch",
    "Certificate",
    "NoCertificate",
    "NotHandedOver",
    "NothingToHandOver",
    "Order",
    "OrderUnknown",
    "ReferenceTaken",
    "ReportUnfit",
    "as_pdf",
    "as_svg",
    "batches",
    "certificate",
    "failed",
    "hand_over",
    "order",
    "order_of",
    "orders",
    "orders_of",
    "planted",
]
