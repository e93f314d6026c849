"""Putting pictures to drafts, taking them off, and reading them."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.kit import clock
from merchant import catalogue
from merchant.images import drawing, queries
from merchant.images.drawing import Drawn
from merchant.images.errors import ImageThereAlready, ImageUnknown, TooManyImages

MOST_IMAGES = 6


async def add_image(
    session: AsyncSession,
    *,
    merchant_id: UUID,
    offer_id: UUID,
    media_type: str,
    content: bytes,
    added_by: UUID,
) -> tuple[str, Drawn]:
    """Put a picture behind those a draft has; answers its name, which is the SHA-256 of what is kept in hexadecimal.

    Raises OfferUnknown, OfferStepImpossible where the offer is no draft, ImageUnreadable, ImageTooLarge, TooManyImages,
    ImageThereAlready.
    """
    await catalogue.still_draft(session, merchant_id=merchant_id, offer_id=offer_id)
    made = await asyncio.to_thread(drawing.drawn, content, media_type=media_type)
    sha256 = hashlib.sha256(made.content).digest()
    before = (await session.execute(queries.OF_OFFER, {"offer": offer_id})).all()
    standing = [bytes(row.sha256) for row in before if row.stands]
    if sha256 in standing:
        raise ImageThereAlready
    if len(standing) >= MOST_IMAGES:
        raise TooManyImages(most=MOST_IMAGES)
    now = clock.now()
    await session.execute(
        queries.KEEP,
        {
            "sha256": sha256,
            "media_type": made.media_type,
            "width": made.width,
            "height": made.height,
            "content": made.content,
            "at": now,
        },
    )
    given = {"offer": offer_id, "number": len(before) + 1, "sha256": sha256, "by": added_by, "at": now}
    await session.execute(queries.ADD, given)
    return sha256.hex(), made


async def remove_image(
    session: AsyncSession, *, merchant_id: UUID, offer_id: UUID, name: str, removed_by: UUID
) -> None:
    """Take a picture off a draft again. Raises OfferUnknown, OfferStepImpossible, ImageUnknown."""
    await catalogue.still_draft(session, merchant_id=merchant_id, offer_id=offer_id)
    before = (await session.execute(queries.OF_OFFER, {"offer": offer_id})).all()
    for row in before:
        if row.stands and bytes(row.sha256).hex() == name:
            given = {"offer": offer_id, "number": row.number, "by": removed_by, "at": clock.now()}
            await session.execute(queries.REMOVE, given)
            return
    raise ImageUnknown


async def image(session: AsyncSession, *, name: str) -> Drawn:
    """A picture that some offer has. Raises ImageUnknown."""
    row = (await session.execute(queries.ONE, {"sha256": bytes.fromhex(name)})).one_or_none()
    if row is None:
        raise ImageUnknown
    return Drawn(row.media_type, row.width, row.height, bytes(row.content))
