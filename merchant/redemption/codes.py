"""The one-time code: random text that says nothing, kept as a keyed digest only."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import qrcode
from qrcode.image.svg import SvgPathImage

from backend.kit.keys import Keys

RANDOM_BYTES = 18  # 144 bits, 24 characters of base64url


def new_code() -> str:
    """A code that nobody can guess."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def digest(keys: Keys, code: str) -> bytes:
    """What is kept of a code: 32 bytes, the same for ever, worthless without the platform's key."""
    return hmac.digest(keys.derive("merchant/redemption-code"), code.encode(), hashlib.sha256)


def qr_svg(code: str) -> str:
    """The code as a QR drawing: one SVG path, black on nothing, with the quiet zone that scanners need."""
    drawn = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, image_factory=SvgPathImage
    )
    drawn.add_data(code, optimize=0)
    drawn.make(fit=True)
    return str(drawn.make_image().to_string(encoding="unicode"))
