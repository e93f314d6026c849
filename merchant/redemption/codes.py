"""The one-time code: sixteen digits to type, and the same as text for a QR drawing. Only a keyed digest of it is kept.

    number   15 digits from the system's randomness, the first of them 6 to 9, and a check digit (Damm 2004: finds every
             single wrong digit and every two neighbours swapped)
    text     CPH1. and base64url of: key id (1 byte), id (16), expiry in seconds since 1970 (4), MAC (8)

The id is an HMAC of the number, so that both lead to one row and no second index is needed; who knows neither the key nor
the number has 128 bits to guess. The MAC only spares the database garbage. Nothing in a code decides: what it is for, of
whom, where, and how many points at most, says the row; and whether it is still good, too. Payment codes of WeChat (10 to 15)
and Alipay (25 to 30) begin otherwise.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

import qrcode
from qrcode.image.svg import SvgPathImage

from backend.kit.keys import Keys

NUMBERS = 4 * 10**14  # so many there are
PREFIX = "CPH1."
_FIRST = 6 * 10**14
_KEY_ID = 1
_ID_BYTES, _MAC_BYTES = 16, 8
_BYTES = 1 + _ID_BYTES + 4 + _MAC_BYTES
_NUMBER = re.compile(r"[6-9][0-9]{15}", re.ASCII)
_BETWEEN = re.compile(r"[\s\-]+")
_DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip


class CodeUnreadable(ValueError):
    """What was scanned or typed cannot be a code of ours."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code as its citizen is told it, and what is kept of it."""

    text: str
    number: str
    mac: bytes


def new_code(keys: Keys, *, expires_at: dt.datetime) -> Code:
    """A code that nobody can guess."""
    return _code(keys, str(_FIRST + secrets.randbelow(NUMBERS)), expires_at)


def _code(keys: Keys, digits: str, expires_at: dt.datetime) -> Code:
    number = digits + check_digit(digits)
    code_id = _id_of(keys, number)
    body = bytes([_KEY_ID]) + code_id + int(expires_at.timestamp()).to_bytes(4, "big")
    return Code(PREFIX + _written(body + _mac(keys, body)), number, digest(keys, code_id))


def read(keys: Keys, given: str) -> tuple[bytes, bool]:
    """The digest that a scanned or typed code leads to, and whether it was typed. Raises CodeUnreadable.

    Whatever is refused here, is so without a question to the database.
    """
    given = given.strip()
    if given.startswith(PREFIX):
        body = _read(given.removeprefix(PREFIX))
        if body[0] != _KEY_ID or not hmac.compare_digest(_mac(keys, body[:-_MAC_BYTES]), body[-_MAC_BYTES:]):
            raise CodeUnreadable
        return digest(keys, body[1 : 1 + _ID_BYTES]), False
    number = _BETWEEN.sub("", given)
    if not _NUMBER.fullmatch(number) or check_digit(number[:-1]) != number[-1]:
        raise CodeUnreadable
    return digest(keys, _id_of(keys, number)), True


def check_digit(digits: str) -> str:
    """The last digit of a number that begins so."""
    state = 0
    for digit in digits:
        state = int(_DAMM[state][int(digit)])
    return str(state)


def digest(keys: Keys, code_id: bytes) -> bytes:
    """What is kept of a code: 32 bytes, the same for ever, worthless without the platform's key."""
    return hmac.digest(_keys(keys)[0], code_id, hashlib.sha256)


def _id_of(keys: Keys, number: str) -> bytes:
    return hmac.digest(_keys(keys)[1], number.encode(), hashlib.sha256)[:_ID_BYTES]


def _mac(keys: Keys, body: bytes) -> bytes:
    return hmac.digest(_keys(keys)[2], body, hashlib.sha256)[:_MAC_BYTES]


@lru_cache(maxsize=8)
def _keys(keys: Keys) -> tuple[bytes, bytes, bytes]:
    """For the digest, the id and the MAC: derived once per process."""
    return (
        keys.derive("merchant/redemption-code"),
        keys.derive("merchant/redemption-number"),
        keys.derive("merchant/redemption-text"),
    )


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CodeUnreadable from error
    if len(raw) != _BYTES or _written(raw) != text:
        raise CodeUnreadable
    return raw


def qr_svg(code: str) -> str:
    """The code as a QR drawing: one SVG path, black on nothing, with the quiet zone that scanners need."""
    drawn = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, image_factory=SvgPathImage
    )
    drawn.add_data(code, optimize=0)
    drawn.make(fit=True)
    return str(drawn.make_image().to_string(encoding="unicode"))
