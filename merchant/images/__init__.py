"""Pictures of offers 商品图片.

Holds    pictures, each once under the digest of its bytes, and which offer has which.
Promises what is told is a PNG, JPEG or WebP drawn by ourselves, without anything that was hidden in what was sent; what a
         reviewer saw is what citizens see.
Ignores  what a picture shows.
"""

from backend import log
from merchant.images.drawing import MOST_BYTES, MOST_SIDE, Drawn
from merchant.images.errors import (
    ImageThereAlready,
    ImageTooLarge,
    ImageUnknown,
    ImageUnreadable,
    TooManyImages,
)
from merchant.images.service import MOST_IMAGES, add_image, image, remove_image

log.register(
    log.Sealed("image", key=("sha256",), leave_out=("content",)),
    log.Sealed("offer_image", key=("offer_id", "number")),
    log.Sealed("offer_image_removal", key=("offer_id", "number")),
)

__all__ = [
    "MOST_BYTES",
    "MOST_IMAGES",
    "MOST_SIDE",
    "Drawn",
    "ImageThereAlready",
    "ImageTooLarge",
    "ImageUnknown",
    "ImageUnreadable",
    "TooManyImages",
    "add_image",
    "image",
    "remove_image",
]
