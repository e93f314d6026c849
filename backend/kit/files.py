"""What a file that somebody sends really is: told by its bytes, never by its name or by what the sender says."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MOST_PIXELS = 40_000_000
_PDF_HEAD, _PDF_END, _END_WITHIN = b"%PDF-", b"%%EOF", 2048


def media_type_of(content: bytes) -> str | None:
    """`application/pdf`, `image/jpeg`, `image/png` or `image/webp`; None for anything else, and for what cannot be read whole."""
    if content.startswith(_PDF_HEAD):
        return "application/pdf" if _PDF_END in content[-_END_WITHIN:] else None
    picture = picture_of(content)
    return None if picture is None else PICTURES[picture.format or ""]


def picture_of(content: bytes) -> Image.Image | None:
    """A picture, read to its last row; None where it is none, is broken, or has more than forty million pixels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=tuple(PICTURES))
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.load()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError, Warning):
        return None
    return picture
