"""Drawing a picture again: from what somebody sent to bytes that hold the picture and nothing else.

The pixels are decoded and encoded anew by Pillow; place, camera, comments, colour profiles, previews and whatever is hidden
behind the end of the file stay behind. What the camera noted of which side is up is applied first.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from backend.kit.files import PICTURES
from merchant.images.errors import ImageTooLarge, ImageUnreadable

MOST_BYTES, MOST_SIDE = 2_000_000, 4096
_BROKEN = (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it is kept; `media_type` is one of those of `backend.kit.files.PICTURES`."""

    media_type: str
    width: int
    height: int
    content: bytes


def drawn(content: bytes, *, media_type: str) -> Drawn:
    """The picture, drawn again in its own format. Sizes are looked at before anything is decoded.

    Raises ImageTooLarge; ImageUnreadable for anything that is not a whole picture of one frame and of that type.
    """
    if len(content) > MOST_BYTES:
        raise _too_large()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            sent = Image.open(io.BytesIO(content), formats=tuple(PICTURES))
            found = PICTURES[sent.format or ""]
            if found != media_type:
                raise ImageUnreadable(field="media_type", reason=f"it is {found}")
            if max(sent.size) > MOST_SIDE:
                raise _too_large()
            if getattr(sent, "n_frames", 1) > 1:
                raise ImageUnreadable(field="content_base64", reason="more than one frame")
            sent.load()
            return _again(sent, found)
    except _BROKEN:
        raise ImageUnreadable(field="content_base64", reason="no whole picture") from None


def _again(sent: Image.Image, media_type: str) -> Drawn:
    upright = ImageOps.exif_transpose(sent)
    see_through = media_type != "image/jpeg" and (upright.has_transparency_data)
    plain = upright.convert("RGBA" if see_through else "RGB")
    clean = Image.frombytes(plain.mode, plain.size, plain.tobytes())
    written = io.BytesIO()
    if media_type == "image/png":
        clean.save(written, "PNG", optimize=True)
    else:
        clean.save(written, "JPEG" if media_type == "image/jpeg" else "WEBP", quality=85)
    return Drawn(media_type, clean.width, clean.height, written.getvalue())


def _too_large() -> ImageTooLarge:
    return ImageTooLarge(most_bytes=MOST_BYTES, most_pixels_a_side=MOST_SIDE)
