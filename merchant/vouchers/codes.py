"""The code of a voucher: nineteen characters from the system's randomness (95 bits), and one by which typing errors are found.

    written  7K3MQ-9TXAB-CDEFG-HJKM5    digits and letters without I, L, O and U, in four groups
    scanned  CPHV. and the same without hyphens

The last character is ISO 7064's hybrid system for an alphabet of 32: it finds every single wrong character. Hyphens, blanks and small
letters are read as well, and O as 0, I and L as 1. A keyed digest is kept by which a voucher is found, and the code sealed.
"""

from __future__ import annotations

import re
import secrets

from backend.kit.keys import Keys
from merchant import sealed_codes
from merchant.redemption import VoucherCode

PREFIX = "CPHV."
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DRAWN, _GROUP = 19, 5
_CODE = re.compile(f"[{_ALPHABET}]{{{_DRAWN + 1}}}")
_BETWEEN = re.compile(r"[\s\-]+")
_READ_AS = str.maketrans("OIL", "011")
_CODES = sealed_codes.Kind("merchant/voucher")


class CodeUnreadable(ValueError):
    """What was scanned or typed cannot be the code of a voucher."""


def new_code(keys: Keys) -> VoucherCode:
    """What is kept of a code that nobody can guess; `opened` tells it."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_DRAWN))
    code = drawn + check_character(drawn)
    mac = _CODES.mac(keys, code.encode())
    return VoucherCode(mac, _CODES.sealed(keys, code, belongs_to=mac))


def opened(keys: Keys, *, mac: bytes, sealed: bytes) -> str:
    """The code again, without hyphens."""
    return _CODES.opened(keys, sealed, belongs_to=mac)


def written(code: str) -> str:
    """A code as people read it."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def drawn(code: str) -> str:
    """A code as a drawing holds it, without hyphens, so that a till knows it for a voucher's."""
    return PREFIX + _BETWEEN.sub("", code)


def read(keys: Keys, given: str) -> bytes:
    """The digest that a scanned or typed code leads to. Raises CodeUnreadable, without a question to the database."""
    code = _BETWEEN.sub("", given.strip().upper().removeprefix(PREFIX)).translate(_READ_AS)
    if not _CODE.fullmatch(code) or check_character(code[:-1]) != code[-1]:
        raise CodeUnreadable
    return _CODES.mac(keys, code.encode())


def check_character(drawn: str) -> str:
    """The last character of a code that begins so: ISO/IEC 7064, hybrid system with modulus 33 and 32."""
    size = len(_ALPHABET)
    product = size
    for character in drawn:
        total = (product + _ALPHABET.index(character)) % size or size
        product = total * 2 % (size + 1)
    return _ALPHABET[(size + 1 - product) % size]
