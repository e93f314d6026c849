"""Pictures of offers: drawn again, and nothing that is no picture."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from merchant import catalogue, images
from merchant.catalogue import Offer, OfferStepImpossible
from merchant.images import Drawn, ImageTooLarge, ImageUnreadable, drawing
from tests import offers
from tests.merchant.conftest import OpenShop, Shop

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def picture(form: str = "PNG", size: tuple[int, int] = (40, 30), **kept: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "red").save(made, form, **kept)
    return made.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it has twenty thousand pixels a side."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", KINDS)
def test_a_picture_is_drawn_again_without_its_place_and_what_hides_behind_it(form: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif[0x0112] = 6  # lies on its side
    exif[0x8825] = {1: "N", 2: (23.0, 7.0, 48.0)}
    sent = picture(form, exif=exif) + b"<script>hidden</script>"
    made = drawing.drawn(sent, media_type=KINDS[form])
    again = Image.open(io.BytesIO(made.content))
    assert (again.format, again.size, (made.width, made.height)) == (form, (30, 40), (30, 40))
    assert not again.getexif()
    assert b"SECRET" in sent
    assert b"SECRET" not in made.content
    assert b"hidden" not in made.content


def _frames() -> bytes:
    made = io.BytesIO()
    first, second = Image.new("RGB", (9, 9), "red"), Image.new("RGB", (9, 9), "blue")
    first.save(made, "WEBP", save_all=True, append_images=[second])
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png"),
        (b"", "image/png"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (picture("PNG")[:-30], "image/png"),
        (picture("JPEG", (400, 300))[:-200], "image/jpeg"),
        (picture("WEBP", (400, 300))[:-20], "image/webp"),
        (picture("GIF"), "image/png"),
        (picture("PNG"), "image/jpeg"),
        (picture("JPEG"), "image/png"),
        (_frames(), "image/webp"),
    ],
    ids=["svg", "empty", "head", "cut png", "cut jpeg", "cut webp", "gif", "png as jpeg", "jpeg as png", "frames"],
)  # fmt: skip
def test_what_is_no_whole_picture_of_its_kind_is_refused(content: bytes, kind: str) -> None:
    with pytest.raises(ImageUnreadable):
        drawing.drawn(content, media_type=kind)


@pytest.mark.parametrize(
    "content", [picture(size=(4097, 1)), bomb(), picture() + b"\0" * 2_000_000], ids=["wide", "bomb", "bytes"]
)
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(content: bytes) -> None:
    with pytest.raises((ImageTooLarge, ImageUnreadable)) as refused:
        drawing.drawn(content, media_type="image/png")
    if len(content) > 2_000_000 or b"IDAT" in content[:60]:
        assert isinstance(refused.value, ImageTooLarge | ImageUnreadable)


async def put(shop: Shop, offer: Offer, content: bytes) -> tuple[str, Drawn]:
    async with shop.db.transaction() as session:
        return await images.add_image(
            session, merchant_id=shop.id, offer_id=offer.id, media_type="image/png", content=content,
            added_by=shop.clerk,
        )  # fmt: skip


async def names(shop: Shop, offer: Offer) -> tuple[str, ...]:
    async with shop.db.transaction() as session:
        return (await catalogue.offer_of(session, merchant_id=shop.id, offer_id=offer.id)).images


async def test_a_draft_has_pictures_in_order_and_what_was_submitted_keeps_them(
    shop: Shop, open_shop: OpenShop
) -> None:
    draft = await shop.draft()
    first, made = await put(shop, draft, picture(size=(1, 1)))
    second, _ = await put(shop, draft, picture(size=(2, 1)))
    assert await names(shop, draft) == (first, second)
    with pytest.raises(images.ImageThereAlready):
        await put(shop, draft, picture(size=(1, 1)))
    other = await open_shop()
    with pytest.raises(catalogue.OfferUnknown):
        await put(Shop(other.db, other.keys, other.id, other.code, other.clerk), draft, picture())
    async with shop.db.transaction() as session:
        assert await images.image(session, name=first) == made
        await images.remove_image(
            session, merchant_id=shop.id, offer_id=draft.id, name=first, removed_by=shop.clerk
        )
        with pytest.raises(images.ImageUnknown):
            await images.image(session, name=first)
    for wide in range(3, 8):
        await put(shop, draft, picture(size=(wide, 1)))
    with pytest.raises(images.TooManyImages):
        await put(shop, draft, picture(size=(9, 1)))
    await offers.publish(shop.db, shop.keys, offer=draft, by=shop.clerk)
    with pytest.raises(OfferStepImpossible):
        await put(shop, draft, picture(size=(9, 1)))
    async with shop.db.transaction() as session:
        with pytest.raises(OfferStepImpossible):
            await images.remove_image(
                session, merchant_id=shop.id, offer_id=draft.id, name=second, removed_by=shop.clerk
            )
