"""What two platforms agree on before they exchange anything, read from a file that a lawyer can read too.

Both compute the same SHA-256 over the agreed fields (canonical JSON: sorted keys, no spaces), so that a file made under
another agreement is refused. The `[local]` table is each platform's own and is not part of it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from backend.intake.fingerprints.errors import AgreementFaulty, ExchangeKeyFaulty

Subject = Literal["phone", "number"]
KEY_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_LONGEST_DAYS = 366
_KEYS = {
    "exchange",
    "between",
    "from",
    "until",
    "subject",
    "bits",
    "bucket_s",
    "tolerance_s",
    "modes",
    "local",
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement as read. Days are Shanghai days, both included; `activities` gives our activities' modes."""

    exchange: str
    between: tuple[str, str]
    since: dt.date
    until: dt.date
    subject: Subject
    bits: int
    bucket_s: int
    tolerance_s: int
    modes: tuple[str, ...]
    own: str
    activities: Mapping[str, str]

    @property
    def other(self) -> str:
        return next(name for name in self.between if name != self.own)

    def agreed(self) -> dict[str, object]:
        """The fields that both platforms agreed to."""
        return {
            "exchange": self.exchange,
            "between": sorted(self.between),
            "from": self.since.isoformat(),
            "until": self.until.isoformat(),
            "subject": self.subject,
            "bits": self.bits,
            "bucket_s": self.bucket_s,
            "tolerance_s": self.tolerance_s,
            "modes": sorted(self.modes),
        }

    @property
    def sha256(self) -> str:
        text = json.dumps(self.agreed(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ExchangeKey:
    """The secret of one exchange, which nobody but the two platforms has."""

    secret: bytes = field(repr=False)

    def under(self, agreement: Agreement) -> bytes:
        """The 32 bytes that fingerprints of this agreement are made with: another agreement's tell nothing of these."""
        return hmac.digest(self.secret, b"agreement\x1f" + agreement.sha256.encode(), hashlib.sha256)

    def id_under(self, agreement: Agreement) -> str:
        """Eight digits by which both see that they hold the same key."""
        return hmac.digest(self.under(agreement), b"key-id", hashlib.sha256)[:4].hex()


def read_key(path: Path) -> ExchangeKey:
    """The key in a file, in base64. Raises ExchangeKeyFaulty."""
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error):
        raise ExchangeKeyFaulty from None
    if len(secret) < KEY_BYTES:
        raise ExchangeKeyFaulty
    return ExchangeKey(secret)


def read_agreement(path: Path) -> Agreement:
    """The agreement in a TOML file. Raises AgreementFaulty with the first field that is wrong."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise AgreementFaulty(field="", expected="TOML, UTF-8") from None
    for key in given:
        if key not in _KEYS:
            raise AgreementFaulty(field="", expected=", ".join(sorted(_KEYS)))
    since, until = _day(given, "from"), _day(given, "until")
    if not since <= until <= since + dt.timedelta(days=_LONGEST_DAYS):
        raise AgreementFaulty(field="until", expected=f"from … from + {_LONGEST_DAYS} d")
    between = _names(given, "between", least=2, most=2)
    subject = given.get("subject")
    if subject not in ("phone", "number"):
        raise AgreementFaulty(field="subject", expected="phone | number")
    modes = _names(given, "modes", least=1, most=50)
    own, activities = _local(given.get("local"), between, modes)
    bucket_s = _whole(given, "bucket_s", 60, 86_400)
    return Agreement(
        exchange=_name(given.get("exchange"), "exchange"),
        between=(between[0], between[1]),
        since=since,
        until=until,
        subject=subject,
        bits=_whole(given, "bits", 16, 64),
        bucket_s=bucket_s,
        tolerance_s=_whole(given, "tolerance_s", 0, bucket_s),
        modes=modes,
        own=own,
        activities=activities,
    )


def _local(given: object, between: tuple[str, ...], modes: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    if not isinstance(given, dict) or set(given) - {"platform", "activities"}:
        raise AgreementFaulty(field="local", expected="platform, activities")
    if given.get("platform") not in between:
        raise AgreementFaulty(field="local.platform", expected="one of `between`")
    activities = given.get("activities")
    if not isinstance(activities, dict) or not activities:
        raise AgreementFaulty(field="local.activities", expected='activity = "mode"')
    for activity, mode in activities.items():
        _name(activity, "local.activities")
        if mode not in modes:
            raise AgreementFaulty(field="local.activities", expected="one of `modes`")
    return given["platform"], activities


def _name(given: object, at: str) -> str:
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise AgreementFaulty(field=at, expected="a-z, 0-9, -")
    return given


def _names(given: Mapping[str, Any], at: str, *, least: int, most: int) -> tuple[str, ...]:
    found = given.get(at)
    if (
        not isinstance(found, list)
        or not least <= len(found) <= most
        or len(found) != len(set(map(str, found)))
    ):
        raise AgreementFaulty(field=at, expected=f"{least} … {most} different names")
    return tuple(_name(name, at) for name in found)


def _whole(given: Mapping[str, Any], at: str, low: int, high: int) -> int:
    found = given.get(at)
    if type(found) is not int or not low <= found <= high:
        raise AgreementFaulty(field=at, expected=f"{low} … {high}")
    return found


def _day(given: Mapping[str, Any], at: str) -> dt.date:
    found = given.get(at)
    if type(found) is not dt.date:
        raise AgreementFaulty(field=at, expected="YYYY-MM-DD")
    return found
