"""Which names may be shown: short, printable, and nothing by which somebody can be found or reached."""

from __future__ import annotations

import re
import unicodedata

from backend.engagement.circle.errors import NameRefused

LONGEST = 20  # characters, as a reader counts code points after NFC
_DIGITS = 6  # in a row, as in a number of a phone, an identity card or an account
_JOINERS = re.compile(r"[\s\-_.·•()（）+*,，/|]+")
# The handles of common messengers, addresses of mail and pages.
_CONTACT = re.compile(
    r"@|://|www\.|\.(?:com|cn|net|org)\b|微信|薇信|威信|扣扣|電話|电话|手机号|weixin|wechat|vx\d|wx\d|qq\d|qq[:：]",
    re.IGNORECASE,
)
_CHINESE_DIGITS = str.maketrans("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖", "00123456789123456789")


def screened(name: str) -> str:
    """The name as it is kept: NFC, spaces at its ends dropped. Raises NameRefused, which says why.

    Digits count in every writing (１, ①, 一), also with spaces and dashes between them.
    """
    kept = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(kept) <= LONGEST:
        raise NameRefused(why="length")
    if not kept.isprintable() or any(unicodedata.category(one)[0] in "CZ" and one != " " for one in kept):
        raise NameRefused(why="characters")
    if not any(unicodedata.category(one)[0] in "LNS" for one in kept):
        raise NameRefused(why="characters")
    if max((len(list(filter(_marks, run))) for run in re.split(r"\s", kept)), default=0) > _MARKS:
        raise NameRefused(why="characters")
    plain = _JOINERS.sub("", unicodedata.normalize("NFKC", kept)).translate(_CHINESE_DIGITS)
    run = 0
    for one in plain:
        run = run + 1 if unicodedata.digit(one, None) is not None else 0
        if run >= _DIGITS:
            raise NameRefused(why="digits")
    if _CONTACT.search(unicodedata.normalize("NFKC", kept)):
        raise NameRefused(why="contact")
    return kept


_MARKS = 4  # combining marks in one word; more of them draw over what stands around


def _marks(one: str) -> bool:
    return unicodedata.category(one)[0] == "M"
