"""What tills refuse."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class ClerkUnknown(DomainError):
    """There is no such clerk here."""

    code = "merchant.clerk_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这名收银员。"


@dataclass(eq=False)
class ClerkLabelTaken(DomainError):
    """Another clerk of the shop has this label."""

    code = "merchant.clerk_label_taken"
    kind = Kind.CONFLICT
    title_zh = "该门店已有同名收银员。"


@dataclass(eq=False)
class PinWeak(DomainError):
    """A PIN has six digits that are neither all alike nor in a row, no two or three of them said again, nor three pairs.

    `why`: digits, alike, run, repeated, pairs.
    """

    why: str

    code = "merchant.pin_weak"
    kind = Kind.INVALID
    title_zh = "密码须为六位数字，不能全部相同、连续、重复或成对。"


@dataclass(eq=False)
class EnrolmentRefused(DomainError):
    """The code enrols no till: it is wrong, was used, or is more than fifteen minutes old; or the proof does not fit the key."""

    code = "merchant.enrolment_refused"
    kind = Kind.UNAUTHENTICATED
    title_zh = "登记码无效：错误、已用、超过十五分钟，或设备证明与公钥不符。"


@dataclass(eq=False)
class TillUnknown(DomainError):
    """There is no such till here."""

    code = "merchant.till_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这台收银设备。"


@dataclass(eq=False)
class TillRefused(DomainError):
    """The till or the clerk is not let in: the assertion, the PIN or the session is not good."""

    code = "merchant.till_refused"
    kind = Kind.UNAUTHENTICATED
    title_zh = "收银设备或收银员未获准：签名、密码或会话无效。"


@dataclass(eq=False)
class SoftwareKeyUnknown(DomainError):
    """There is no such key here."""

    code = "merchant.software_key_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个密钥。"


@dataclass(eq=False)
class TooManySoftwareKeys(DomainError):
    """A shop has so many live keys of its software at most; revoke one first."""

    most: int

    code = "merchant.too_many_software_keys"
    kind = Kind.CONFLICT
    title_zh = "该门店的软件密钥已达上限，请先撤销一个。"


@dataclass(eq=False)
class ManagerNeeded(DomainError):
    """A manager has to agree: give the login and a fresh one-time code of somebody on the merchant's staff."""

    code = "merchant.manager_needed"
    kind = Kind.FORBIDDEN
    title_zh = "须由店长同意：请提供商户人员的登录名与新的动态码。"
