"""The pictures of a merchant's offers."""

from __future__ import annotations

import base64
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path
from pydantic import StringConstraints

from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import Router, WriteSession
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from merchant.access import MerchantStaff, merchant_of
from merchant.catalogue import OfferStepImpossible, OfferUnknown
from merchant.images import service
from merchant.images.drawing import Drawn
from merchant.images.errors import (
    ImageThereAlready,
    ImageTooLarge,
    ImageUnknown,
    ImageUnreadable,
    TooManyImages,
)

router = Router(prefix="/offers/{offer_id}/images", tags=["offers"])

Name = Annotated[
    str, Path(pattern=r"^[0-9a-f]{64}$", description="The picture's name, as the offer tells it.")
]
_REFUSED = (Unauthenticated, Forbidden, OfferUnknown, OfferStepImpossible)


class ImageSent(Asked):
    """A picture in base64, and what it is: a file of at most two million bytes and 4096 pixels a side."""

    media_type: Literal["image/jpeg", "image/png", "image/webp"]
    content_base64: Annotated[str, StringConstraints(min_length=4, max_length=2_800_000)]

    def content(self) -> bytes:
        """The bytes that were sent. Raises ImageUnreadable."""
        try:
            return base64.b64decode(self.content_base64, validate=True)
        except ValueError:
            raise ImageUnreadable(field="content_base64", reason="no base64") from None


class ImageTold(Told):
    """A picture as it is kept: drawn again. Everybody finds it at `/mobile/v1/images/{name}`."""

    name: str
    media_type: str
    width: int
    height: int
    size_bytes: int

    @classmethod
    def of(cls, name: str, made: Drawn) -> ImageTold:
        return cls(
            name=name,
            media_type=made.media_type,
            width=made.width,
            height=made.height,
            size_bytes=len(made.content),
        )


@router.post(
    "",
    status_code=201,
    responses=problems(*_REFUSED, ImageUnreadable, ImageTooLarge, TooManyImages, ImageThereAlready),
)
async def add_offer_image(
    offer_id: UUID, sent: ImageSent, person: MerchantStaff, session: WriteSession
) -> ImageTold:
    """Put a picture behind those that my draft has, at most six."""
    name, made = await service.add_image(
        session,
        merchant_id=merchant_of(person),
        offer_id=offer_id,
        media_type=sent.media_type,
        content=sent.content(),
        added_by=person.id,
    )
    return ImageTold.of(name, made)


@router.delete("/{name}", status_code=204, responses=problems(*_REFUSED, ImageUnknown))
async def remove_offer_image(
    offer_id: UUID, name: Name, person: MerchantStaff, session: WriteSession
) -> None:
    """Take a picture off my draft again."""
    await service.remove_image(
        session, merchant_id=merchant_of(person), offer_id=offer_id, name=name, removed_by=person.id
    )
